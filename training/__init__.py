"""Data, training and evaluation of the built-in world. Nothing of the server imports it."""
