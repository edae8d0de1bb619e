"""The page of `charrnn report`: one HTML file that needs nothing else."""
