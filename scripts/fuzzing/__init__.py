"""What `scripts/fuzz.py` is made of: a runner, and a maker of hostile files for each kind."""
