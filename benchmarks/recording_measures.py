"""Measures the cost of recording during play, and the video writer on its own."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import imageio_ffmpeg  # pyright: ignore[reportMissingTypeStubs] - it ships none
import psutil
import simplejpeg  # pyright: ignore[reportMissingTypeStubs] - it ships none

from benchmarks.measures import Percentiles, percentiles
from benchmarks.player import Player
from services.video_writer.ffmpeg_video_writer import FfmpegVideoWriter
from services.video_writer.video_writer import Finished, RecordingOutcome, RecordingPlan, VideoMetadata

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from benchmarks.child import Child
    from benchmarks.scenery import SceneSpec
    from services.world_engine.world_engine import Frames

_WARM_UP_S: Final = 0.7
_END_LIMIT_S: Final = 600.0
_LOOK_S: Final = 0.05
_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PlayCost:
    """Play with or without a recording. CPU is that of the server and its encoder until the file is complete."""

    frames_per_s: float
    input_to_frame: Percentiles  # ms
    cpu_s_per_1000: float


@dataclass(frozen=True, slots=True)
class WriterFigures:
    encode_cpu_s_per_1000: float
    encode_frames_per_s: float  # when all frames are written at once
    write_us: Percentiles  # of one call, when frames are written in real time
    complete_after_ms: float  # from the stop to the complete file, when frames are written in real time
    megabits_per_s: float


@dataclass(frozen=True, slots=True)
class Sample:
    """A moment of a recording whose encoder is too slow."""

    at_s: float
    waiting_frames: int
    memory_mib: float
    disk_mib: float
    rss_mib: float


@dataclass(frozen=True, slots=True)
class SlowEncoderFigures:
    samples: tuple[Sample, ...]
    written: int
    in_file: int
    complete_after_s: float


def play_and_record(
    child: Child, model: str, seed: bytes, seconds: float, *, records: bool, as_video: bool = False
) -> PlayCost:
    """`as_video`: play as H.264 and confirm each pass, as the page does."""
    cpu, query = child.cpu_s(), "&client=terrarium&video=h264" if as_video else ""
    with Player(
        child.port, model, seed=seed, capped=True, records=records, query=query, acknowledges=as_video
    ) as player:
        time.sleep(_WARM_UP_S)
        began = time.monotonic()
        time.sleep(seconds)
        ended = time.monotonic()
    limit = time.monotonic() + _END_LIMIT_S
    while child.has_helpers() and time.monotonic() < limit:
        time.sleep(_LOOK_S)
    cpu = child.cpu_s() - cpu
    arrived = [arrival for arrival in player.arrivals if began <= arrival.at < ended]
    ages = [(each.at - each.newest_control) * 1000 for each in arrived if each.newest_control]
    return PlayCost(
        frames_per_s=sum(arrival.frames for arrival in arrived) / (ended - began),
        input_to_frame=percentiles(ages),
        cpu_s_per_1000=cpu / max(1, sum(arrival.frames for arrival in player.arrivals)) * 1000,
    )


def encode_passes(passes: Iterable[Frames], *, quality: int, subsampling: str) -> list[tuple[bytes, ...]]:
    """Encode passes like the server."""
    return [
        tuple(simplejpeg.encode_jpeg(frame, quality=quality, colorsubsampling=subsampling) for frame in frames)
        for frames in passes
    ]


def measure_writer(jpegs: Sequence[tuple[bytes, ...]], scene: SceneSpec, seconds: float) -> WriterFigures:
    count = round(seconds * scene.fps / scene.frames_per_pass)
    with TemporaryDirectory(prefix="terrarium-bench-") as folder:
        writer = FfmpegVideoWriter()
        at_once = _Recorded(writer, Path(folder) / "at-once.mp4", scene)
        cpu, began = _cpu_of_children_s(), time.monotonic()
        for number, one in enumerate(islice(cycle(jpegs), count)):
            at_once.write(number, one)
        finished = at_once.finish(count)
        took, cpu = time.monotonic() - began, _cpu_of_children_s() - cpu
        in_time = _Recorded(writer, Path(folder) / "in-time.mp4", scene)
        calls = [in_time.write(number, one) for number, one in _in_real_time(jpegs, scene, count)]
        stopped = time.monotonic()
        in_time.finish(count)
        complete_after_ms = (time.monotonic() - stopped) * 1000
        writer.close(_END_LIMIT_S)
    return WriterFigures(
        encode_cpu_s_per_1000=cpu / finished.frames * 1000,
        encode_frames_per_s=finished.frames / took,
        write_us=percentiles(calls),
        complete_after_ms=complete_after_ms,
        megabits_per_s=finished.size_bytes * 8 / finished.duration_s / 1e6,
    )


def measure_slow_encoder(
    jpegs: Sequence[tuple[bytes, ...]], scene: SceneSpec, seconds: float, speed: float
) -> SlowEncoderFigures:
    """Record in real time with an ffmpeg that encodes at `speed` times real time."""
    count = round(seconds * scene.fps / scene.frames_per_pass)
    own, samples = psutil.Process(), list[Sample]()
    with TemporaryDirectory(prefix="terrarium-bench-") as folder:
        writer = FfmpegVideoWriter(executable=_slow_ffmpeg(Path(folder), speed), hardware=())
        recorded = _Recorded(writer, Path(folder) / "slow.mp4", scene)
        began = time.monotonic()
        due = began
        for number, one in _in_real_time(jpegs, scene, count):
            recorded.write(number, one)
            if time.monotonic() >= due:
                progress = recorded.recording.progress()
                samples.append(
                    Sample(
                        at_s=time.monotonic() - began,
                        waiting_frames=progress.waiting_frames,
                        memory_mib=progress.waiting_bytes / _MIB,
                        disk_mib=progress.spooled_bytes / _MIB,
                        rss_mib=own.memory_info().rss / _MIB,
                    )
                )
                due += seconds / 8
        stopped = time.monotonic()
        finished = recorded.finish(count)
        complete_after_s = time.monotonic() - stopped
        writer.close(_END_LIMIT_S)
    return SlowEncoderFigures(tuple(samples), count * scene.frames_per_pass, finished.frames, complete_after_s)


class _Recorded:
    """A recording of passes that are numbered from 0."""

    def __init__(self, writer: FfmpegVideoWriter, path: Path, scene: SceneSpec) -> None:
        self._pass_s = scene.frames_per_pass / scene.fps
        self._ended = threading.Event()
        self._outcome: RecordingOutcome | None = None
        plan = RecordingPlan(scene.width, scene.height, float(scene.fps), VideoMetadata("Benchmark", "", "{}"))
        self.recording: Final = writer.start(path, plan, self._end)

    def write(self, number: int, jpegs: tuple[bytes, ...]) -> float:
        """Write a pass, and return how many microseconds the call took."""
        began = time.perf_counter()
        self.recording.write(jpegs, started_at=number * self._pass_s, shown_for_s=self._pass_s)
        return (time.perf_counter() - began) * 1e6

    def finish(self, passes: int) -> Finished:
        self.recording.finish(ended_at=passes * self._pass_s)
        self._ended.wait(_END_LIMIT_S)
        if not isinstance(self._outcome, Finished):
            raise TypeError(f"The recording was not finished: {self._outcome}")
        return self._outcome

    def _end(self, outcome: RecordingOutcome) -> None:
        self._outcome = outcome
        self._ended.set()


def _in_real_time(
    jpegs: Sequence[tuple[bytes, ...]], scene: SceneSpec, count: int
) -> Generator[tuple[int, tuple[bytes, ...]]]:
    began = time.monotonic()
    for number, one in enumerate(islice(cycle(jpegs), count)):
        time.sleep(max(0.0, began + number * scene.frames_per_pass / scene.fps - time.monotonic()))
        yield number, one


def _cpu_of_children_s() -> float:
    """CPU seconds of the child processes that have ended."""
    times = psutil.Process().cpu_times()
    return float(times.children_user + times.children_system)


def _slow_ffmpeg(folder: Path, speed: float) -> Path:
    """Write a program that runs ffmpeg, but makes it read its input at a fixed speed."""
    path = folder / "slow-ffmpeg"
    path.write_text(
        f"#!{sys.executable} -IS\nimport os, sys\nargs = sys.argv[1:]\n"
        f"if 'pipe:0' in args: args[args.index('-probesize'):0] = ['-readrate', '{speed}']\n"
        f"os.execv({imageio_ffmpeg.get_ffmpeg_exe()!r}, ['ffmpeg', *args])\n",
        encoding="utf-8",
    )
    path.chmod(0o755)
    return path
