"""The procedural first-person world: an integer seed in, places to walk and frames to see out."""
