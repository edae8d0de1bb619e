"""The loop, the trainer and its state, the events it yields."""
