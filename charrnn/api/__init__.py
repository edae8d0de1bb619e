"""What `import charrnn` offers, and what the commands run. `charrnn.__all__` names it."""
