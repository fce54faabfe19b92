"""Steps from Python: `python -m benchmarks.client` sets worlds of a real server beside the engine called directly.

Each round plays both, one after the other, so that the ratio holds whatever else the machine does. In both, as many
worlds are stepped at a time, and the newest frame of each pass is seen in the size of an observation.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from benchmarks.child import terrarium_server
from runtime_config.constants import MOSS_DIR
from services.frame_encoder.frame_sizes import scaled
from services.picture_decoder.pillow_picture_decoder import PillowPictureDecoder
from services.world_engine.diorama.entry import Diorama
from services.world_engine.moss.entry import Moss
from services.world_engine.world_engine import ControlPayload

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "client"))

from terrarium_client import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.world_engine.world_engine import World, WorldEngine

Codec = Literal["rgb", "jpeg"]

SEED: Final = Path(__file__).resolve().parent.parent / "assets" / "seeds" / "forest_path.jpg"
SIZE: Final = (224, 128)
ENGINES: Final[dict[str, Callable[[], WorldEngine]]] = {
    "terrarium/diorama": lambda: Diorama.load("none", lambda _: None),
    "terrarium/moss": lambda: Moss(MOSS_DIR, 2).load("none", lambda _: None),
}
_WARM_UP: Final = 3  # steps of each world
_CONTROL: Final = ControlPayload(frozenset({ord("W")}), 3.0, 0.0)


@dataclass(frozen=True, slots=True)
class Rate:
    """Steps a second of all worlds together, and the 95th percentile of a step's time in milliseconds."""

    steps_per_s: float
    p95_ms: float


def direct(engine: WorldEngine, worlds: int, steps: int) -> Rate:
    """Step the worlds of an engine, each on a thread of its own."""
    spec = engine.spec
    seed = PillowPictureDecoder().decode(SEED.read_bytes(), width=spec.width, height=spec.height)
    opened = [engine.open_world(seed, rng_seed=number) for number in range(worlds)]

    def walk(world: World) -> list[float]:
        return [_timed(lambda: scaled(world.step(_CONTROL)[-1:], width=SIZE[0], height=SIZE[1])) for _ in range(steps)]

    def warm_up(world: World) -> None:
        for _ in range(_WARM_UP):
            world.step(_CONTROL)

    with ThreadPoolExecutor(worlds) as threads:
        list(threads.map(warm_up, opened))
        began = time.perf_counter()
        times = list(threads.map(walk, opened))
        took = time.perf_counter() - began
    for world in opened:
        world.close()
    return _rate(times, took)


async def stepped(url: str, model: str, worlds: int, steps: int, codec: Codec) -> Rate:
    """Step worlds of a server, all at a time."""
    everybody = asyncio.Barrier(worlds + 1)

    async def walk(number: int) -> list[float]:
        async with connect(url, codec=codec, size=SIZE) as world:
            await world.init(SEED, model=model, rng_seed=number)
            for _ in range(_WARM_UP):
                await world.step("W", mouse=(3, 0))
            await everybody.wait()
            times: list[float] = []
            for _ in range(steps):
                began = time.perf_counter()
                await world.step("W", mouse=(3, 0))
                times.append(time.perf_counter() - began)
            return times

    walks = [asyncio.create_task(walk(number)) for number in range(worlds)]
    await everybody.wait()
    began = time.perf_counter()
    times = await asyncio.gather(*walks)
    return _rate(times, time.perf_counter() - began)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _rate(times: list[list[float]], took: float) -> Rate:
    every = [one for world in times for one in world]
    return Rate(len(every) / took, float(np.percentile(every, 95)) * 1000)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=50, help="of each world")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    engines = {model: load() for model, load in ENGINES.items()}
    ways: tuple[Codec, ...] = ("rgb", "jpeg")
    with terrarium_server("--max-sessions", "12") as (server, _):
        url = f"http://127.0.0.1:{server.port}"
        for model, engine in engines.items():
            ratios: dict[str, list[float]] = {codec: [] for codec in ways}
            for _ in range(asked.rounds):
                floor = direct(engine, asked.worlds, asked.steps)
                print(f"{model:20} directly {floor.steps_per_s:7.1f} steps/s   p95 {floor.p95_ms:7.1f} ms")
                for codec in ways:
                    rate = asyncio.run(stepped(url, model, asked.worlds, asked.steps, codec))
                    ratios[codec].append(rate.steps_per_s / floor.steps_per_s)
                    print(f"{model:20} {codec:8} {rate.steps_per_s:7.1f} steps/s   p95 {rate.p95_ms:7.1f} ms")
            for codec in ways:
                print(f"{model:20} {codec:8} {statistics.median(ratios[codec]):7.2f} of the engine called directly")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
