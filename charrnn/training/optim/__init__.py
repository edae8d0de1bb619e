"""Optimisers, schedules and clipping. They work on flat vectors and know no network."""
