"""Makes a film of a saved world, by playing it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class FilmError(RuntimeError):
    """`str()` is a sentence: the world cannot be played again here, or the film not be written."""


@dataclass(frozen=True, slots=True)
class FilmReport:
    """`is_exact`: everything that the file lets compare came out the same; None: it holds nothing to compare with."""

    passes: int
    digest: str  # SHA-256 (hex) over every frame
    is_exact: bool | None
    sentences: tuple[str, ...]


class FilmMaker(Protocol):
    async def make(self, world: Path, film: Path, on_progress: Callable[[float], None]) -> FilmReport:
        """Play the world file again, into a film at a path that is free. Cancelled, it leaves no film.

        `on_progress` gets the share that is done, 0 to 1, on the event loop.

        Raises:
            FilmError: with what stands in the way.
        """
        ...
