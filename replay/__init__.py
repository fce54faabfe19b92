"""Replays saved worlds and input logs without a client: makes films and data sets, and compares the outcome."""
