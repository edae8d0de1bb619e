"""The classical experiments: corpora, training, measures and tables."""
