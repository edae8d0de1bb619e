"""A table of runs from one file: cells, sizes, seeds at matched numbers of parameters."""
