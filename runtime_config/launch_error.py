"""Why the server refuses to start."""

from __future__ import annotations


class LaunchError(Exception):
    """A start that cannot go ahead. `message` is one sentence or two for the person who started it.

    `about` are the names of the settings that do not fit together, the one that is most likely wrong first.
    """

    def __init__(self, message: str, about: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.about = about
