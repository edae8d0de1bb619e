"""Generators of the corpora whose true entropy is known."""
