"""What a seed store is: the picture files that worlds start from, by the SHA-256 of their bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from services.picture_decoder.picture_decoder import PictureFactsPayload

SeedOrigin: TypeAlias = Literal["shipped", "uploaded"]


@dataclass(frozen=True, slots=True)
class SeedFilePayload:
    """One picture file. `hash` is the SHA-256 (hex, lower case) of its bytes, width and height are pixels.

    `view_of` names what it shows, where that decides in which engine it is at its best.
    """

    hash: str
    title: str
    description: str
    origin: SeedOrigin
    width: int
    height: int
    size_bytes: int
    media_type: str
    created_at: float  # seconds since the Unix epoch
    prompt: str | None = None  # that it was generated from
    view_of: str | None = None


class SeedStoreError(RuntimeError):
    """A seed could not be kept or removed. `str()` of it is a sentence that names no path."""


class SeedStore(Protocol):
    """Every method blocks and is safe to call from several threads. A malformed hash is an unknown one."""

    def list(self) -> tuple[SeedFilePayload, ...]:
        """Shipped seeds in the order of their manifest, then uploads, newest first."""
        ...

    def find(self, seed_hash: str) -> SeedFilePayload | None: ...

    def read(self, seed_hash: str) -> bytes | None:
        """The bytes of the file; None for an unknown hash, and for a file that no longer has that hash."""
        ...

    def add(
        self,
        data: bytes,
        facts: PictureFactsPayload,
        title: str,
        *,
        prompt: str | None = None,
        view_of: str | None = None,
    ) -> SeedFilePayload:
        """Keep an upload, or a scene that was generated from `prompt`.

        The same bytes again are the same seed, which keeps what it was called and then counts as the newest upload.

        The oldest uploads give way beyond the store's limit.

        Raises:
            SeedStoreError: the disk is full, or the folder cannot be written.
        """
        ...

    def thumbnail(self, seed_hash: str) -> bytes | None:
        """The JPEG that was kept last; None where none is, or none of the present format."""
        ...

    def keep_thumbnail(self, seed_hash: str, jpeg: bytes) -> None:
        """Keep a seed's thumbnail as long as the seed; dropped for an unknown seed, or where it cannot be kept."""
        ...

    def remove(self, seed_hash: str) -> bool:
        """Remove an upload and its thumbnail; False for a shipped seed or an unknown hash.

        Raises:
            SeedStoreError: the file cannot be removed.
        """
        ...
