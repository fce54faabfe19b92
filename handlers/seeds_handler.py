"""Seed pictures: the gallery, uploads, and reading a seed for a world."""

from __future__ import annotations

import binascii
import hashlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, assert_never

from api_types import SeedsResponse, SeedSummary
from error_types import DomainError, ErrorCode, HTTPError
from handlers.safety_handler import Allowed, SafetyHandler, Unjudged, Unsafe
from handlers.threads import in_thread
from services.picture_decoder.picture_decoder import PictureDecoder, PictureError, PictureFault
from services.seed_store.seed_store import SeedFilePayload, SeedStore, SeedStoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from concurrent.futures import Executor

    from services.picture_decoder.picture_decoder import PictureFactsPayload
    from services.world_engine.world_engine import Picture

_SLICE: Final = 1 << 20  # characters of base64 at a time: decoding holds the GIL, and the frame loops need it
_THUMBNAIL_WIDTH: Final = 640
_TITLE_LENGTH: Final = 80
_CHECKED_SIDE: Final = 896  # pixels: the longer side of what an upload is judged by

_FAULT_CODES: Final = MappingProxyType(
    {
        PictureFault.EMPTY: ErrorCode.SEED_EMPTY,
        PictureFault.NOT_A_PICTURE: ErrorCode.SEED_NOT_A_PICTURE,
        PictureFault.TOO_LARGE: ErrorCode.SEED_TOO_LARGE,
    }
)


@dataclass(frozen=True, slots=True)
class SeedFile:
    """The bytes of a seed, ready to be sent."""

    data: bytes
    media_type: str


class SeedsHandler:
    def __init__(
        self,
        store: SeedStore,
        decoder: PictureDecoder,
        safety: SafetyHandler,
        check_threads: Executor,
        max_upload_bytes: int,
    ) -> None:
        self._store = store
        self._decoder = decoder
        self._safety = safety
        self._check_threads = check_threads
        self._max_upload_bytes = max_upload_bytes

    # ------------------------------------------------------------------------------------------- gallery

    def list_seeds(self) -> SeedsResponse:
        return SeedsResponse(seeds=[_summary(seed) for seed in self._store.list()])

    def image(self, seed_hash: str) -> SeedFile:
        """Raises: HTTPError 404."""
        return SeedFile(self._read(seed_hash), self._find(seed_hash).media_type)

    def thumbnail(self, seed_hash: str) -> SeedFile:
        """Raises: HTTPError 404, or 422 when the file is damaged."""
        try:
            return SeedFile(self._decoder.thumbnail(self._read(seed_hash), max_width=_THUMBNAIL_WIDTH), "image/jpeg")
        except PictureError as error:
            raise HTTPError(422, error.message, _FAULT_CODES[error.code]) from error

    async def upload(self, chunks: AsyncIterator[bytes], title: str) -> SeedSummary:
        """Keep a picture file that a client sends.

        Raises:
            HTTPError: 413 too large, 422 no picture or an unsafe one, 503 it cannot be checked, 507 it cannot be kept.
        """
        data = bytearray()
        async for chunk in chunks:
            data += chunk
            if len(data) > self._max_upload_bytes:
                limit = self._max_upload_bytes // (1024 * 1024)
                raise HTTPError(413, f"The picture is larger than {limit} MiB.", ErrorCode.SEED_TOO_LARGE)
        return await in_thread(self._check_threads, lambda: self._keep(bytes(data), title))

    def remove(self, seed_hash: str) -> None:
        """Raises: HTTPError 404 unknown, 409 shipped, 507 it cannot be removed."""
        if self._find(seed_hash).origin == "shipped":
            raise HTTPError(409, "This picture came with the server and stays.", ErrorCode.SEED_SHIPPED)
        try:
            self._store.remove(seed_hash)
        except SeedStoreError as error:
            raise HTTPError(507, str(error), ErrorCode.SERVICE_UNAVAILABLE) from error

    # -------------------------------------------------------------------------------------- for a world

    def from_base64(self, text: str) -> bytes:
        """The picture file that a client sent in a message. Blocks.

        Raises:
            DomainError: it is empty, or no base64.
        """
        if not text:
            raise DomainError("The picture is empty.", ErrorCode.SEED_EMPTY)
        starts = range(0, len(text), _SLICE)
        try:
            return b"".join(binascii.a2b_base64(text[at : at + _SLICE], strict_mode=True) for at in starts)
        except ValueError as error:  # binascii.Error is one; so is what text outside ASCII raises
            raise DomainError("The picture is not valid base64.", ErrorCode.SEED_NOT_BASE64) from error

    def from_store(self, seed_hash: str) -> bytes:
        """The file of a seed in the gallery. Blocks.

        Raises:
            DomainError: there is none of that hash.
        """
        data = self._store.read(seed_hash)
        if data is None:
            raise DomainError("This picture is not on the server any more. Send it again.", ErrorCode.SEED_UNKNOWN)
        return data

    def title_of(self, seed_hash: str) -> str | None:
        """What the gallery calls a seed. Blocks."""
        found = self._store.find(seed_hash)
        return None if found is None else found.title

    def keep_generated(self, data: bytes, prompt: str) -> None:
        """Put a scene that was generated from `prompt` into the gallery. Blocks.

        Raises:
            DomainError: it cannot be kept.
        """
        try:
            self._store.add(data, self._decoder.describe(data), _clean_title(prompt), prompt=prompt)
        except SeedStoreError as error:
            raise DomainError(str(error), ErrorCode.SERVICE_UNAVAILABLE) from error

    def generated(self) -> list[SeedSummary]:
        """The scenes of the gallery that were generated, newest first."""
        return [_summary(seed) for seed in self._store.list() if seed.prompt is not None]

    def decode(self, data: bytes, *, width: int, height: int) -> Picture:
        """The picture at an engine's size. Blocks.

        Raises:
            DomainError: no picture, or one that is too large.
        """
        try:
            return self._decoder.decode(data, width=width, height=height)
        except PictureError as error:
            raise DomainError(error.message, _FAULT_CODES[error.code]) from error

    def _keep(self, data: bytes, title: str) -> SeedSummary:
        try:
            facts = self._decoder.describe(data)
            self._decoder.thumbnail(data, max_width=_THUMBNAIL_WIDTH)  # the head may be sound and the pixels not
            self._judge(data, facts)
            return _summary(self._store.add(data, facts, _clean_title(title)))
        except PictureError as error:
            raise HTTPError(422, error.message, _FAULT_CODES[error.code]) from error
        except SeedStoreError as error:
            raise HTTPError(507, str(error), ErrorCode.SERVICE_UNAVAILABLE) from error

    def _judge(self, data: bytes, facts: PictureFactsPayload) -> None:
        """The whole picture, as the gallery shows it; what a world is opened in is judged again, as it is cut there.

        Raises:
            HTTPError: it may not be shown.
        """
        scale = min(1.0, _CHECKED_SIDE / max(facts.width, facts.height))
        width, height = (max(1, round(side * scale)) for side in (facts.width, facts.height))
        verdict = self._safety.judge(hash_of(data), self._decoder.decode(data, width=width, height=height))
        match verdict:
            case Allowed():
                pass
            case Unsafe():
                raise HTTPError(422, "This picture was judged unsafe. Choose another one.", ErrorCode.SEED_UNSAFE)
            case Unjudged(reason):
                raise HTTPError(503, f"This picture could not be checked: {reason}", ErrorCode.SEED_CHECK_FAILED)
            case _:
                assert_never(verdict)

    def _find(self, seed_hash: str) -> SeedFilePayload:
        found = self._store.find(seed_hash)
        if found is None:
            raise HTTPError(404, "There is no such picture.", ErrorCode.SEED_UNKNOWN)
        return found

    def _read(self, seed_hash: str) -> bytes:
        data = self._store.read(seed_hash)
        if data is None:
            raise HTTPError(404, "There is no such picture.", ErrorCode.SEED_UNKNOWN)
        return data


def hash_of(data: bytes) -> str:
    """The name of a seed everywhere: SHA-256 (hex) of its file."""
    return hashlib.sha256(data).hexdigest()


def _clean_title(title: str) -> str:
    printable = "".join(character for character in title if character.isprintable()).strip()
    return printable[:_TITLE_LENGTH] or "My picture"


def _summary(seed: SeedFilePayload) -> SeedSummary:
    return SeedSummary(
        hash=seed.hash,
        title=seed.title,
        description=seed.description,
        origin=seed.origin,
        width=seed.width,
        height=seed.height,
        size_bytes=seed.size_bytes,
        image_url=f"/api/seeds/{seed.hash}/image",
        thumbnail_url=f"/api/seeds/{seed.hash}/thumbnail",
        prompt=seed.prompt,
    )
