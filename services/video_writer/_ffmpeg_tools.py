"""The ffmpeg installation that all recordings of a writer share: executable, fonts and working encoders."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from services.bundled_ffmpeg import bundled_ffmpeg
from services.video_writer._encoders import Encoder, hardware_candidates, is_encoder_working, software_encoder
from services.video_writer._errors import RecordingError
from services.video_writer.video_writer import RecordingFault

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from services.video_writer.video_writer import RecordingPlan


class FfmpegTools:
    """Safe to use from several threads."""

    def __init__(
        self, *, executable: Path | None, fonts: Path, cores: int, hardware: Sequence[Encoder] | None = None
    ) -> None:
        """Without `executable`, imageio-ffmpeg's ffmpeg is used; without `hardware`, all encoders of this system."""
        self.fonts = fonts
        self._cores = cores
        self._hardware = hardware_candidates() if hardware is None else tuple(hardware)
        self._lock = threading.Lock()
        self._executable = executable
        self._unusable: set[tuple[str, int, int]] = set()  # name, width, height

    def executable(self) -> Path:
        """The path of ffmpeg.

        Raises:
            RecordingError: no ffmpeg is installed.
        """
        with self._lock:
            if self._executable is None:
                try:
                    self._executable = bundled_ffmpeg()
                except FileNotFoundError as error:
                    raise RecordingError(RecordingFault.ENCODER_MISSING, str(error)) from error
            return self._executable

    def choose_encoder(self, plan: RecordingPlan) -> Encoder:
        """The first hardware encoder that passes a probe, else libx264.

        The probe uses the recording's size and is repeated for each recording, because some encoders support only
        certain sizes or a limited number of sessions at a time.

        Raises:
            RecordingError: no ffmpeg is installed.
        """
        return next((found for found in self._hardware if self._works(found, plan)), self._software(plan))

    def encoder_named(self, name: str, plan: RecordingPlan) -> Encoder:
        """The encoder that a recording was begun with if it still works, else libx264.

        Raises:
            RecordingError: no ffmpeg is installed.
        """
        named = (found for found in self._hardware if found.name == name and self._works(found, plan))
        return next(named, self._software(plan))

    def _software(self, plan: RecordingPlan) -> Encoder:
        return software_encoder(plan, self._cores)

    def _works(self, encoder: Encoder, plan: RecordingPlan) -> bool:
        key = (encoder.name, plan.width, plan.height)
        with self._lock:
            if key in self._unusable:
                return False
        is_working = is_encoder_working(self.executable(), encoder, plan)
        if not is_working:
            with self._lock:
                self._unusable.add(key)
        return is_working
