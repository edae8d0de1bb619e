"""A run: its folder and records, starting and resuming it, ranks that join it, sweeps."""
