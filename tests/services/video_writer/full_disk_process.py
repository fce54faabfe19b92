"""A program that records onto a disk that others fill up: `python -m ... <folder, a small disk of its own>`.

It prints a line for each thing that a test asks about.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from services.video_writer._mp4_facts import whole_fragments_end
from services.video_writer._recording_run import WriterLimits
from services.video_writer._work_files import WorkFiles
from services.video_writer.ffmpeg_video_writer import FfmpegVideoWriter
from services.video_writer.video_writer import Finished, Incomplete
from tests.services.video_writer.videos import Ends, decoded, packet_times_s, plan, play, wait_until


def say(what: str, value: object) -> None:
    sys.stdout.write(f"{what}={value}\n")


def fill(path: Path) -> None:
    """Write until the disk takes no byte more."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 16, 1):
            try:
                while file.write(os.urandom(size)) == size:
                    pass
            except OSError:
                continue


def main() -> None:
    folder = Path(sys.argv[1])
    writer = FfmpegVideoWriter(hardware=(), limits=WriterLimits(reserve_bytes=0))
    ends, path = Ends(), folder / "walk.mp4"
    recording = writer.start(path, plan(), ends.on_end, ends.on_fault)
    play(recording, 60)
    wait_until(lambda: whole_fragments_end(WorkFiles(path).part) > 0)
    fill(folder / "others")
    passes = 60
    while not ends.failed.wait(0.02):
        play(recording, 1, begin=passes)
        passes += 1
    recording.finish()
    outcome = ends.wait()
    say("faults", [fault.value for fault in ends.faults])
    say("is_incomplete", isinstance(outcome, Incomplete))
    video = writer.incomplete_video(path)
    assert video is not None
    say("plays_s", packet_times_s(video)[-1])
    say("said_s", outcome.duration_s if isinstance(outcome, Incomplete) else None)
    again = Ends()
    writer.complete(path, again.on_end)
    say("is_incomplete_still", isinstance(again.wait(), Incomplete))
    (folder / "others").unlink()
    later = Ends()
    writer.complete(path, later.on_end)
    say("is_finished", isinstance(later.wait(), Finished))
    say("frames", len(decoded(path)))
    say("files", sorted(file.name for file in folder.iterdir()))
    writer.close(1.0)


if __name__ == "__main__":
    main()
