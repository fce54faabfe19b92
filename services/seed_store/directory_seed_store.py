"""Seeds in two folders: the shipped ones with their manifest, and uploads named by the hash of their bytes."""

from __future__ import annotations

import builtins
import hashlib
import re
import threading
from typing import TYPE_CHECKING, Final

import structlog

from services.files import NewFile, disk_errors, new_file, remove_unfinished
from services.seed_store.seed_files import (
    SeedFile,
    load_shipped_seeds,
    load_uploaded_seeds,
    metadata_path,
    upload_metadata,
    uploaded_seed,
)
from services.seed_store.seed_store import SeedFilePayload, SeedStoreError
from services.seed_store.thumbnail_folder import ThumbnailFolder

if TYPE_CHECKING:
    from pathlib import Path

    from services.clock.clock import Clock
    from services.picture_decoder.picture_decoder import PictureDecoder, PictureFactsPayload

_logger = structlog.stdlib.get_logger(__name__)

_HASH: Final = re.compile(r"[0-9a-f]{64}")
_FOLDER: Final = "seed folder"
_CLOCK_STEP_S: Final = 1e-6  # keeps uploads of one tick in order


class DirectorySeedStore:
    """A `SeedStore` on disk. What the folders hold is read once, when it is first asked for; where other servers keep
    uploads as well, their names are read each time.

    Uploads lie in `data_dir/seeds`, each as `<hash>.<suffix>` with its metadata in `<hash>.json` beside it.
    Thumbnails of all seeds lie in `.thumbnails` below that folder. Nothing that a client chooses becomes part of a
    path.
    """

    def __init__(
        self,
        shipped_dir: Path,
        data_dir: Path,
        max_uploaded: int,
        *,
        decoder: PictureDecoder,
        clock: Clock,
        is_shared: bool = False,
    ) -> None:
        """`decoder` reads the sizes of shipped pictures. `is_shared`: other servers keep uploads there as well."""
        self._shipped_dir = shipped_dir
        self._uploads_dir = data_dir / "seeds"
        self._thumbnails = ThumbnailFolder(self._uploads_dir / ".thumbnails")
        self._max_uploaded = max_uploaded
        self._decoder = decoder
        self._clock = clock
        self._is_shared = is_shared
        self._lock = threading.Lock()
        self._is_loaded = False
        self._shipped: dict[str, SeedFile] = {}  # in the order of the manifest
        self._uploaded: dict[str, SeedFile] = {}  # oldest first

    def list(self) -> tuple[SeedFilePayload, ...]:
        with self._lock:
            self._load()
            files = [*self._shipped.values(), *reversed(self._uploaded.values())]
        return tuple(file.seed for file in files)

    def find(self, seed_hash: str) -> SeedFilePayload | None:
        file = self._find(seed_hash)
        return file.seed if file else None

    def read(self, seed_hash: str) -> bytes | None:
        file = self._find(seed_hash)
        if file is None:
            return None
        try:
            data = file.path.read_bytes()
        except OSError as error:
            _logger.warning("A seed picture cannot be read", hash=seed_hash, reason=error.strerror)
            return None
        if hashlib.sha256(data).hexdigest() != seed_hash:
            _logger.warning("A seed picture was changed on disk and is not used", hash=seed_hash)
            return None
        return data

    def add(
        self,
        data: bytes,
        facts: PictureFactsPayload,
        title: str,
        *,
        prompt: str | None = None,
        view_of: str | None = None,
    ) -> SeedFilePayload:
        seed_hash = hashlib.sha256(data).hexdigest()
        with self._lock:
            self._load()
            if shipped := self._shipped.get(seed_hash):
                return shipped.seed
        with disk_errors(_FOLDER, SeedStoreError):
            self._uploads_dir.mkdir(parents=True, exist_ok=True)
            with new_file(self._uploads_dir) as picture:
                picture.file.write(data)
                size = picture.complete()
                with self._lock:
                    return self._keep(seed_hash, picture, size, facts, title, prompt, view_of).seed

    def thumbnail(self, seed_hash: str) -> bytes | None:
        return None if self._find(seed_hash) is None else self._thumbnails.read(seed_hash)

    def keep_thumbnail(self, seed_hash: str, jpeg: bytes) -> None:
        with self._lock:  # or the seed could be removed before its thumbnail is there
            self._load()
            if seed_hash in self._shipped or seed_hash in self._uploaded:
                self._thumbnails.keep(seed_hash, jpeg)

    def remove(self, seed_hash: str) -> bool:
        with self._lock:
            self._load()
            file = self._uploaded.get(seed_hash)
            if file is None:
                return False
            with disk_errors(_FOLDER, SeedStoreError):
                self._unlink(file)
            del self._uploaded[seed_hash]
        return True

    def _find(self, seed_hash: str) -> SeedFile | None:
        if _HASH.fullmatch(seed_hash) is None:
            return None
        with self._lock:
            self._load()
            return self._shipped.get(seed_hash) or self._uploaded.get(seed_hash)

    def _load(self) -> None:
        """The caller holds the lock."""
        if self._is_loaded:
            if self._is_shared:
                self._see_uploads()
            return
        shipped = load_shipped_seeds(self._shipped_dir, self._decoder)
        self._shipped = {file.seed.hash: file for file in shipped}
        if not self._is_shared:
            remove_unfinished(self._uploads_dir)  # nothing is written before the seeds were loaded
        self._see_uploads()
        if not self._is_shared:
            self._thumbnails.remove_others({*self._shipped, *self._uploaded})
        self._is_loaded = True

    def _see_uploads(self) -> None:
        uploads = load_uploaded_seeds(self._uploads_dir, self._uploaded)
        self._uploaded = {file.seed.hash: file for file in uploads}

    def _keep(
        self,
        seed_hash: str,
        picture: NewFile,
        size_bytes: int,
        facts: PictureFactsPayload,
        title: str,
        prompt: str | None,
        view_of: str | None,
    ) -> SeedFile:
        """Keep an upload, whose bytes are in `picture`, as the newest one. The caller holds the lock."""
        known = self._uploaded.get(seed_hash)
        newest = max((file.seed.created_at for file in self._uploaded.values()), default=0.0)
        metadata = upload_metadata(
            facts,
            title=known.seed.title if known else title,
            size_bytes=size_bytes,
            created_at=max(self._clock.wall(), newest + _CLOCK_STEP_S),
            prompt=known.seed.prompt if known else prompt,
            view_of=view_of,
        )
        file = uploaded_seed(self._uploads_dir, seed_hash, metadata)
        with new_file(self._uploads_dir) as description:
            description.file.write(metadata.model_dump_json(indent=2).encode())
            description.complete()
            picture.move_to(file.path)
            description.move_to(metadata_path(self._uploads_dir, seed_hash))
        self._uploaded.pop(seed_hash, None)
        self._uploaded[seed_hash] = file
        self._drop_oldest()
        return file

    def _drop_oldest(self) -> None:
        surplus = builtins.list(self._uploaded.items())[: max(0, len(self._uploaded) - max(1, self._max_uploaded))]
        for seed_hash, file in surplus:
            try:
                self._unlink(file)
            except OSError as error:
                # The new seed is safe on disk. The old one is tried again at the next upload.
                _logger.warning("An old seed cannot be removed", hash=seed_hash, reason=error.strerror)
            else:
                del self._uploaded[seed_hash]

    def _unlink(self, file: SeedFile) -> None:
        """Remove an upload. Without its metadata a picture is no seed, so those go first."""
        metadata_path(file.path.parent, file.seed.hash).unlink(missing_ok=True)
        self._thumbnails.remove(file.seed.hash)
        file.path.unlink(missing_ok=True)
