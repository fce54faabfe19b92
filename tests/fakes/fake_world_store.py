"""Saved worlds in memory, but for the archive of each, which is real."""

from __future__ import annotations

import io
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from services.world_files.archive import read_world, write_world
from services.world_files.world_store import SavedWorldPayload, WorldOrigin, WorldStoreError

if TYPE_CHECKING:
    from pathlib import Path

    from services.world_files.world_file import WorldFilePayload


class FakeWorldStore:
    """`is_full` refuses what is added. Files are sent from `folder`."""

    def __init__(self, folder: Path | None = None) -> None:
        self.is_full = False
        self._lock = threading.Lock()
        self._folder = folder
        self._worlds: dict[str, tuple[SavedWorldPayload, bytes]] = {}

    def list(self) -> tuple[SavedWorldPayload, ...]:
        return tuple(saved for saved, _ in reversed(self._worlds.values()))

    def find(self, world_id: str) -> SavedWorldPayload | None:
        entry = self._worlds.get(world_id)
        return None if entry is None else entry[0]

    def add(self, world: WorldFilePayload, origin: WorldOrigin) -> SavedWorldPayload:
        if self.is_full:
            raise WorldStoreError("The disk is full, so nothing was changed.")
        file = io.BytesIO()
        write_world(world, file)
        with self._lock:
            saved = SavedWorldPayload(
                id=f"{len(self._worlds) + 1:016x}",
                title=world.title,
                model_id=world.model.id,
                passes=world.place.passes,
                seconds=world.place.passes * world.model.frames_per_pass / world.model.fps,
                size_bytes=len(file.getvalue()),
                created_at=world.created_at,
                origin=origin,
            )
            self._worlds[saved.id] = (saved, file.getvalue())
        return saved

    def read(self, world_id: str) -> WorldFilePayload | None:
        entry = self._worlds.get(world_id)
        return None if entry is None else read_world(io.BytesIO(entry[1])).titled(entry[0].title)

    def path(self, world_id: str) -> Path | None:
        entry = self._worlds.get(world_id)
        if entry is None:
            return None
        if self._folder is None:
            raise AssertionError("Give the store a folder to send files from.")
        path = self._folder / f"{world_id}.world"
        path.write_bytes(entry[1])
        return path

    def thumbnail(self, world_id: str) -> bytes | None:
        return b"jpeg" if world_id in self._worlds else None

    def rename(self, world_id: str, title: str) -> SavedWorldPayload | None:
        entry = self._worlds.get(world_id)
        if entry is None:
            return None
        renamed = replace(entry[0], title=title)
        self._worlds[world_id] = (renamed, entry[1])
        return renamed

    def remove(self, world_id: str) -> bool:
        return self._worlds.pop(world_id, None) is not None
