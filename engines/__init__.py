"""Runtimes of large world models: arrays in, arrays out. They know nothing of the server."""
