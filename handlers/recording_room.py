"""Where recordings may go, and whether there is room for them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from error_types import DomainError, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime_config.runtime_config import RecordingConfig
    from services.recording_store.recording_store import RecordingStore

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_MOST_FOLDERS: Final = 2000  # of clients' that are looked through after a crash


class RecordingRoom:
    """Every method blocks. None stands for the server's own folder."""

    def __init__(self, store: RecordingStore, config: RecordingConfig) -> None:
        self._store = store
        self._config = config

    def check(self, folder: Path | None = None) -> None:
        """Raises: DomainError, there is no room to record (on): on the disk, or within the quota."""
        if folder is None:
            usage = self._store.usage()
            free_bytes = usage.free_bytes
            if usage.used_bytes >= self._config.quota_bytes:
                raise DomainError(
                    "The recordings take up all the room they may. Delete some to record again.",
                    ErrorCode.RECORDING_QUOTA_USED,
                )
        else:
            free_bytes = self._store.free_bytes(folder)
        if free_bytes < self._config.least_free_bytes:
            raise DomainError("The disk of the recordings is full.", ErrorCode.RECORDING_DISK_FULL)

    def resolve(self, asked: str) -> Path:
        """The folder that a client wants its recordings in.

        Raises:
            DomainError: it is in none of those that the settings allow.
        """
        try:
            path = Path(asked)
            resolved = path.resolve() if path.is_absolute() else None
        except (OSError, RuntimeError, ValueError):  # a null byte, a loop of links
            resolved = None
        if resolved is not None and any(resolved.is_relative_to(root) for root in self._config.client_folders):
            return resolved
        raise DomainError(
            "This server does not record into that folder, but into its own one. Whoever runs it can allow a folder "
            "with --client-recordings-dir.",
            ErrorCode.RECORDING_FOLDER_REFUSED,
        )

    def folders(self) -> Iterator[Path]:
        """Every folder that there may be recordings in: the server's own, and those that clients may have chosen."""
        yield self._store.folder
        looked_at = 0
        for root in self._config.client_folders:
            for folder, _, _ in os.walk(root):
                looked_at += 1
                if looked_at > _MOST_FOLDERS:
                    logger.warning("Not every folder was searched for unfinished recordings", searched=_MOST_FOLDERS)
                    return
                yield Path(folder)
