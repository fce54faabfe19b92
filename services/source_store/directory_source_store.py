"""Sources in a folder: each a file named by its hash, with its facts in a JSON beside it."""

from __future__ import annotations

import builtins
import hashlib
import os
import re
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog
from pydantic import TypeAdapter, ValidationError

from services.files import disk_errors, new_file, remove_unfinished, write_whole
from services.media_probe.media_probe import MediaFacts  # noqa: TC001 - pydantic reads it when it runs
from services.source_store.source_store import Source, SourceStoreError

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterator
    from pathlib import Path

    from services.clock.clock import Clock
    from services.files import NewFile

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_HASH: Final = re.compile(r"[0-9a-f]{64}")
_FILE: Final = re.compile(r"([0-9a-f]{64})\.(json|media)")
_FOLDER: Final = "folder of sources"


@dataclass(frozen=True, slots=True)
class _SourceNotes:
    title: str
    facts: MediaFacts


class DirectorySourceStore:
    """A `SourceStore` on disk. Nothing that a client chooses becomes part of a path: a source has no suffix of its own.

    The facts are written last and removed first. Their file's time is when the source was last used.
    """

    def __init__(self, folder: Path, clock: Clock, *, is_shared: bool = False) -> None:
        """`is_shared`: with other servers, so that what looks left may be what one of them writes just now."""
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._is_swept = is_shared
        self._facts = TypeAdapter(_SourceNotes)

    @contextmanager
    def incoming(self) -> Generator[_Incoming]:
        with disk_errors(_FOLDER, SourceStoreError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sweep()
        with new_file(self._folder) as new:
            yield _Incoming(self, new)

    def list(self) -> tuple[Source, ...]:
        self._sweep()
        found = [source for source_hash in self._hashes() if (source := self.find(source_hash)) is not None]
        return tuple(sorted(found, key=lambda source: (-source.used_at, source.hash)))

    def find(self, source_hash: str) -> Source | None:
        if _HASH.fullmatch(source_hash) is None:
            return None
        facts, media = self._file(source_hash, "json"), self._file(source_hash, "media")
        try:
            notes = self._facts.validate_json(facts.read_bytes())
            return Source(source_hash, notes.title, notes.facts, media.stat().st_size, facts.stat().st_mtime)
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            logger.warning("A source is left out", source=source_hash, reason=type(error).__name__)
            return None

    def path(self, source_hash: str) -> Path | None:
        return None if self.find(source_hash) is None else self._file(source_hash, "media")

    def use(self, source_hash: str) -> None:
        now = self._clock.wall()
        if self.find(source_hash) is not None:
            with suppress(OSError):
                os.utime(self._file(source_hash, "json"), (now, now))

    def remove(self, source_hash: str) -> bool:
        with self._lock, disk_errors(_FOLDER, SourceStoreError):
            if self.find(source_hash) is None:
                return False
            self._file(source_hash, "json").unlink()
            self._file(source_hash, "media").unlink(missing_ok=True)
        return True

    def unused(self, before: float, kept: Collection[str]) -> tuple[str, ...]:
        return tuple(source.hash for source in self.list() if source.used_at < before and source.hash not in kept)

    def adopt(self, source_hash: str, new: NewFile, title: str, facts: MediaFacts) -> Source:
        """For what was received: give it its name. Raises: SourceStoreError."""
        notes = _SourceNotes(title, facts)
        with self._lock, disk_errors(_FOLDER, SourceStoreError):
            if self.find(source_hash) is None:
                new.move_to(self._file(source_hash, "media"))
                write_whole(self._file(source_hash, "json"), self._facts.dump_json(notes))
        self.use(source_hash)
        found = self.find(source_hash)
        if found is None:
            raise SourceStoreError("The source was removed while it was being kept. Send it again.")
        return found

    def _sweep(self) -> None:
        with self._lock:
            if self._is_swept:
                return
            self._is_swept = True
            remove_unfinished(self._folder)
            known = set(self._hashes())
            for path in self._paths():
                match = _FILE.fullmatch(path.name)
                if match is not None and match[1] not in known:
                    with suppress(OSError):
                        path.unlink()

    def _file(self, source_hash: str, suffix: str) -> Path:
        return self._folder / f"{source_hash}.{suffix}"

    def _hashes(self) -> Iterator[str]:
        matches = (_FILE.fullmatch(path.name) for path in self._paths())
        return (match[1] for match in matches if match is not None and match[2] == "json")

    def _paths(self) -> builtins.list[Path]:
        try:
            return builtins.list(self._folder.iterdir())
        except OSError:
            return []


class _Incoming:
    """An `IncomingSource`."""

    def __init__(self, store: DirectorySourceStore, new: NewFile) -> None:
        self._store = store
        self._new = new
        self._digest = hashlib.sha256()

    @property
    def path(self) -> Path:
        return self._new.path

    def write(self, chunk: bytes) -> None:
        with disk_errors(_FOLDER, SourceStoreError):
            self._new.file.write(chunk)
        self._digest.update(chunk)

    def complete(self) -> str:
        with disk_errors(_FOLDER, SourceStoreError):
            self._new.complete()
        return self._digest.hexdigest()

    def keep(self, title: str, facts: MediaFacts) -> Source:
        return self._store.adopt(self._digest.hexdigest(), self._new, title, facts)
