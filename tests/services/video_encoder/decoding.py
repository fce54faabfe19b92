"""Decodes H.264 with ffmpeg, as a player would."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import numpy as np

from services.bundled_ffmpeg import bundled_ffmpeg

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.world_engine.world_engine import Frames


def decode_h264(units: Iterable[bytes], *, width: int, height: int) -> Frames:
    """The frames of access units in Annex B form, as uint8 [count, height, width, 3]. What is broken is missing."""
    command = (
        *(str(bundled_ffmpeg()), "-hide_banner", "-loglevel", "error", "-f", "h264", "-i", "pipe:0"),
        *("-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"),
    )
    done = subprocess.run(command, input=b"".join(units), stdout=subprocess.PIPE, check=True)
    return np.frombuffer(done.stdout, dtype=np.uint8).reshape(-1, height, width, 3)
