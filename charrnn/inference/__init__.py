"""Forward only: reading text with a network, and what stands on it."""
