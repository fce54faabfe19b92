"""Pictures to record, ways to look into the files that come out, and recordings that end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import imageio_ffmpeg  # pyright: ignore[reportMissingTypeStubs] - it ships none
import numpy as np
import simplejpeg  # pyright: ignore[reportMissingTypeStubs] - it ships none

from services.video_writer._work_files import WorkFiles
from services.video_writer.video_writer import RecordingPlan, VideoMetadata
from tests import waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from services.video_writer.video_writer import Recording, RecordingFault, RecordingOutcome

WIDTH: Final = 160
HEIGHT: Final = 96
COUNT: Final = 50  # pictures that can be told apart
_LIMIT_S: Final = 240.0  # encoding has the lowest priority, and test machines are busy
LIMIT_S: Final = waiting.deadline_s(_LIMIT_S)
METADATA: Final = VideoMetadata("A walk", "Terrarium", '{"model": "terrarium/diorama", "seed": null}')


def plan(*, width: int = WIDTH, height: int = HEIGHT, fps: float = 30.0) -> RecordingPlan:
    return RecordingPlan(width=width, height=height, fps=fps, metadata=METADATA)


@cache
def picture(number: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """A smooth pattern that has moved on by `number` steps. Its upper half says the number as a grey (`number_of`)."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    wave = 128 + 60 * np.sin((x + 3 * number) / 17) * np.cos((y - number) / 11)
    frame = np.repeat(wave[..., None], 3, axis=2).astype(np.uint8)
    frame[: height // 2] = 20 + number % COUNT * 4
    return frame


@cache
def jpeg(number: int, width: int = WIDTH, height: int = HEIGHT, subsampling: str = "420") -> bytes:
    return simplejpeg.encode_jpeg(picture(number, width, height), quality=85, colorsubsampling=subsampling)


def number_of(frame: NDArray[np.uint8]) -> int:
    """Which picture a decoded frame shows, of `COUNT`."""
    return round((float(frame[5 : frame.shape[0] // 2 - 5].mean()) - 20) / 4)


def ffmpeg() -> Path:
    return Path(imageio_ffmpeg.get_ffmpeg_exe())


def packet_times_s(video: Path) -> list[float]:
    """When each frame of a file is shown, as ffmpeg reads it; its last fragment may be cut off."""
    command = [
        ffmpeg(),
        "-loglevel",
        "quiet",
        "-i",
        video,
        "-map",
        "0:v",
        "-c",
        "copy",
        "-copyts",
        "-f",
        "framecrc",
        "-",
    ]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    (base,) = (line.rpartition("1/")[2] for line in lines if line.startswith("#tb 0"))
    return sorted(int(line.split(",")[2]) / int(base) for line in lines if not line.startswith("#"))


def decoded(video: Path, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """Every frame, uint8 [count, height, width, 3]."""
    command = [ffmpeg(), "-loglevel", "error", "-i", video, "-fps_mode", "passthrough"]
    output = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    data = subprocess.run([*command, *output], capture_output=True, check=True).stdout
    return np.frombuffer(data, np.uint8).reshape(-1, height, width, 3)


def stream_line(video: Path) -> str:
    """What ffmpeg says of the video stream."""
    told = subprocess.run([ffmpeg(), "-hide_banner", "-i", video], capture_output=True, text=True, check=False).stderr
    return next(line for line in told.splitlines() if "Video:" in line)


class Ends:
    """What a recording reports."""

    def __init__(self) -> None:
        self.outcomes: list[RecordingOutcome] = []
        self.faults: list[RecordingFault] = []
        self._ended = threading.Event()
        self.failed = threading.Event()

    def on_end(self, outcome: RecordingOutcome) -> None:
        self.outcomes.append(outcome)
        self._ended.set()

    def on_fault(self, fault: RecordingFault, sentence: str) -> None:
        assert sentence.endswith(".")
        self.faults.append(fault)
        self.failed.set()

    def wait(self) -> RecordingOutcome:
        """The outcome, of which there is one."""
        assert self._ended.wait(LIMIT_S), "The recording has not ended."
        (outcome,) = self.outcomes
        return outcome


def play(recording: Recording, passes: int, *, frames_per_pass: int = 2, fps: float = 30.0, begin: int = 0) -> float:
    """Record passes without a wait; when the last one ends."""
    shown_for_s = frames_per_pass / fps
    for at in range(begin, begin + passes):
        numbers = range(at * frames_per_pass, (at + 1) * frames_per_pass)
        recording.write([jpeg(n) for n in numbers], started_at=1000 + at * shown_for_s, shown_for_s=shown_for_s)
    return 1000 + (begin + passes) * shown_for_s


def wait_until(is_so: Callable[[], bool]) -> None:
    """For what no event tells: the work of other processes."""
    waiting.wait_until(is_so, "the writer or its encoder has done its part", seconds=_LIMIT_S)


def encoder_pid(path: Path) -> int:
    """The ffmpeg that encodes a recording, as soon as there is one."""
    files = WorkFiles(path)

    def find() -> int | None:
        job = files.load_job()
        return job.encoder.pid if job and job.encoder else None

    wait_until(lambda: find() is not None)
    pid = find()
    assert pid is not None
    return pid


@dataclass(frozen=True)
class Wrapper:
    """A program that passes for ffmpeg: it changes the arguments of encodings, and then becomes ffmpeg."""

    path: Path

    @classmethod
    def make(cls, folder: Path, change: str) -> Wrapper:
        """`change` is Python that may change `args`, where `encodes` says whether frames are piped in."""
        path = folder / "ffmpeg-wrapper"
        path.write_text(
            f"#!{sys.executable} -IS\nimport os, sys\nargs = sys.argv[1:]\nencodes = 'pipe:0' in args\n{change}\n"
            f"os.execv({str(ffmpeg())!r}, ['ffmpeg', *args])\n",
            encoding="utf-8",
        )
        path.chmod(0o755)
        return cls(path)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
