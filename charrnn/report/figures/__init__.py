"""Pictures for papers, by matplotlib (the extra `plot`)."""
