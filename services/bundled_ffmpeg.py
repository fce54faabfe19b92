"""The ffmpeg that came with imageio-ffmpeg."""

from __future__ import annotations

from pathlib import Path


def bundled_ffmpeg() -> Path:
    """Its path. Raises: FileNotFoundError, imageio-ffmpeg has none for this machine."""
    import imageio_ffmpeg  # pyright: ignore[reportMissingTypeStubs] - it ships none

    try:
        return Path(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise FileNotFoundError("There is no ffmpeg on this machine.") from error
