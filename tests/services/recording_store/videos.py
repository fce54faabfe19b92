"""Small real MP4 files, made by ffmpeg."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from imageio_ffmpeg import get_ffmpeg_exe  # pyright: ignore[reportMissingTypeStubs] - it has none

from services.recording_store.recording_notes import RecordingNotes, write_notes

if TYPE_CHECKING:
    from pathlib import Path


def make_video(path: Path, *, duration_s: float = 1.0, comment: str | None = None, title: str = "A title") -> Path:
    """64 x 48, ten frames a second, index at the front."""
    path.parent.mkdir(parents=True, exist_ok=True)
    said = [] if comment is None else ["-metadata", f"comment={comment}"]
    command = [
        *(get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", "-f", "lavfi"),
        *("-i", f"testsrc=size=64x48:rate=10:duration={duration_s}", "-c:v", "libx264", "-preset", "ultrafast"),
        *("-pix_fmt", "yuv420p", "-movflags", "+faststart", "-metadata", f"title={title}"),
        *("-metadata", "artist=Somebody", *said, "-f", "mp4", str(path)),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return path


def notes(**facts: object) -> str:
    return write_notes(RecordingNotes.model_validate({"biome_version": "1.0", **facts}))
