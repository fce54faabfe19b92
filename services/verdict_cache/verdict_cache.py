"""What a verdict cache is: what a classifier said of a picture, so that it need not be asked again."""

from __future__ import annotations

from typing import Protocol


class VerdictCache(Protocol):
    """Safe to use from several threads. It never fails: what it cannot read it does not know, what it cannot write is
    asked again another time. A verdict is of one picture by one revision of a classifier."""

    def find(self, picture_hash: str, revision: str) -> bool | None:
        """Whether the picture was judged safe; None when that is not known. Blocks."""
        ...

    def keep(self, picture_hash: str, revision: str, *, is_safe: bool) -> None:
        """Remember a verdict; the oldest give way beyond the cache's limit. Blocks."""
        ...

    def close(self) -> None:
        """Afterwards nothing is known and nothing kept. Idempotent."""
        ...
