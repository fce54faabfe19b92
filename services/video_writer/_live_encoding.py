"""Feeds frames to ffmpeg while the recording still runs."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from services.video_writer._encoders import encode_arguments
from services.video_writer._errors import RecordingError
from services.video_writer._ffmpeg_process import FfmpegProcess
from services.video_writer._matroska import frame_bytes, stream_header
from services.video_writer.video_writer import RecordingFault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.video_writer._backlog import Backlog
    from services.video_writer._captions import Captions
    from services.video_writer._encoders import Encoder
    from services.video_writer._work_files import WorkFiles
    from services.video_writer.video_writer import RecordingPlan

_DISK_CHECK_S: Final = 1.0
_FLUSH_PATIENCE_S: Final = 120.0  # for the encoder to finish after it got the last frame


class LiveEncoding:
    """Encodes the frames of a backlog into the `.part` file. `kill` may be called from any thread."""

    def __init__(
        self,
        executable: Path,
        plan: RecordingPlan,
        encoder: Encoder,
        files: WorkFiles,
        has_room_for: Callable[[int], bool],
    ) -> None:
        """`has_room_for(size)` says whether another file of `size` bytes would fit on the disk.

        Raises:
            RecordingError: ffmpeg cannot be started.
        """
        self._head = stream_header(plan.width, plan.height, plan.fps)
        self._files = files
        self._has_room_for = has_room_for
        self._checked_at = time.monotonic()
        self._process = FfmpegProcess(executable, encode_arguments(plan, encoder, files.part), takes_input=True)

    @property
    def pid(self) -> int:
        return self._process.pid

    def run(self, backlog: Backlog, captions: Captions, on_full: Callable[[RecordingError], None]) -> bool:
        """Encode until the backlog ends. True: every frame was encoded; False: the backlog was aborted.

        Completing the file needs as much room again as the part. `on_full` is called when there is hardly more left,
        so that the recording can end in time.

        Raises:
            RecordingError: ffmpeg ended, the folder disappeared, or the disk is full.
        """
        try:
            self._process.write(self._head)
            while frame := backlog.take():
                self._process.write(frame_bytes(captions.burn_in(frame)))
                self._check_disk(on_full)
            self._process.finish(_FLUSH_PATIENCE_S)
        finally:
            self._process.close()
        return not backlog.is_aborted

    def kill(self) -> None:
        self._process.kill()

    def _check_disk(self, on_full: Callable[[RecordingError], None]) -> None:
        """Detect what ffmpeg does not report. If its folder is removed, it goes on writing to a deleted file."""
        now = time.monotonic()
        if now - self._checked_at < _DISK_CHECK_S:
            return
        self._checked_at = now
        if not self._files.job.exists():
            raise RecordingError(RecordingFault.FOLDER_GONE, "The files of the recording have disappeared.")
        with suppress(OSError):
            if not self._has_room_for(self._files.part.stat().st_size):
                on_full(RecordingError(RecordingFault.DISK_FULL, "There is only room left to complete the file."))
