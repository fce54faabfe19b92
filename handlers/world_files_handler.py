"""Saved worlds: the list, what is brought from elsewhere, what is taken home, and opening one."""

from __future__ import annotations

import io
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, assert_never

from api_types import SavedWorldsResponse, SavedWorldSummary
from error_types import DomainError, ErrorCode, HTTPError
from handlers.safety_handler import Allowed, SafetyHandler, Unjudged, Unsafe
from handlers.threads import in_thread
from services.input_log.provenance import library_versions, machine_kind
from services.world_files.archive import read_world
from services.world_files.world_file import (
    TITLE_LENGTH,
    Origins,
    WorldFileError,
    WorldFileFault,
    WorldFilePayload,
)
from services.world_files.world_store import SavedWorldPayload, WorldStore, WorldStoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from concurrent.futures import Executor
    from pathlib import Path
    from typing import BinaryIO

    from handlers.session.journal_capture import WorldCapture
    from services.clock.clock import Clock

_FAULT_CODES: Final = MappingProxyType(
    {
        WorldFileFault.NOT_A_WORLD: ErrorCode.WORLD_NOT_A_WORLD,
        WorldFileFault.DAMAGED: ErrorCode.WORLD_DAMAGED,
        WorldFileFault.TOO_LARGE: ErrorCode.WORLD_TOO_LARGE,
        WorldFileFault.OTHER_VERSION: ErrorCode.WORLD_OTHER_VERSION,
    }
)


class WorldFilesHandler:
    """World files from anywhere pass `_admit`, the one door: read whole, checked, and their pictures judged."""

    def __init__(
        self,
        store: WorldStore,
        safety: SafetyHandler,
        threads: Executor,
        clock: Clock,
        *,
        max_upload_bytes: int,
    ) -> None:
        self._store = store
        self._safety = safety
        self._threads = threads
        self._clock = clock
        self._max_upload_bytes = max_upload_bytes

    @cached_property
    def origins(self) -> Origins:
        """What worlds are made with here."""
        return Origins(versions=library_versions(), machine=machine_kind())

    # ---------------------------------------------------------------------------------------------- the list

    def list_worlds(self) -> SavedWorldsResponse:
        return SavedWorldsResponse(worlds=[_summary(world) for world in self._store.list()])

    def file(self, world_id: str) -> tuple[Path, str]:
        """Where the archive lies, and what to call it. Raises: HTTPError 404."""
        found, path = self._find(world_id), self._store.path(world_id)
        if path is None:
            raise _unknown()
        return path, f"{_file_name(found.title)}.world"

    def thumbnail(self, world_id: str) -> bytes:
        """A JPEG. Raises: HTTPError 404."""
        data = self._store.thumbnail(world_id)
        if data is None:
            raise _unknown()
        return data

    async def upload(self, chunks: AsyncIterator[bytes]) -> SavedWorldSummary:
        """Keep a world file that a client sends.

        Raises:
            HTTPError: 413 too large, 422 no world, one that is damaged or shows what may not be shown, 507 not kept.
        """
        file = io.BytesIO()
        async for chunk in chunks:
            if file.tell() + len(chunk) > self._max_upload_bytes:
                limit = self._max_upload_bytes // (1024 * 1024)
                raise HTTPError(413, f"The world file is larger than {limit} MiB.", ErrorCode.WORLD_TOO_LARGE)
            file.write(chunk)
        return await in_thread(self._threads, lambda: self._keep_upload(file))

    def rename(self, world_id: str, title: str) -> SavedWorldSummary:
        """Raises: HTTPError 404, 507."""
        try:
            renamed = self._store.rename(world_id, clean_title(title))
        except WorldStoreError as error:
            raise HTTPError(507, str(error), ErrorCode.WORLD_NOT_KEPT) from error
        if renamed is None:
            raise _unknown()
        return _summary(renamed)

    def remove(self, world_id: str) -> None:
        """Raises: HTTPError 404, 507."""
        try:
            if not self._store.remove(world_id):
                raise _unknown()
        except WorldStoreError as error:
            raise HTTPError(507, str(error), ErrorCode.WORLD_NOT_KEPT) from error

    # ------------------------------------------------------------------------------------------ for a session

    def save(self, capture: WorldCapture, title: str) -> SavedWorldPayload:
        """Keep a moment of a world in play. Blocks.

        Raises:
            DomainError: it cannot be kept.
        """
        named = clean_title(title or capture.active.seed.name or "")
        try:
            return self._store.add(capture.payload(named, self._clock.wall(), self.origins), "saved")
        except WorldStoreError as error:
            raise DomainError(str(error), ErrorCode.WORLD_NOT_KEPT) from error

    def read(self, world_id: str) -> WorldFilePayload:
        """A saved world, to be played. Blocks. What lies on the disk is trusted no more than an upload.

        Raises:
            DomainError: it is unknown, damaged, or shows what may not be shown.
        """
        try:
            world = self._store.read(world_id)
        except WorldFileError as error:
            raise DomainError(error.message, _FAULT_CODES[error.fault]) from error
        found = self._store.find(world_id)
        if world is None or found is None:
            raise DomainError("This world is not on the server any more.", ErrorCode.WORLD_UNKNOWN)
        self._judge(world, is_ours=found.origin == "saved")
        return world

    def summary(self, world: SavedWorldPayload) -> SavedWorldSummary:
        return _summary(world)

    # ------------------------------------------------------------------------------------------------ parts

    def _keep_upload(self, file: BinaryIO) -> SavedWorldSummary:
        try:
            world = read_world(file)
            self._judge(world, is_ours=False)
            return _summary(self._store.add(world.titled(clean_title(world.title)), "uploaded"))
        except WorldFileError as error:
            status = 413 if error.fault is WorldFileFault.TOO_LARGE else 422
            raise HTTPError(status, error.message, _FAULT_CODES[error.fault]) from error
        except WorldStoreError as error:
            raise HTTPError(507, str(error), ErrorCode.WORLD_NOT_KEPT) from error
        except HTTPError:
            raise
        except DomainError as error:
            raise HTTPError(422, error.message, error.code) from error

    def _judge(self, world: WorldFilePayload, *, is_ours: bool) -> None:
        """Every picture goes through the same door as a seed. `is_ours`: they went through it when it was played."""
        for name, picture in world.pictures.items():
            verdict = self._safety.judge(name, picture)
            match verdict:
                case Allowed():
                    pass
                case Unsafe():
                    raise DomainError("A picture in this world was judged unsafe.", ErrorCode.SEED_UNSAFE)
                case Unjudged(reason):
                    if not is_ours:
                        message = f"The pictures in this world could not be checked: {reason}"
                        raise DomainError(message, ErrorCode.SEED_CHECK_FAILED)
                case _:
                    assert_never(verdict)

    def _find(self, world_id: str) -> SavedWorldPayload:
        found = self._store.find(world_id)
        if found is None:
            raise _unknown()
        return found


def clean_title(title: str) -> str:
    printable = "".join(character for character in title if character.isprintable()).strip()
    return printable[:TITLE_LENGTH] or "A world"


def _file_name(title: str) -> str:
    """A title as part of a file name: what no system objects to."""
    kept = "".join(character if character.isalnum() or character in " -_" else " " for character in title)
    return " ".join(kept.split()) or "world"


def _unknown() -> HTTPError:
    return HTTPError(404, "There is no such world.", ErrorCode.WORLD_UNKNOWN)


def _summary(world: SavedWorldPayload) -> SavedWorldSummary:
    return SavedWorldSummary(
        id=world.id,
        title=world.title,
        origin=world.origin,
        model=world.model_id,
        passes=world.passes,
        seconds=world.seconds,
        size_bytes=world.size_bytes,
        created_at=world.created_at,
        file_url=f"/api/worlds/{world.id}/file",
        thumbnail_url=f"/api/worlds/{world.id}/thumbnail",
    )
