"""A program that records in real time until it is killed: `python -m ... <path> <passes>`.

It prints the seconds recorded after each pass, and after the last one waits for its end.
"""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from services.video_writer.ffmpeg_video_writer import FfmpegVideoWriter
from services.video_writer.video_writer import VideoMetadata
from tests.services.video_writer.videos import Ends, jpeg, plan


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    path, passes = Path(sys.argv[1]), int(sys.argv[2])
    writer = FfmpegVideoWriter(hardware=())
    said_before = replace(plan(), metadata=VideoMetadata("Untitled", "Nobody", ""))
    recording = writer.start(path, said_before, Ends().on_end)
    began = time.monotonic()
    for at in range(passes):
        recording.write([jpeg(2 * at), jpeg(2 * at + 1)], started_at=at / 15, shown_for_s=1 / 15)
        if at == passes // 4:
            recording.annotate(plan().metadata)
        say(f"{(at + 1) / 15:.3f}")
        time.sleep(max(0.0, began + (at + 1) / 15 - time.monotonic()))
    say("waiting")
    threading.Event().wait()


if __name__ == "__main__":
    main()
