"""Gradients proved against the derivative of the textbook."""
