"""Copies of the worlds in play, from which another server can go on when the one that had a world is gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from services.world_engine.world_engine import Picture, WorldSnapshot
    from services.world_files.world_file import ModelFacts


@dataclass(frozen=True, slots=True)
class WorldCopy:
    """A world at one moment. `seed` is the file that it began in, with its SHA-256 and what it is called; `picture` is
    that at the engine's size, and `scene` what the world had last gone on from: the same object, if that is the seed.

    `passes` led here from the seed, under `words` at last; `passes_made` counts also those that were taken back. The
    copy is renewed every `every_s` seconds.
    """

    model: ModelFacts
    rng_seed: int
    seed: bytes
    seed_hash: str
    seed_name: str | None
    picture: Picture
    scene: Picture
    words: str
    snapshot: WorldSnapshot
    passes: int
    passes_made: int
    every_s: float


class WorldCopiesError(RuntimeError):
    """A copy could not be written. `str()` of it is a sentence that names no path."""


class WorldCopies(Protocol):
    """Names are hexadecimal. Every method blocks, and is safe to call from several threads and servers."""

    def keep(self, name: str, copy: WorldCopy) -> None:
        """Write a copy, or replace the one of that name.

        Raises:
            WorldCopiesError: the disk is full, or the folder cannot be written.
        """
        ...

    def touch(self, name: str) -> None:
        """The copy is still the newest there is."""
        ...

    def read(self, name: str) -> WorldCopy | None:
        """None: there is none, or it is damaged."""
        ...

    def remove(self, name: str) -> None:
        """Idempotent. What cannot be removed goes with `sweep`."""
        ...

    def sweep(self, older_s: float) -> None:
        """Remove those that were not kept or touched for so many seconds."""
        ...
