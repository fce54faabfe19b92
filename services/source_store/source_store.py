"""What a store of sources is: videos and sounds that people sent in for their films, by the hash of the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection
    from contextlib import AbstractContextManager
    from pathlib import Path

    from services.media_probe.media_probe import MediaFacts


@dataclass(frozen=True, slots=True)
class Source:
    """`hash` is the SHA-256 (hex) of the file. `used_at`: when it was sent, or last used, in seconds since 1970."""

    hash: str
    title: str
    facts: MediaFacts
    size_bytes: int
    used_at: float


class SourceStoreError(RuntimeError):
    """A source could not be kept or removed. `str()` is a sentence that names no path. Nothing has changed."""


class IncomingSource(Protocol):
    """A file that is being sent, under a name that nobody sees."""

    @property
    def path(self) -> Path: ...

    def write(self, chunk: bytes) -> None:
        """Raises: SourceStoreError, there is no room."""
        ...

    def complete(self) -> str:
        """Close the file once all of it is on the disk. Its hash.

        Raises:
            SourceStoreError: there is no room.
        """
        ...

    def keep(self, title: str, facts: MediaFacts) -> Source:
        """After `complete`. The same file is the same source.

        Raises:
            SourceStoreError: the folder cannot be written.
        """
        ...


class SourceStore(Protocol):
    """Every method blocks and may be called from any thread. A malformed hash is an unknown one."""

    def incoming(self) -> AbstractContextManager[IncomingSource]:
        """A place for a file. It is removed at the end of the block unless it was kept.

        Raises:
            SourceStoreError: the folder cannot be written.
        """
        ...

    def list(self) -> tuple[Source, ...]:
        """The one that was used last comes first."""
        ...

    def find(self, source_hash: str) -> Source | None: ...

    def path(self, source_hash: str) -> Path | None: ...

    def use(self, source_hash: str) -> None:
        """Somebody uses it now."""
        ...

    def remove(self, source_hash: str) -> bool:
        """Whether there was one. Raises: SourceStoreError."""
        ...

    def unused(self, before: float, kept: Collection[str]) -> tuple[str, ...]:
        """The hashes of those that nobody has used since `before`, but for the `kept`."""
        ...
