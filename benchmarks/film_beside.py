"""Measures what a film in the making costs those who play: `python -m benchmarks.film_beside [--seconds N] [--quick]`.

A server process of its own has a tiny film model of random weights on the processor, and the diorama walks through a
shipped picture at 720p60. The time from a control to the first frame that has used it is compared with and without a
film that is being denoised, in turns, so that other work on the machine meets both.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

import httpx

from benchmarks.child import terrarium_server
from benchmarks.measures import play

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from benchmarks.measures import PlayFigures

_ROOT: Final = Path(__file__).resolve().parent.parent
_SEED: Final = _ROOT / "assets" / "seeds" / "forest_path.jpg"
_MODEL: Final = "terrarium/diorama"
_LONG: Final = {"prompt": "a very long night", "width": 960, "height": 544, "seconds": 20.0}
_STEP_LIMIT_S: Final = 300.0


@contextmanager
def film_in_the_making(port: int) -> Generator[None]:
    """Within the block a film is denoised, which is longer than any block; then it is given up.

    Raises:
        RuntimeError: it never came to that, or it ended before the block did.
    """
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/video", timeout=60.0) as http:
        asked = http.post("/words", json=_LONG)
        asked.raise_for_status()
        film = f"/films/{asked.json()['id']}"
        _wait_for_stage(http, film)
        yield
        if http.get(film).json()["state"] != "running":
            raise RuntimeError("The film ended while it was measured: it has to be longer.")
        http.post(f"{film}/cancel").raise_for_status()
        _wait_until_over(http, film)


def _wait_for_stage(http: httpx.Client, film: str) -> None:
    give_up_at = time.monotonic() + _STEP_LIMIT_S
    while (now := http.get(film).json())["stage"] != "denoising":
        if now["state"] not in {"queued", "running"} or time.monotonic() > give_up_at:
            raise RuntimeError(f"The film is not made: {now}")
        time.sleep(0.2)


def _wait_until_over(http: httpx.Client, film: str) -> None:
    while http.get(film).json()["state"] == "running":
        time.sleep(0.2)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--quick", action="store_true", help="one round of three seconds")
    options = parser.parse_args(arguments)
    rounds, seconds = (1, 3.0) if options.quick else (3, options.seconds)
    alone, beside = list["PlayFigures"](), list["PlayFigures"]()
    seed = _SEED.read_bytes()
    with tempfile.TemporaryDirectory(prefix="terrarium-bench-ltx-") as model:
        build = [sys.executable, "-W", "ignore", "-m", "tests.services.video_pipeline.tiny_ltx", model]
        subprocess.run(build, cwd=_ROOT, check=True, capture_output=True, env={**os.environ, "HF_HUB_OFFLINE": "1"})
        with terrarium_server("--local-films", "cpu", "--local-films-folder", model) as (server, _):
            for _ in range(rounds):
                alone.append(play(server, _MODEL, seed, seconds, capped=True))
                with film_in_the_making(server.port):
                    beside.append(play(server, _MODEL, seed, seconds, capped=True))
    print("| | p50, ms | p95, ms | frames/s |")
    print("| --- | --- | --- | --- |")
    for name, figures in (("play alone", alone), ("while a film is made", beside)):
        waits = [each.change_to_frame for each in figures]
        rate = median(each.frames_per_s for each in figures)
        print(f"| {name} | {median(w.p50 for w in waits):.1f} | {median(w.p95 for w in waits):.1f} | {rate:.1f} |")
    ratio = median(b.change_to_frame.p95 for b in beside) / median(a.change_to_frame.p95 for a in alone)
    print(f"\np95 with a film against without: {ratio:.2f} (aim: 1.20 at most)")


if __name__ == "__main__":
    main()
