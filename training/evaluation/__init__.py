"""What `training.evaluate` measures, one idea a file."""
