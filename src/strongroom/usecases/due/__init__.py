"""What the stores that are attached now need, in one run: `run.due`."""
