"""How gradients change on their way back through a network: measured, bounded, diagnosed."""
