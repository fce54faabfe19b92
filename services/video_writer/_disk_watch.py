"""Looks after the folder and the disk that a recording is written to."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from services.video_writer._errors import RecordingError
from services.video_writer.video_writer import RecordingFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.video_writer._work_files import WorkFiles

_CHECK_S: Final = 1.0


class DiskWatch:
    def __init__(
        self, files: WorkFiles, has_room_for: Callable[[int], bool], on_full: Callable[[RecordingError], None]
    ) -> None:
        """`has_room_for(size)` says whether another file of `size` bytes would fit on the disk.

        Completing the file needs as much room again as the part. `on_full` is called when there is hardly more left,
        so that the recording can end in time.
        """
        self._files = files
        self._has_room_for = has_room_for
        self._on_full = on_full
        self._checked_at = time.monotonic()

    def look(self) -> None:
        """Call this with every frame. What writes into a folder that was removed would notice nothing.

        Raises:
            RecordingError: the folder disappeared.
        """
        now = time.monotonic()
        if now - self._checked_at < _CHECK_S:
            return
        self._checked_at = now
        if not self._files.job.exists():
            raise RecordingError(RecordingFault.FOLDER_GONE, "The files of the recording have disappeared.")
        with suppress(OSError):
            if not self._has_room_for(self._files.part.stat().st_size):
                self._on_full(RecordingError(RecordingFault.DISK_FULL, "There is only room left to complete the file."))
