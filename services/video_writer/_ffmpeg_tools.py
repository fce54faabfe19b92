"""What all recordings of a writer share: where ffmpeg is, the fonts, and which encoders work here."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

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
        """`executable` None: the ffmpeg that imageio-ffmpeg brings. `hardware` None: what this system may have."""
        self.fonts = fonts
        self._cores = cores
        self._hardware = hardware_candidates() if hardware is None else tuple(hardware)
        self._lock = threading.Lock()
        self._executable = executable
        self._unusable: set[tuple[str, int, int]] = set()  # name, width, height

    def executable(self) -> Path:
        """Where ffmpeg is.

        Raises:
            RecordingError: there is none.
        """
        with self._lock:
            if self._executable is None:
                self._executable = bundled_ffmpeg()
            return self._executable

    def choose_encoder(self, plan: RecordingPlan) -> Encoder:
        """Hardware if a probe shows that it works, at this size and now: some take only so many at a time.

        Raises:
            RecordingError: there is no ffmpeg.
        """
        return next((found for found in self._hardware if self._works(found, plan)), self._software(plan))

    def encoder_named(self, name: str, plan: RecordingPlan) -> Encoder:
        """The one a recording was begun with, if it still works; else libx264.

        Raises:
            RecordingError: there is no ffmpeg.
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


def bundled_ffmpeg() -> Path:
    """The ffmpeg of imageio-ffmpeg.

    Raises:
        RecordingError: there is none for this machine.
    """
    from pathlib import Path

    import imageio_ffmpeg  # pyright: ignore[reportMissingTypeStubs] - it ships none

    try:
        return Path(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise RecordingError(RecordingFault.ENCODER_MISSING, "There is no ffmpeg on this machine.") from error
