"""Seeds in memory."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from services.seed_store.seed_store import SeedFilePayload, SeedOrigin, SeedStoreError
from tests.fakes.fake_clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from services.clock.clock import Clock
    from services.picture_decoder.picture_decoder import PictureFactsPayload


class FakeSeedStore:
    """`views_of` names the worlds that shipped seeds show, by the seeds' titles.

    Set `fail` to a sentence to make `add` and `remove` raise it, as a full disk would.
    """

    def __init__(
        self,
        shipped: Iterable[tuple[bytes, PictureFactsPayload, str]] = (),
        *,
        max_uploaded: int = 200,
        views_of: Mapping[str, str] = MappingProxyType({}),
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or FakeClock()
        self._max_uploaded = max_uploaded
        self._lock = threading.Lock()
        self._files: dict[str, tuple[SeedFilePayload, bytes]] = {}  # in the order in which they came
        self._thumbnails: dict[str, bytes] = {}
        self.fail: str | None = None
        for data, facts, title in shipped:
            seed = replace(self._payload(data, facts, title, "shipped"), view_of=views_of.get(title))
            self._files[seed.hash] = (seed, data)

    def list(self) -> tuple[SeedFilePayload, ...]:
        with self._lock:
            seeds = [seed for seed, _ in self._files.values()]
        shipped = [seed for seed in seeds if seed.origin == "shipped"]
        return (*shipped, *(seed for seed in reversed(seeds) if seed.origin == "uploaded"))

    def find(self, seed_hash: str) -> SeedFilePayload | None:
        with self._lock:
            file = self._files.get(seed_hash)
        return file[0] if file else None

    def read(self, seed_hash: str) -> bytes | None:
        with self._lock:
            file = self._files.get(seed_hash)
        return file[1] if file else None

    def add(
        self,
        data: bytes,
        facts: PictureFactsPayload,
        title: str,
        *,
        prompt: str | None = None,
        view_of: str | None = None,
    ) -> SeedFilePayload:
        self._fail_if_told()
        seed = replace(self._payload(data, facts, title, "uploaded"), prompt=prompt, view_of=view_of)
        with self._lock:
            known = self._files.get(seed.hash)
            if known and known[0].origin == "shipped":
                return known[0]
            if known:
                seed = replace(seed, title=known[0].title, prompt=known[0].prompt)
                del self._files[seed.hash]
            self._files[seed.hash] = (seed, data)
            uploads = [name for name, (file, _) in self._files.items() if file.origin == "uploaded"]
            for name in uploads[: -max(1, self._max_uploaded)]:
                del self._files[name]
                self._thumbnails.pop(name, None)
        return seed

    def remove(self, seed_hash: str) -> bool:
        with self._lock:
            file = self._files.get(seed_hash)
            if file is None or file[0].origin == "shipped":
                return False
            self._fail_if_told()
            del self._files[seed_hash]
            self._thumbnails.pop(seed_hash, None)
        return True

    def thumbnail(self, seed_hash: str) -> bytes | None:
        with self._lock:
            return self._thumbnails.get(seed_hash)

    def keep_thumbnail(self, seed_hash: str, jpeg: bytes) -> None:
        with self._lock:
            if seed_hash in self._files:
                self._thumbnails[seed_hash] = jpeg

    def _fail_if_told(self) -> None:
        if self.fail is not None:
            raise SeedStoreError(self.fail)

    def _payload(self, data: bytes, facts: PictureFactsPayload, title: str, origin: SeedOrigin) -> SeedFilePayload:
        return SeedFilePayload(
            hash=hashlib.sha256(data).hexdigest(),
            title=title,
            description="",
            origin=origin,
            width=facts.width,
            height=facts.height,
            size_bytes=len(data),
            media_type=facts.media_type,
            created_at=self._clock.wall(),
        )
