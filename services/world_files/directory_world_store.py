"""Saved worlds in a folder: each an archive, with its name and facts in a JSON beside it and a small picture."""

from __future__ import annotations

import builtins
import io
import re
import secrets
import threading
from typing import TYPE_CHECKING, Annotated, Final

import structlog
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from services.files import NewFile, disk_errors, new_file, remove_unfinished, write_whole
from services.world_files.archive import read_world, write_world
from services.world_files.world_file import Title
from services.world_files.world_store import SavedWorldPayload, WorldOrigin, WorldStoreError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from services.world_engine.world_engine import Picture
    from services.world_files.world_file import WorldFilePayload

_logger = structlog.stdlib.get_logger(__name__)

_ID: Final = re.compile(r"[0-9a-f]{16}")
_FACTS_NAME: Final = re.compile(r"([0-9a-f]{16})\.json")
_REST: Final = ("world", "jpg")  # what a world has besides its facts
_REST_NAME: Final = re.compile(rf"([0-9a-f]{{16}})\.(?:{'|'.join(_REST)})")
_FOLDER: Final = "folder of worlds"
_THUMBNAIL: Final = (480, 480)


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    title: Title
    model_id: str
    passes: Annotated[int, Field(ge=0)]
    seconds: FiniteFloat
    size_bytes: Annotated[int, Field(ge=0)]
    created_at: FiniteFloat
    origin: WorldOrigin = "uploaded"


class DirectoryWorldStore:
    """A `WorldStore` on disk. Nothing that a client chooses becomes part of a path.

    The facts are written last and removed first: without them there is no world. What a crash left of others is
    removed before the folder is first used, where one server alone uses it.
    """

    def __init__(self, folder: Path, max_worlds: int, *, is_shared: bool = False) -> None:
        """`is_shared`: with other servers, so that what looks left may be what one of them writes just now."""
        self._folder = folder
        self._max_worlds = max_worlds
        self._lock = threading.Lock()
        self._is_swept = is_shared

    def list(self) -> tuple[SavedWorldPayload, ...]:
        self._sweep()
        return tuple(sorted(self._worlds(), key=lambda world: (-world.created_at, world.id)))

    def find(self, world_id: str) -> SavedWorldPayload | None:
        if _ID.fullmatch(world_id) is None:
            return None
        try:
            facts = _Facts.model_validate_json(self._file(world_id, "json").read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            _logger.warning("A saved world is left out", world=world_id, reason=type(error).__name__)
            return None
        if not self._file(world_id, "world").is_file():
            _logger.warning("A saved world is left out, as its file is gone", world=world_id)
            return None
        return SavedWorldPayload(id=world_id, **facts.model_dump())

    def add(self, world: WorldFilePayload, origin: WorldOrigin) -> SavedWorldPayload:
        world_id = secrets.token_hex(8)
        with disk_errors(_FOLDER, WorldStoreError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sweep()
            with new_file(self._folder) as archive:
                write_world(world, archive.file)
                facts = _facts_of(world, archive.complete(), origin)
                with self._lock:
                    if sum(1 for _ in self._ids()) >= self._max_worlds:
                        raise WorldStoreError(
                            f"{self._max_worlds} worlds are saved already. Delete one, and save this one again."
                        )
                    self._keep(world_id, archive, _thumbnail_of(world), facts)
        return SavedWorldPayload(id=world_id, **facts.model_dump())

    def read(self, world_id: str) -> WorldFilePayload | None:
        saved, path = self.find(world_id), self.path(world_id)
        if saved is None or path is None:
            return None
        with path.open("rb") as file:
            return read_world(file).titled(saved.title)

    def path(self, world_id: str) -> Path | None:
        path = self._file(world_id, "world")
        return path if self.find(world_id) is not None and path.is_file() else None

    def thumbnail(self, world_id: str) -> bytes | None:
        if self.find(world_id) is None:
            return None
        try:
            return self._file(world_id, "jpg").read_bytes()
        except OSError:
            return None

    def rename(self, world_id: str, title: str) -> SavedWorldPayload | None:
        with self._lock, disk_errors(_FOLDER, WorldStoreError):
            saved = self.find(world_id)
            if saved is None:
                return None
            facts = _Facts.model_validate_json(self._file(world_id, "json").read_bytes())
            renamed = facts.model_copy(update={"title": title})
            self._write_facts(world_id, renamed)
        return SavedWorldPayload(id=world_id, **renamed.model_dump())

    def remove(self, world_id: str) -> bool:
        with self._lock, disk_errors(_FOLDER, WorldStoreError):
            if self.find(world_id) is None:
                return False
            self._file(world_id, "json").unlink()
            self._remove_rest(world_id)
        return True

    # ------------------------------------------------------------------------------------------------ parts

    def _keep(self, world_id: str, archive: NewFile, thumbnail: bytes, facts: _Facts) -> None:
        """The caller holds the lock."""
        try:
            write_whole(self._file(world_id, "jpg"), thumbnail)
            archive.move_to(self._file(world_id, "world"))
            self._write_facts(world_id, facts)
        except BaseException:  # whatever ends this, there is no world, and its parts take up no room
            self._remove_rest(world_id)
            raise

    def _remove_rest(self, world_id: str) -> None:
        """What is left of a world without its facts. What cannot be removed is tried again at the next start."""
        for suffix in _REST:
            try:
                self._file(world_id, suffix).unlink(missing_ok=True)
            except OSError as error:
                _logger.warning("A part of a removed world stays for now", world=world_id, reason=error.strerror)

    def _sweep(self) -> None:
        """Remove what a crash has left, before anything is written."""
        with self._lock:
            if self._is_swept:
                return
            self._is_swept = True
            remove_unfinished(self._folder)
            worlds = set(self._ids())
            for path in self._paths():
                match = _REST_NAME.fullmatch(path.name)
                if match is not None and match[1] not in worlds:
                    self._remove_rest(match[1])

    def _file(self, world_id: str, suffix: str) -> Path:
        return self._folder / f"{world_id}.{suffix}"

    def _worlds(self) -> Generator[SavedWorldPayload]:
        for world_id in self._ids():
            saved = self.find(world_id)
            if saved is not None:
                yield saved

    def _ids(self) -> builtins.list[str]:
        return [match[1] for path in self._paths() if (match := _FACTS_NAME.fullmatch(path.name))]

    def _paths(self) -> builtins.list[Path]:
        try:
            return builtins.list(self._folder.iterdir())
        except OSError:
            return []

    def _write_facts(self, world_id: str, facts: _Facts) -> None:
        write_whole(self._file(world_id, "json"), facts.model_dump_json(indent=2).encode())


def _facts_of(world: WorldFilePayload, size_bytes: int, origin: WorldOrigin) -> _Facts:
    return _Facts(
        title=world.title,
        model_id=world.model.id,
        passes=world.place.passes,
        seconds=world.place.passes * world.model.frames_per_pass / world.model.fps,
        size_bytes=size_bytes,
        created_at=world.created_at,
        origin=origin,
    )


def _thumbnail_of(world: WorldFilePayload) -> bytes:
    picture: Picture = world.pictures[world.place_picture or world.place.scene]
    image = Image.fromarray(picture)
    image.thumbnail(_THUMBNAIL)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()
