"""What a store of world files is: saved worlds by id, each with a name and a few facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

    from services.world_files.world_file import WorldFilePayload

WorldOrigin: TypeAlias = Literal["saved", "uploaded"]  # from play on this server; or brought from elsewhere


@dataclass(frozen=True, slots=True)
class SavedWorldPayload:
    """One saved world. `id` is hexadecimal; `seconds` is how long it was played, in its own time."""

    id: str
    title: str
    model_id: str
    passes: int
    seconds: float
    size_bytes: int
    created_at: float  # seconds since the Unix epoch
    origin: WorldOrigin


class WorldStoreError(RuntimeError):
    """A world could not be kept or removed. `str()` of it is a sentence that names no path."""


class WorldStore(Protocol):
    """Every method blocks and is safe to call from several threads. A malformed id is an unknown one."""

    def list(self) -> tuple[SavedWorldPayload, ...]:
        """Newest first."""
        ...

    def find(self, world_id: str) -> SavedWorldPayload | None: ...

    def add(self, world: WorldFilePayload, origin: WorldOrigin) -> SavedWorldPayload:
        """Keep a world.

        Raises:
            WorldStoreError: the disk is full, the folder cannot be written, or too many worlds are kept already.
        """
        ...

    def read(self, world_id: str) -> WorldFilePayload | None:
        """None for an unknown id.

        Raises:
            WorldFileError: the file was changed or damaged on disk.
        """
        ...

    def path(self, world_id: str) -> Path | None:
        """Where its file lies, for sending it; None for an unknown id."""
        ...

    def thumbnail(self, world_id: str) -> bytes | None:
        """A small JPEG of the place; None for an unknown id."""
        ...

    def rename(self, world_id: str, title: str) -> SavedWorldPayload | None:
        """Raises: WorldStoreError."""
        ...

    def remove(self, world_id: str) -> bool:
        """Raises: WorldStoreError."""
        ...
