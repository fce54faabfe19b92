"""Which ffmpeg and which H.264 encoders this machine has, found out by encoding a little with each."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Final

from services.machine_probe.machine_probe import FfmpegFound, FfmpegMissing, FfmpegState
from services.video_writer._encoders import hardware_candidates, is_encoder_working, software_encoder
from services.video_writer._errors import RecordingError
from services.video_writer._ffmpeg_tools import bundled_ffmpeg
from services.video_writer.video_writer import RecordingPlan, VideoMetadata

if TYPE_CHECKING:
    from pathlib import Path

_LIMIT_S: Final = 10.0
_PLAN: Final = RecordingPlan(width=1280, height=720, fps=30, metadata=VideoMetadata(title="", artist="", comment=""))


def describe_ffmpeg(executable: Path | None = None) -> FfmpegState:
    """Without `executable`, it is imageio-ffmpeg's, as for recordings. Blocks, and never raises."""
    try:
        program = executable or bundled_ffmpeg()
        version = _version(program)
    except (RecordingError, ImportError) as error:
        return FfmpegMissing(str(error))
    except (OSError, subprocess.SubprocessError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it does not answer"
        return FfmpegMissing(f"ffmpeg could not be run: {reason}.")
    hardware = [each.name for each in hardware_candidates() if is_encoder_working(program, each, _PLAN)]
    return FfmpegFound(version, is_encoder_working(program, software_encoder(_PLAN, 1), _PLAN), tuple(hardware))


def _version(program: Path) -> str:
    """Raises: OSError, SubprocessError."""
    done = subprocess.run(
        [program, "-hide_banner", "-version"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_LIMIT_S,
        check=True,
    )
    words = done.stdout.split()  # "ffmpeg version 7.1 Copyright ..."
    return words[2] if words[:2] == ["ffmpeg", "version"] else "of an unknown version"
