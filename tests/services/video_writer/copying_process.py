"""A program that records H.264 and waits until it is killed: `python -m ... <path>`."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from services.video_writer.ffmpeg_video_writer import FfmpegVideoWriter
from tests.services.video_writer.units import encoded, play_units
from tests.services.video_writer.videos import Ends, plan


def main() -> None:
    recording = FfmpegVideoWriter(hardware=()).start_copy(Path(sys.argv[1]), plan(), Ends().on_end)
    play_units(recording, encoded())
    sys.stdout.write("recorded\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main()
