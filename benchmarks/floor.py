"""The floor: the best that the machine allows, measured by encoding and sending the same pictures and nothing else."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import simplejpeg  # pyright: ignore[reportMissingTypeStubs] - it ships none
from websockets.frames import Opcode

from benchmarks.child import push_server
from benchmarks.player import MessageSocket
from runtime_config.runtime_config import JpegConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from runtime_config.runtime_config import Subsampling
    from services.world_engine.world_engine import Frames

_COLOURS: Final[dict[Subsampling, str]] = {"4:2:0": "420", "4:4:4": "444"}
_LIMIT_S: Final = 30.0
_WARM_UP: Final = 0.2  # share of the messages that is not measured


@dataclass(frozen=True, slots=True)
class EncodeFloor:
    frames_per_s: float
    cpu_s_per_1000: float


@dataclass(frozen=True, slots=True)
class PushFloor:
    ms_per_pass: float
    cpu_s_per_1000: float


def encode(picture: NDArray[np.uint8], jpeg: JpegConfig) -> bytes:
    """Encode like the server at its best quality."""
    small = picture.shape[0] < jpeg.small_below_lines
    return simplejpeg.encode_jpeg(
        picture,
        quality=jpeg.small_quality if small else jpeg.quality,
        colorspace="RGB",
        colorsubsampling=_COLOURS[jpeg.small_subsampling if small else jpeg.subsampling],
    )


def measure_encoding(passes: Sequence[Frames], seconds: float, *, threads: int) -> EncodeFloor:
    """Let each thread encode one picture after the other for `seconds`."""
    pictures, jpeg = [picture for frames in passes for picture in frames], JpegConfig()
    began, cpu = time.monotonic(), time.process_time()

    def work(offset: int) -> int:
        done = 0
        while time.monotonic() - began < seconds:
            encode(pictures[(offset + done) % len(pictures)], jpeg)
            done += 1
        return done

    with ThreadPoolExecutor(threads) as pool:
        frames = sum(pool.map(work, range(threads)))
    return EncodeFloor(frames / (time.monotonic() - began), (time.process_time() - cpu) / frames * 1000)


def measure_pushing(size: int, frames_per_pass: int, seconds: float) -> PushFloor:
    """Send messages of `size` bytes through the server's transport to a raw reader, as fast as possible."""
    count = max(20, int(seconds * 400))
    with push_server(size, count) as child:
        sink = MessageSocket(child.port, "/ws")
        too_late = threading.Timer(_LIMIT_S + 10 * seconds, sink.abort)
        too_late.start()
        try:
            skipped = int(count * _WARM_UP)
            _drink(sink, skipped)
            began, cpu = time.monotonic(), child.cpu_s()
            left = count - skipped
            _drink(sink, left)
            took, cpu = time.monotonic() - began, child.cpu_s() - cpu
        finally:
            too_late.cancel()
            sink.close()
    return PushFloor(took / left * 1000, cpu / (left * frames_per_pass) * 1000)


def _drink(sink: MessageSocket, count: int) -> None:
    while count:
        opcode, payload = sink.read()
        if opcode is Opcode.PING:
            sink.send(Opcode.PONG, bytes(payload))
        elif opcode is Opcode.BINARY:
            count -= 1
