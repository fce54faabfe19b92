"""Training of the scene network: views with peeled truth, losses, the run."""
