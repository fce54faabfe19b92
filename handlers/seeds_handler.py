"""Seed pictures: the gallery, uploads, and reading a seed for a world."""

from __future__ import annotations

import asyncio
import binascii
import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from api_types import ScenesResponse, SeedsResponse, SeedSummary
from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from handlers.ownership.belongings import owner_id
from handlers.service_errors import service_errors_translated
from services.files import clean_title
from services.ownership_store.ownership_store import Thing, ThingKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection
    from concurrent.futures import Executor

    from access_rules import Visitor
    from handlers.ownership.belongings import Belongings
    from handlers.safety_handler import SafetyHandler
    from handlers.visitors_handler import VisitorsHandler
    from runtime_config.current import Current
    from services.ownership_store.ownership_store import OwnerId
    from services.picture_decoder.picture_decoder import PictureDecoder
    from services.picture_views.picture_views import PictureViews
    from services.seed_store.seed_store import SeedFilePayload, SeedStore
    from services.world_engine.catalogue import WorldEngineCatalogue
    from services.world_engine.world_engine import Picture

_SLICE: Final = 1 << 20  # characters of base64 at a time: decoding holds the GIL, and the frame loops need it
_THUMBNAIL_WIDTH: Final = 640
_TITLE_LENGTH: Final = 80
_CHECKED_SIDE: Final = 896  # pixels: the longer side of what an upload is judged by


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
        visitors: VisitorsHandler,
        catalogue: WorldEngineCatalogue,
        belongings: Belongings,
        intake_threads: Executor,
        thumbnail_threads: Executor,
        max_upload_bytes: Current[int],
        views: PictureViews,
    ) -> None:
        """`thumbnail_threads` makes those that are missing: one thread, so that they wait without their files."""
        self._store = store
        self._decoder = decoder
        self._safety = safety
        self._visitors = visitors
        self._catalogue = catalogue
        self._belongings = belongings
        self._intake_threads = intake_threads
        self._thumbnail_threads = thumbnail_threads
        self._max_upload_bytes = max_upload_bytes
        self._views = views
        self._thumbnails: dict[str, asyncio.Task[bytes]] = {}  # those that are being made

    # ------------------------------------------------------------------------------------------- gallery

    def list_seeds(self, visitor: Visitor) -> SeedsResponse:
        """Those that came with the server, and the visitor's."""
        return SeedsResponse(seeds=self._listed(visitor))

    def image(self, visitor: Visitor, seed_hash: str) -> SeedFile:
        """Raises: DomainError, there is no such picture."""
        seed = self._find(visitor, seed_hash)
        return SeedFile(self._read(seed_hash), seed.media_type)

    async def thumbnail(self, visitor: Visitor, seed_hash: str) -> SeedFile:
        """The picture as the gallery shows it, made once and kept.

        Raises:
            DomainError: there is no such picture, or its file is damaged.
        """
        kept = await asyncio.to_thread(self._thumbnail_kept, visitor, seed_hash)
        return SeedFile(kept or await self._make_thumbnail(seed_hash), "image/jpeg")

    async def upload(self, visitor: Visitor, chunks: AsyncIterator[bytes], title: str) -> SeedSummary:
        """Keep a picture file that a client sends.

        Raises:
            DomainError: it is too large, no picture, unsafe, cannot be checked, or cannot be kept; or the visitor has
                sent too much.
        """
        with self._visitors.picture(visitor):
            data, most_bytes = bytearray(), self._max_upload_bytes.now
            async for chunk in self._visitors.counted(visitor, chunks):
                data += chunk
                if len(data) > most_bytes:
                    limit = most_bytes // (1024 * 1024)
                    raise DomainError(f"The picture is larger than {limit} MiB.", ErrorCode.SEED_TOO_LARGE)
            return await in_thread(self._intake_threads, lambda: self._keep(owner_id(visitor), bytes(data), title))

    async def keep(self, visitor: Visitor, data: bytes, title: str) -> SeedSummary:
        """Keep a picture file that the server made from what a visitor has, as if they had sent it.

        Raises:
            DomainError: it is unsafe, cannot be checked, or cannot be kept; or the visitor has sent too much.
        """
        with self._visitors.picture(visitor):
            return await in_thread(self._intake_threads, lambda: self._keep(owner_id(visitor), data, title))

    def remove(self, visitor: Visitor, seed_hash: str) -> None:
        """A picture that others have sent as well stays theirs.

        Raises:
            DomainError: there is no such picture, it came with the server, or it cannot be removed.
        """
        if self._find(visitor, seed_hash).origin == "shipped":
            raise DomainError("This picture came with the server and stays.", ErrorCode.SEED_SHIPPED)
        with service_errors_translated():
            self._belongings.give_up(visitor, _thing(seed_hash), lambda: self._remove(seed_hash))

    def hashes(self) -> Collection[str]:
        """Of all that did not come with the server."""
        return {seed.hash for seed in self._store.list() if seed.origin != "shipped"}

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

    def from_store(self, visitor: Visitor, seed_hash: str) -> bytes:
        """The file of a seed in the visitor's gallery. Blocks.

        Raises:
            DomainError: there is none of that hash.
        """
        data = self._store.read(seed_hash) if self._sees(visitor, seed_hash) else None
        if data is None:
            raise DomainError("This picture is not on the server any more. Send it again.", ErrorCode.SEED_UNKNOWN)
        return data

    def title_of(self, seed_hash: str) -> str | None:
        """What the gallery calls a seed. Blocks."""
        found = self._store.find(seed_hash)
        return None if found is None else found.title

    def model_for(self, seed_hash: str) -> str:
        """The engine in which a picture opens where nobody chose one; also one that is not in the gallery. Blocks."""
        found = self._store.find(seed_hash)
        return self._catalogue.best_for(None if found is None else found.view_of).model_id

    def keep_generated(self, owner: OwnerId, data: bytes, prompt: str) -> None:
        """Put a scene that was generated from `prompt` into the gallery of whoever wanted it. Blocks.

        Raises:
            DomainError: it cannot be kept.
        """
        with service_errors_translated():
            facts = self._decoder.describe(data)
            view = self._views.view_of(self._decoder.overview(data, longest=_CHECKED_SIDE))
            seed = self._adopt(
                owner, data, lambda: self._store.add(data, facts, _title(prompt), prompt=prompt, view_of=view)
            )
        with suppress(DomainError):  # then it is made when somebody looks
            self._thumbnail_of(seed.hash)

    def list_generated(self, visitor: Visitor) -> ScenesResponse:
        """The scenes of the visitor's gallery that were generated, newest first."""
        return ScenesResponse(scenes=[seed for seed in self._listed(visitor) if seed.prompt is not None])

    def generated(self, visitor: Visitor, seed_hash: str) -> SeedSummary:
        """Raises: DomainError, it is unknown, or no generated scene."""
        seed = self._store.find(seed_hash)
        if seed is None or seed.prompt is None or not self._sees(visitor, seed_hash):
            raise DomainError("There is no such scene.", ErrorCode.SEED_UNKNOWN)
        return self._summary(seed)

    def remove_generated(self, visitor: Visitor, seed_hash: str) -> None:
        """Raises: DomainError, it is unknown, no generated scene, or cannot be removed."""
        self.remove(visitor, self.generated(visitor, seed_hash).hash)

    def decode(self, data: bytes, *, width: int, height: int) -> Picture:
        """The picture at an engine's size. Blocks.

        Raises:
            DomainError: no picture, or one that is too large.
        """
        with service_errors_translated():
            return self._decoder.decode(data, width=width, height=height)

    def _listed(self, visitor: Visitor) -> list[SeedSummary]:
        seeds, is_theirs = self._store.list(), self._belongings.sight(visitor, ThingKind.SEED)
        names = self._belongings.names_of_owners(visitor, ThingKind.SEED)
        seen = (seed for seed in seeds if seed.origin == "shipped" or is_theirs(seed.hash))
        return [self._summary(seed, names.get(seed.hash)) for seed in seen]

    def _sees(self, visitor: Visitor, seed_hash: str) -> bool:
        seed = self._store.find(seed_hash)
        if seed is not None and seed.origin == "shipped":
            return True
        return self._belongings.sees(visitor, _thing(seed_hash))

    def _thumbnail_kept(self, visitor: Visitor, seed_hash: str) -> bytes | None:
        self._find(visitor, seed_hash)
        return self._store.thumbnail(seed_hash)

    def _adopt(self, owner: OwnerId, data: bytes, keep: Callable[[], SeedFilePayload]) -> SeedFilePayload:
        """The same file of two people is one seed, and both's."""
        store, seed_hash = self._store, hash_of(data)
        known = store.find(seed_hash)
        if known is not None and known.origin == "shipped":
            return keep()
        return self._belongings.adopt(
            owner, _thing(seed_hash), keep, is_there=lambda: store.find(seed_hash) is not None
        )

    def _remove(self, seed_hash: str) -> None:
        self._store.remove(seed_hash)

    def _keep(self, owner: OwnerId, data: bytes, title: str) -> SeedSummary:
        with service_errors_translated():
            facts = self._decoder.describe(data)
            look = self._decoder.overview(data, longest=_CHECKED_SIDE)  # the head may be sound and the pixels not
            # As the gallery shows it; what a world is opened in is judged again, as it is cut there.
            self._safety.require(hash_of(data), look)
            view = self._views.view_of(look)
            seed = self._adopt(owner, data, lambda: self._store.add(data, facts, _title(title), view_of=view))
            self._store.keep_thumbnail(seed.hash, self._decoder.thumbnail(look, max_width=_THUMBNAIL_WIDTH))
            return self._summary(seed)

    async def _make_thumbnail(self, seed_hash: str) -> bytes:
        """Made once, however many ask for it. Who no longer waits for it leaves it to the others."""
        making = self._thumbnails.get(seed_hash)
        if making is None:
            work = in_thread(self._thumbnail_threads, lambda: self._thumbnail_of(seed_hash))
            making = self._thumbnails[seed_hash] = asyncio.create_task(work)
            making.add_done_callback(lambda made: self._thumbnail_made(seed_hash, made))
        return await asyncio.shield(making)

    def _thumbnail_made(self, seed_hash: str, made: asyncio.Task[bytes]) -> None:
        del self._thumbnails[seed_hash]
        if not made.cancelled():
            made.exception()  # has been raised to everybody who still waits

    def _thumbnail_of(self, seed_hash: str) -> bytes:
        data = self._read(seed_hash)
        with service_errors_translated():
            look = self._decoder.overview(data, longest=_CHECKED_SIDE)
            jpeg = self._decoder.thumbnail(look, max_width=_THUMBNAIL_WIDTH)
        self._store.keep_thumbnail(seed_hash, jpeg)
        return jpeg

    def _summary(self, seed: SeedFilePayload, owner: str | None = None) -> SeedSummary:
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
            model=self._catalogue.best_for(seed.view_of).model_id,
            prompt=seed.prompt,
            owner=owner,
        )

    def _find(self, visitor: Visitor, seed_hash: str) -> SeedFilePayload:
        found = self._store.find(seed_hash)
        if found is None or not self._sees(visitor, seed_hash):
            raise DomainError("There is no such picture.", ErrorCode.SEED_UNKNOWN)
        return found

    def _read(self, seed_hash: str) -> bytes:
        data = self._store.read(seed_hash)
        if data is None:
            raise DomainError("There is no such picture.", ErrorCode.SEED_UNKNOWN)
        return data


def hash_of(data: bytes) -> str:
    """The name of a seed everywhere: SHA-256 (hex) of its file."""
    return hashlib.sha256(data).hexdigest()


def _title(text: str) -> str:
    return clean_title(text, longest=_TITLE_LENGTH, otherwise="My picture")


def _thing(seed_hash: str) -> Thing:
    return Thing(ThingKind.SEED, seed_hash)
