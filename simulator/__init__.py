"""A procedural first-person world: an integer seed defines a landscape to walk in, drawn frame by frame."""
