"""Feeds frames to ffmpeg while the recording still runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.video_writer._encoders import encode_arguments
from services.video_writer._ffmpeg_process import FfmpegProcess
from services.video_writer._matroska import frame_bytes, stream_header

if TYPE_CHECKING:
    from pathlib import Path

    from services.video_writer._backlog import Backlog
    from services.video_writer._captions import Captions
    from services.video_writer._disk_watch import DiskWatch
    from services.video_writer._encoders import Encoder
    from services.video_writer._work_files import WorkFiles
    from services.video_writer.video_writer import RecordingPlan

_FLUSH_PATIENCE_S: Final = 120.0  # for the encoder to finish after it got the last frame


class LiveEncoding:
    """Encodes the frames of a backlog into the `.part` file. `kill` may be called from any thread."""

    def __init__(
        self, executable: Path, plan: RecordingPlan, encoder: Encoder, files: WorkFiles, watch: DiskWatch
    ) -> None:
        """Raises: RecordingError, ffmpeg cannot be started."""
        self._head = stream_header(plan.width, plan.height, plan.fps)
        self._watch = watch
        self._process = FfmpegProcess(executable, encode_arguments(plan, encoder, files.part), takes_input=True)

    @property
    def pid(self) -> int:
        return self._process.pid

    def run(self, backlog: Backlog, captions: Captions) -> bool:
        """Encode until the backlog ends. True: every frame was encoded; False: the backlog was aborted.

        Raises:
            RecordingError: ffmpeg ended, the folder disappeared, or the disk is full.
        """
        try:
            self._process.write(self._head)
            while frame := backlog.take():
                self._process.write(frame_bytes(captions.burn_in(frame)))
                self._watch.look()
            self._process.finish(_FLUSH_PATIENCE_S)
        finally:
            self._process.close()
        return not backlog.is_aborted

    def kill(self) -> None:
        self._process.kill()
