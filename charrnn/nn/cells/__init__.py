"""Cells: one file each, opening with its equations; `registry` finds them by their names."""
