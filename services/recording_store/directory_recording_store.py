"""Recordings in one folder. Files that a person moves in or out with other programs are noticed."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from services.files import remove_unfinished, safe_name, write_whole
from services.recording_store.file_names import SUFFIX
from services.recording_store.recording_notes import read_notes
from services.recording_store.recording_store import (
    RecordingFilePayload,
    RecordingStoreError,
    RecordingUsagePayload,
    StoreFault,
)
from services.video_writer.video_writer import VideoError, VideoFactsPayload

if TYPE_CHECKING:
    import builtins
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_THUMBNAILS: Final = ".thumbnails"
_UNNAMED: Final = "Recording"  # where nothing is left of a name that was asked for
_BUSY: Final = frozenset({errno.EBUSY, errno.ETXTBSY, getattr(errno, "ESHARE", -1)})


@dataclass(frozen=True, slots=True)
class _Stamp:
    """Identifies one version of a file, since another file may take its name."""

    size: int
    modified_ns: int


class DirectoryRecordingStore:
    """A `RecordingStore` on disk. Headers are read once for each version of a file, thumbnails lie in a hidden folder.

    A name that a client sends is looked up among those the folder has, and never made a path.
    """

    def __init__(self, folder: Path, describe: Callable[[Path], VideoFactsPayload], *, is_shared: bool = False) -> None:
        """`describe` reads the header of a video, or raises `VideoError`.

        `is_shared`: with other servers, so that what looks left may be what one of them writes just now.
        """
        self._folder = folder
        self._describe = describe
        self._lock = threading.Lock()
        self._is_swept = is_shared
        self._known: dict[str, tuple[_Stamp, RecordingFilePayload | None]] = {}  # None: no video

    @property
    def folder(self) -> Path:
        return self._folder

    def list(self) -> tuple[RecordingFilePayload, ...]:
        with self._lock:
            files = dict(self._files())
            self._known = {name: known for name, known in self._known.items() if name in files}
            found = [self._read(name, entry) for name, entry in files.items()]
            recordings = [recording for recording in found if recording is not None]
            self._sweep(recordings)
        return tuple(sorted(recordings, key=lambda recording: (-recording.started_at, recording.name)))

    def find(self, name: str) -> RecordingFilePayload | None:
        with self._lock:
            return self._find(name)

    def rename(self, name: str, new_name: str) -> RecordingFilePayload:
        if not new_name:
            raise RecordingStoreError("A recording needs a name.", StoreFault.NAME_INVALID)
        cleaned = safe_name(new_name, suffix=SUFFIX) or _UNNAMED
        with self._lock:
            recording = self._find_or_raise(name)
            # Some file systems take names that differ in case alone for one.
            taken = {other.casefold() for other, _ in self._files() if other != name}
            if cleaned.casefold() in taken:
                raise RecordingStoreError("Another recording has this name already.", StoreFault.NAME_TAKEN)
            try:
                recording.path.rename(self._folder / f"{cleaned}{SUFFIX}")
            except OSError as error:
                raise _store_error(error) from error
            renamed = self._find_or_raise(cleaned)
        kept = self.thumbnail(recording)
        if kept is not None:
            self.keep_thumbnail(renamed, kept)
            self._drop_thumbnail(recording)
        return renamed

    def remove(self, name: str) -> None:
        with self._lock:
            recording = self._find_or_raise(name)
            try:
                recording.path.unlink()
            except FileNotFoundError as error:
                raise _unknown() from error
            except OSError as error:
                raise _store_error(error) from error
            self._known.pop(name, None)
        self._drop_thumbnail(recording)

    def usage(self) -> RecordingUsagePayload:
        sizes = self._sizes()
        finished = [size for size, name in sizes if name.endswith(SUFFIX)]
        return RecordingUsagePayload(
            used_bytes=sum(size for size, _ in sizes),
            finished_bytes=sum(finished),
            finished_files=len(finished),
            free_bytes=self.free_bytes(self._folder),
        )

    def free_bytes(self, folder: Path) -> int:
        for existing in (folder, *folder.parents):
            with suppress(OSError):
                return shutil.disk_usage(existing).free
        return 0

    def thumbnail(self, recording: RecordingFilePayload) -> bytes | None:
        try:
            return self._thumbnail_path(recording).read_bytes()
        except OSError:
            return None

    def keep_thumbnail(self, recording: RecordingFilePayload, jpeg: bytes) -> None:
        path = self._thumbnail_path(recording)
        with self._lock:
            try:
                path.parent.mkdir(exist_ok=True)
                write_whole(path, jpeg)
            except OSError as error:
                logger.warning("A thumbnail was not kept", reason=error.strerror)

    # ------------------------------------------------------------------------------------------------ parts

    def _sweep(self, recordings: Iterable[RecordingFilePayload]) -> None:
        """Once, remove thumbnails of recordings that are gone, and what a crash left. The caller holds the lock."""
        if self._is_swept:
            return
        self._is_swept = True
        folder = self._folder / _THUMBNAILS
        remove_unfinished(folder)
        kept = {self._thumbnail_path(recording).name for recording in recordings}
        with suppress(OSError):
            for path in folder.glob("*.jpg"):
                if path.name not in kept:
                    path.unlink(missing_ok=True)

    def _files(self) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Finished files by name. Links are not followed."""
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(self._folder) as entries:
            for entry in entries:
                hidden = entry.name.startswith(".")
                if entry.name.endswith(SUFFIX) and not hidden and entry.is_file(follow_symlinks=False):
                    yield entry.name.removesuffix(SUFFIX), entry

    def _find(self, name: str) -> RecordingFilePayload | None:
        entry = next((entry for found, entry in self._files() if found == name), None)
        return None if entry is None else self._read(name, entry)

    def _find_or_raise(self, name: str) -> RecordingFilePayload:
        recording = self._find(name)
        if recording is None:
            raise _unknown()
        return recording

    def _read(self, name: str, entry: os.DirEntry[str]) -> RecordingFilePayload | None:
        """Opens a file only when it is new or has changed. The caller holds the lock."""
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            return None
        stamp = _Stamp(status.st_size, status.st_mtime_ns)
        known = self._known.get(name)
        if known is not None and known[0] == stamp:
            return known[1]
        path = self._folder / entry.name
        try:
            recording = _payload(name, path, status, self._describe(path))
        except VideoError as error:
            logger.warning("A file among the recordings is no video, and left out", file=entry.name, reason=str(error))
            recording = None
        self._known[name] = (stamp, recording)
        return recording

    def _sizes(self) -> builtins.list[tuple[int, str]]:
        sizes: builtins.list[tuple[int, str]] = []
        for folder, _, names in os.walk(self._folder):
            for name in names:
                with suppress(OSError):  # it was finished or removed meanwhile
                    sizes.append((os.lstat(os.path.join(folder, name)).st_size, name))
        return sizes

    def _thumbnail_path(self, recording: RecordingFilePayload) -> Path:
        version = f"{recording.name}\0{recording.size_bytes}\0{recording.started_at}"
        digest = hashlib.sha256(version.encode(errors="surrogatepass")).hexdigest()
        return self._folder / _THUMBNAILS / f"{digest[:32]}.jpg"

    def _drop_thumbnail(self, recording: RecordingFilePayload) -> None:
        with suppress(OSError):
            self._thumbnail_path(recording).unlink(missing_ok=True)


def _payload(name: str, path: Path, status: os.stat_result, facts: VideoFactsPayload) -> RecordingFilePayload:
    notes = read_notes(facts.metadata.comment)
    started_at = notes.started_at if notes is not None and notes.started_at is not None else status.st_mtime
    return RecordingFilePayload(
        name=name,
        path=path,
        size_bytes=status.st_size,
        started_at=started_at,
        duration_s=facts.duration_s,
        width=facts.width,
        height=facts.height,
        title=facts.metadata.title or None,
        artist=facts.metadata.artist or None,
        notes=notes,
    )


def _unknown() -> RecordingStoreError:
    return RecordingStoreError("There is no such recording.", StoreFault.UNKNOWN)


def _store_error(error: OSError) -> RecordingStoreError:
    if error.errno in _BUSY or isinstance(error, PermissionError):
        message = "The file is in use, or the server may not change it. Close it elsewhere and try again."
        return RecordingStoreError(message, StoreFault.BUSY)
    return RecordingStoreError("The folder of the recordings cannot be changed.", StoreFault.FOLDER)
