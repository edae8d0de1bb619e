"""What a network does while it reads: activations, and which units track what."""
