"""The interface of verdict caches: they remember what a classifier said of a picture, so that it is asked once."""

from __future__ import annotations

from typing import Protocol


class VerdictCache(Protocol):
    """A verdict belongs to one picture and one revision of a classifier.

    Safe to use from several threads. No method raises: a verdict that cannot be read counts as unknown, and one that
    cannot be written is forgotten.
    """

    def find(self, picture_hash: str, revision: str) -> bool | None:
        """Whether the picture was judged safe. None: unknown. Blocks."""
        ...

    def keep(self, picture_hash: str, revision: str, *, is_safe: bool) -> None:
        """Remember a verdict, and remove the oldest ones beyond the cache's limit. Blocks."""
        ...

    def close(self) -> None:
        """Close the file. Afterwards every verdict is unknown and none is remembered. Idempotent."""
        ...
