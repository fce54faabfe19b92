"""Writes video files with ffmpeg, which runs in child processes."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Final, TypeVar

from runtime_config.constants import FONTS_DIR
from services.video_writer._copied_recording import CopiedRecording
from services.video_writer._errors import RecordingError, from_os_error, sentence_of
from services.video_writer._ffmpeg_process import run_ffmpeg
from services.video_writer._ffmpeg_recording import FfmpegRecording
from services.video_writer._ffmpeg_tools import FfmpegTools
from services.video_writer._mp4_facts import read_facts, whole_fragments_end
from services.video_writer._recording_run import WriterLimits
from services.video_writer._recovery import Recovery
from services.video_writer._sealing import SealingStoppedError
from services.video_writer._work_files import WorkFiles, unfinished_in
from services.video_writer.video_writer import Failed, Postponed, VideoError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from services.video_writer._encoders import Encoder
    from services.video_writer.video_writer import (
        OnRecordingEnd,
        OnRecordingFault,
        RecordingPlan,
        VideoFactsPayload,
    )

OneRecording = TypeVar("OneRecording", FfmpegRecording, CopiedRecording)

_THUMBNAIL_TIMEOUT_S: Final = 30.0
_THUMBNAIL_CANDIDATES: Final = 24  # key frames; ffmpeg picks the one nearest to their mean
# Shares of the time that `close` has: until the first, files are completed; until the second, encoders may still write
# the frames that they hold. Then they are killed.
_FINISH_SHARE: Final = 0.5
_FLUSH_SHARE: Final = 0.85


class FfmpegVideoWriter:
    """A `VideoWriter`. It looks for ffmpeg and starts processes only when they are first needed."""

    def __init__(
        self,
        *,
        executable: Path | None = None,
        fonts: Path = FONTS_DIR,
        limits: WriterLimits | None = None,
        cores: int | None = None,
        hardware: Sequence[Encoder] | None = None,
    ) -> None:
        """Without `executable`, imageio-ffmpeg's ffmpeg is used; without `hardware`, all encoders of this system."""
        cores = cores or os.cpu_count() or 1
        self._tools = FfmpegTools(executable=executable, fonts=fonts, cores=cores, hardware=hardware)
        self._limits = limits or WriterLimits()
        self._lock = threading.Lock()
        self._recordings: set[FfmpegRecording | CopiedRecording] = set()
        self._recovery: Recovery | None = None
        self._recovering = threading.Lock()
        self._is_closed = False

    def start(
        self, path: Path, plan: RecordingPlan, on_end: OnRecordingEnd, on_fault: OnRecordingFault | None = None
    ) -> FfmpegRecording:
        files, forget = WorkFiles(_checked(path)), self._forget
        return self._begun(
            FfmpegRecording(files, plan, self._tools, self._limits, on_end=on_end, on_fault=on_fault, on_gone=forget)
        )

    def start_copy(
        self, path: Path, plan: RecordingPlan, on_end: OnRecordingEnd, on_fault: OnRecordingFault | None = None
    ) -> CopiedRecording:
        files, forget = WorkFiles(_checked(path)), self._forget
        return self._begun(
            CopiedRecording(files, plan, self._tools, self._limits, on_end=on_end, on_fault=on_fault, on_gone=forget)
        )

    def recover(self, folder: Path, on_end: OnRecordingEnd) -> None:
        with self._recovering:
            try:
                found = list(unfinished_in(folder))
            except FileNotFoundError:
                return
            except OSError as error:
                fault = from_os_error(error).fault
                on_end(Failed(folder, fault, sentence_of(fault), None))
                return
            for files in found:
                self._recover(files, on_end)

    def complete(self, path: Path, on_end: OnRecordingEnd) -> None:
        with self._recovering:
            self._recover(WorkFiles(path), on_end)

    def incomplete_video(self, path: Path) -> Path | None:
        part = WorkFiles(path).part
        try:
            return part if whole_fragments_end(part) else None
        except OSError:
            return None

    def abandon(self, path: Path) -> None:
        with self._recovering:
            try:
                WorkFiles(path).remove()
            except OSError as error:
                raise VideoError("The recording is in use, or the server may not remove it.") from error

    def describe(self, video: Path) -> VideoFactsPayload:
        return read_facts(video)

    def thumbnail(self, video: Path, *, width: int) -> bytes:
        read_facts(video)
        choice = f"thumbnail=n={_THUMBNAIL_CANDIDATES},scale={width}:-2:out_range=full"
        source = ("-skip_frame", "nokey", "-i", str(video.absolute()))
        output = ("-map", "0:v", "-frames:v", "1", "-c:v", "mjpeg", "-q:v", "4", "-f", "image2pipe", "pipe:1")
        try:
            jpeg = run_ffmpeg(
                self._tools.executable(), (*source, "-vf", choice, *output), timeout_s=_THUMBNAIL_TIMEOUT_S
            )
        except RecordingError as error:
            raise VideoError("No picture can be taken from the recording.") from error
        if not jpeg:
            raise VideoError("No picture can be taken from the recording.")
        return jpeg

    def close(self, timeout_s: float) -> None:
        began = time.monotonic()
        with self._lock:
            self._is_closed = True
            recordings = list(self._recordings)
            recovery = self._recovery
        if recovery is not None:
            recovery.sealer.stop()
        for recording in recordings:
            recording.finish()
        _join(recordings, began + timeout_s * _FINISH_SHARE)
        for recording in recordings:
            recording.postpone()
        for recording in _join(recordings, began + timeout_s * _FLUSH_SHARE):
            recording.kill_encoder()
        _join(recordings, began + timeout_s)

    def _begun(self, recording: OneRecording) -> OneRecording:
        with self._lock:
            is_closed = self._is_closed
            if not is_closed:
                self._recordings.add(recording)
        if is_closed:
            recording.refuse()
        else:
            recording.begin()
        return recording

    def _recover(self, files: WorkFiles, on_end: OnRecordingEnd) -> None:
        recovery = Recovery(files, self._tools, self._limits.free_bytes)
        if not recovery.is_ours:
            return
        with self._lock:
            if self._is_closed or any(recording.path == files.path for recording in self._recordings):
                return
            self._recovery = recovery
        try:
            on_end(recovery.run())
        except SealingStoppedError:
            on_end(Postponed(files.path))
        finally:
            with self._lock:
                self._recovery = None

    def _forget(self, recording: FfmpegRecording | CopiedRecording) -> None:
        with self._lock:
            self._recordings.discard(recording)


def _checked(path: Path) -> Path:
    if path.suffix != ".mp4":
        raise ValueError(f"The name of a recording must end in .mp4, but it is {path.name!r}.")
    return path.absolute()


def _join(
    recordings: Sequence[FfmpegRecording | CopiedRecording], deadline: float
) -> list[FfmpegRecording | CopiedRecording]:
    """Wait until `deadline` for the recordings to end. Returns those that still run."""
    return [recording for recording in recordings if not recording.join(max(0.0, deadline - time.monotonic()))]
