"""Consumers of training events, figures, and the page."""
