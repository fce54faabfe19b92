"""Films in a folder: each an MP4, with its facts in a JSON beside it and the pictures that were made of it."""

from __future__ import annotations

import hashlib
import re
import shutil
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog
from pydantic import ValidationError

from services.files import disk_errors, new_file, remove_unfinished, write_whole
from services.film_store.film_record import append_timings
from services.film_store.film_store import FilmFacts, FilmStoreError

if TYPE_CHECKING:
    import builtins
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_ID: Final = re.compile(r"[0-9A-Z]{26}")
_FACTS: Final = re.compile(r"([0-9A-Z]{26})\.json")
_ANY: Final = re.compile(r"([0-9A-Z]{26})\.[a-z0-9.]+")
_PICTURE: Final = re.compile(r"[a-z]{1,20}")
_FOLDER: Final = "folder of films"
_CHUNK: Final = 1 << 20


class DirectoryFilmStore:
    """A `FilmStore` on disk. Nothing that a client chooses becomes part of a path.

    The facts are written last and removed first: without them there is no film. What a crash left of others is removed
    before the folder is first used.
    """

    def __init__(self, folder: Path, *, is_shared: bool = False) -> None:
        """`is_shared`: with other servers, so that what looks left may be what one of them writes just now."""
        self._folder = folder
        self._lock = threading.Lock()
        self._is_swept = is_shared

    def list(self) -> tuple[tuple[str, FilmFacts], ...]:
        self._sweep()
        found = [(film_id, facts) for film_id in self._ids() if (facts := self.find(film_id)) is not None]
        return tuple(sorted(found, key=lambda film: (-film[1].created_at, film[0])))

    def find(self, film_id: str) -> FilmFacts | None:
        if _ID.fullmatch(film_id) is None:
            return None
        try:
            facts = FilmFacts.model_validate_json(self._file(film_id, "json").read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            logger.warning("A film is left out", film=film_id, reason=type(error).__name__)
            return None
        return facts if self._file(film_id, "mp4").is_file() else None

    def path(self, film_id: str) -> Path | None:
        return None if self.find(film_id) is None else self._file(film_id, "mp4")

    def add(self, film_id: str, made: Path, facts: FilmFacts) -> FilmFacts:
        if _ID.fullmatch(film_id) is None:
            raise ValueError(film_id)
        self._sweep()
        known = self.find(film_id)
        if known is not None:
            return known
        with disk_errors(_FOLDER, FilmStoreError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with made.open("rb") as source, new_file(self._folder) as film:
                digest = _copy(source, film.file)
                append_timings(film.file, facts.timings_s)
                size = film.complete()
                kept = facts.model_copy(update={"digest": digest, "size_bytes": size})
                with self._lock:
                    film.move_to(self._file(film_id, "mp4"))
                    try:
                        write_whole(self._file(film_id, "json"), kept.model_dump_json(indent=2).encode())
                    except BaseException:  # without its facts it is no film, and only takes up room
                        self._remove_rest(film_id)
                        raise
        return kept

    def picture(self, film_id: str, name: str) -> bytes | None:
        if self.find(film_id) is None or _PICTURE.fullmatch(name) is None:
            return None
        try:
            return self._file(film_id, f"{name}.jpg").read_bytes()
        except OSError:
            return None

    def keep_picture(self, film_id: str, name: str, data: bytes) -> None:
        with self._lock, suppress(OSError):
            if self.find(film_id) is not None and _PICTURE.fullmatch(name):
                write_whole(self._file(film_id, f"{name}.jpg"), data)

    def remove(self, film_id: str) -> bool:
        with self._lock, disk_errors(_FOLDER, FilmStoreError):
            if self.find(film_id) is None:
                return False
            self._file(film_id, "json").unlink()
            self._remove_rest(film_id)
        return True

    def used_bytes(self) -> int:
        return sum(_size(path) for path in self._paths())

    def free_bytes(self) -> int:
        folder = self._folder
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        return shutil.disk_usage(folder).free

    def _sweep(self) -> None:
        with self._lock:
            if self._is_swept:
                return
            self._is_swept = True
            remove_unfinished(self._folder)
            films = set(self._ids())
            for path in self._paths():
                match = _ANY.fullmatch(path.name)
                if match is not None and match[1] not in films:
                    self._remove_rest(match[1])

    def _remove_rest(self, film_id: str) -> None:
        """What cannot be removed is tried again at the next start."""
        for path in self._folder.glob(f"{film_id}.*"):
            if not path.name.endswith(".json"):
                with suppress(OSError):
                    path.unlink()

    def _file(self, film_id: str, suffix: str) -> Path:
        return self._folder / f"{film_id}.{suffix}"

    def _ids(self) -> Iterator[str]:
        return (match[1] for path in self._paths() if (match := _FACTS.fullmatch(path.name)))

    def _paths(self) -> builtins.list[Path]:
        try:
            return [path for path in self._folder.iterdir() if path.is_file()]
        except OSError:
            return []


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _copy(source: BinaryIO, target: BinaryIO) -> str:
    """Copied, not moved: the film stays with its job until both know of it. Returns the SHA-256 (hex)."""
    digest = hashlib.sha256()
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        target.write(chunk)
    return digest.hexdigest()
