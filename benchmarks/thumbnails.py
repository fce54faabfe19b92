"""What thumbnails cost the rest of the server: `python -m benchmarks.thumbnails [--side N] [--count N]`.

Several clients ask at a time for thumbnails of huge PNGs that have none yet. Memory is that of the server's process;
the gap is the longest time that it took to answer `/health`. For comparison, another process reads the same files as
Pillow does, as a whole and all at a time; its gap is that of an event loop beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import io
import json
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import psutil
from PIL import Image

from benchmarks.child import game_server
from benchmarks.scenery import SceneSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from benchmarks.child import Child

_AIM_MB: Final = 150.0
_AIM_GAP_MS: Final = 100.0
_LOOK_EVERY_S: Final = 0.01
_ANSWER_S: Final = 300.0
_WIDTH: Final = 640
_THUMBNAIL_FOLDER: Final = "seeds/.thumbnails"


@dataclass(frozen=True, slots=True)
class Plan:
    side: int = 9_999  # pixels
    count: int = 10


@dataclass(frozen=True, slots=True)
class Cost:
    """`more_mb` is by how much memory grew at most, `left_mb` how much of that was still held afterwards."""

    more_mb: float
    left_mb: float
    gap_ms: float
    took_s: float


@dataclass(frozen=True, slots=True)
class Result:
    as_a_whole: Cost
    server: Cost


def run(plan: Plan) -> Result:
    """With both processes ended afterwards."""
    files = huge_pngs(plan)
    with game_server(SceneSpec(width=128, height=72, passes=2)) as child:
        server = _ask_server(child, files)
    return Result(_as_a_whole(files), server)


def render(result: Result) -> str:
    whole, server = result.as_a_whole, result.server
    rows = (
        ("as a whole, all at a time", whole),
        ("this server", server),
    )
    return "\n".join(
        [
            f"Thumbnails at a time; aim: {_AIM_MB:.0f} MB more at most, and a gap of {_AIM_GAP_MS:.0f} ms at most",
            "                               MB more    MB left    gap ms    took s",
            *(
                f"  {name:27}  {cost.more_mb:8.0f}  {cost.left_mb:9.0f}  {cost.gap_ms:8.0f}  {cost.took_s:8.1f}"
                for name, cost in rows
            ),
            f"  {'ratio':27}  {_ratio(whole.more_mb, server.more_mb)}              "
            f"{_ratio(whole.gap_ms, server.gap_ms)}  {_ratio(whole.took_s, server.took_s)}",
        ]
    )


def _ratio(before: float, after: float) -> str:
    return f"{before / max(after, 1e-3):8.1f}"


def huge_pngs(plan: Plan) -> list[bytes]:
    """The same slopes in each, and a text that makes each another file."""
    slope = np.linspace(0, 255, plan.side, dtype=np.uint8)
    pixels = np.empty((plan.side, plan.side, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = slope, slope[:, None]
    pixels[..., 2] = pixels[..., 0] ^ pixels[..., 1]
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    plain = buffer.getvalue()
    return [plain[:-12] + _text_chunk(number) + plain[-12:] for number in range(plan.count)]


def _text_chunk(number: int) -> bytes:
    named = b"tEXt" + f"Number\0{number}".encode()
    return struct.pack(">I", len(named) - 4) + named + struct.pack(">I", zlib.crc32(named))


# ------------------------------------------------------------------------------------------------- the server


def _ask_server(child: Child, files: Sequence[bytes]) -> Cost:
    hashes: list[str] = [json.loads(_request(child, "POST", "/api/seeds", data))["hash"] for data in files]
    for path in (child.data_dir / _THUMBNAIL_FOLDER).iterdir():
        path.unlink()  # as if an older server had kept these pictures
    with _gaps(lambda: _request(child, "GET", "/health")) as gaps, _most(child.rss_mb) as memory:
        started = time.perf_counter()
        with ThreadPoolExecutor(len(hashes)) as clients:
            asked = [clients.submit(_request, child, "GET", f"/api/seeds/{name}/thumbnail") for name in hashes]
            for each in asked:
                each.result()
        took_s = time.perf_counter() - started
    return Cost(memory.most - memory.first, child.rss_mb() - memory.first, gaps.worst_s * 1000, took_s)


def _request(child: Child, method: str, path: str, body: bytes | None = None) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", child.port, timeout=_ANSWER_S)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        data = response.read()
        if response.status >= 400:
            raise RuntimeError(f"The server refused {method} {path}: {data[:500]!r}")
        return data
    finally:
        connection.close()


# ------------------------------------------------------------------------------------------------ comparison


def _as_a_whole(files: Sequence[bytes]) -> Cost:
    """What the same files cost a process that reads them without any bound."""
    with tempfile.TemporaryDirectory(prefix="terrarium-bench-") as folder:
        for number, data in enumerate(files):
            (Path(folder) / f"{number}.png").write_bytes(data)
        command = [sys.executable, "-m", "benchmarks.thumbnails", "--as-a-whole", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Cost(**json.loads(done.stdout))


async def _read_as_a_whole(files: Sequence[Path]) -> Cost:
    process = psutil.Process()
    worst_s, last = 0.0, time.perf_counter()
    with _most(lambda: process.memory_info().rss / 1e6) as memory:
        started = time.perf_counter()
        with ThreadPoolExecutor(len(files)) as threads:
            loop = asyncio.get_running_loop()
            reading = [loop.run_in_executor(threads, _thumbnail_as_a_whole, path) for path in files]
            while not all(each.done() for each in reading):
                await asyncio.sleep(_LOOK_EVERY_S)
                now = time.perf_counter()
                worst_s, last = max(worst_s, now - last - _LOOK_EVERY_S), now
            await asyncio.gather(*reading)
        took_s = time.perf_counter() - started
    left = process.memory_info().rss / 1e6
    return Cost(memory.most - memory.first, left - memory.first, worst_s * 1000, took_s)


def _thumbnail_as_a_whole(path: Path) -> None:
    with Image.open(path) as image:
        image.resize((_WIDTH, _WIDTH), Image.Resampling.LANCZOS, reducing_gap=2.0).save(io.BytesIO(), "JPEG")


# -------------------------------------------------------------------------------------------------- watching


@dataclass(slots=True)
class _Gaps:
    worst_s: float = 0.0


@dataclass(slots=True)
class _Most:
    first: float
    most: float


@contextmanager
def _gaps(ask: Callable[[], object]) -> Generator[_Gaps]:
    """How long `ask` took at worst, asked again and again during the block."""
    found = _Gaps()

    def look() -> None:
        started = time.perf_counter()
        ask()
        found.worst_s = max(found.worst_s, time.perf_counter() - started)

    with _repeating(look):
        yield found


@contextmanager
def _most(measure: Callable[[], float]) -> Generator[_Most]:
    """The largest value of `measure` during the block."""
    first = measure()
    found = _Most(first, first)

    def look() -> None:
        found.most = max(found.most, measure())

    with _repeating(look):
        yield found


@contextmanager
def _repeating(work: Callable[[], None]) -> Generator[None]:
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(_LOOK_EVERY_S):
            work()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def main() -> None:
    defaults = Plan()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=defaults.side, help="pixels of each side (%(default)s)")
    parser.add_argument("--count", type=int, default=defaults.count, help="thumbnails at a time (%(default)s)")
    parser.add_argument("--as-a-whole", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.as_a_whole is not None:
        cost = asyncio.run(_read_as_a_whole(sorted(options.as_a_whole.iterdir())))
        print(json.dumps({name: getattr(cost, name) for name in ("more_mb", "left_mb", "gap_ms", "took_s")}))
        return
    print(render(run(Plan(options.side, options.count))))


if __name__ == "__main__":
    main()
