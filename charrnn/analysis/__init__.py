"""What a model is and does: gradients proved, gradient flow, what units track."""
