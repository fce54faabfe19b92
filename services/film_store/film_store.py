"""What a store of films is: finished films by the id of the job that made them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, JsonValue

if TYPE_CHECKING:
    from pathlib import Path


class FilmFacts(BaseModel):
    """What is known of a film. `request` makes it again; its seed is in there. `timings_s` are by stage.

    `digest` is the SHA-256 (hex) of the file as the pipeline wrote it, by which two films are told to be the same:
    how long the making took is appended to the file, and never the same twice.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    way: str
    request: dict[str, JsonValue]
    seed: int
    model: str
    revision: str | None
    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]
    frames: Annotated[int, Field(ge=1)]
    fps: FiniteFloat
    seconds: FiniteFloat
    has_sound: bool
    created_at: FiniteFloat  # seconds since the Unix epoch
    timings_s: dict[str, float]
    digest: str = ""
    size_bytes: int = 0


class FilmStoreError(RuntimeError):
    """A film could not be kept or removed. `str()` is a sentence that names no path. Nothing has changed."""


class FilmStore(Protocol):
    """Every method blocks and may be called from any thread. A malformed id is an unknown one."""

    def list(self) -> tuple[tuple[str, FilmFacts], ...]:
        """Ids and facts, newest first."""
        ...

    def find(self, film_id: str) -> FilmFacts | None: ...

    def path(self, film_id: str) -> Path | None:
        """Where its file lies; None: there is none."""
        ...

    def add(self, film_id: str, made: Path, facts: FilmFacts) -> FilmFacts:
        """Copy a film here, with what is known of it. One that is here already stays as it is.

        Raises:
            FilmStoreError: the disk is full, or the folder cannot be written.
        """
        ...

    def picture(self, film_id: str, name: str) -> bytes | None:
        """A picture that was made of the film, such as "thumbnail"; None: not yet."""
        ...

    def keep_picture(self, film_id: str, name: str, data: bytes) -> None:
        """It is made again where it cannot be kept."""
        ...

    def remove(self, film_id: str) -> bool:
        """Whether there was one. Raises: FilmStoreError, it cannot be removed."""
        ...

    def used_bytes(self) -> int: ...

    def free_bytes(self) -> int:
        """Of the disk."""
        ...
