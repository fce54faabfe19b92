"""Thumbnails of seeds, in a folder beside the uploads. They can be made again, so a lost one is no fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from services.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

_logger = structlog.stdlib.get_logger(__name__)

_FORMAT: Final = 1  # part of the names: counted up whenever thumbnails are made in another way
_SUFFIX: Final = f".{_FORMAT}.jpg"
_START: Final = b"\xff\xd8"
_END: Final = b"\xff\xd9"


class ThumbnailFolder:
    """Files named by the hash of their seed and by the format. The folder is made with the first of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, seed_hash: str) -> bytes | None:
        """None: there is none, or it is damaged."""
        try:
            jpeg = self._path(seed_hash).read_bytes()
        except OSError:
            return None
        return jpeg if jpeg.startswith(_START) and jpeg.endswith(_END) else None

    def keep(self, seed_hash: str, jpeg: bytes) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._path(seed_hash), jpeg)
        except OSError as error:
            _logger.warning("A thumbnail was not kept", hash=seed_hash, reason=error.strerror)

    def remove(self, seed_hash: str) -> None:
        """Raises: OSError."""
        self._path(seed_hash).unlink(missing_ok=True)

    def remove_others(self, known: Container[str]) -> None:
        """Remove what is of another format, of a seed that is not `known`, or was left behind by a crash."""
        try:
            for path in self._folder.iterdir():
                if not (path.name.endswith(_SUFFIX) and path.name.removesuffix(_SUFFIX) in known):
                    path.unlink(missing_ok=True)
        except FileNotFoundError:
            return
        except OSError as error:
            _logger.warning("Old thumbnails cannot be removed", reason=error.strerror)

    def _path(self, seed_hash: str) -> Path:
        return self._folder / f"{seed_hash}{_SUFFIX}"
