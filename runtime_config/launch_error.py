"""Why the server refuses to start."""

from __future__ import annotations


class LaunchError(Exception):
    """A start that cannot go ahead. `message` is one sentence or two for the person who started it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
