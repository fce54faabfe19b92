"""Steps from Python: `python -m benchmarks.client` sets worlds of a real server beside the engine called directly.

Each round plays all ways, one after the other, so that ratios hold whatever else the machine does. In all of them as
many worlds are stepped at a time, and the newest frame of each pass is seen in the size of an observation:

    whole   the engine makes its passes, and the last frame is scaled
    drawn   the engine draws that frame alone, in its size, where it can
    rgb     the server, asked for pixels
    jpeg    the server, asked for JPEGs
    gym     a vector environment of Gymnasium on the server

CPU is that of both processes for one step.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from benchmarks.child import terrarium_server
from runtime_config.constants import MOSS_DIR
from services.frame_encoder.frame_sizes import scaled
from services.picture_decoder.pillow_picture_decoder import PillowPictureDecoder
from services.world_engine.diorama.entry import Diorama
from services.world_engine.moss.entry import Moss
from services.world_engine.world_engine import ControlPayload, is_drawn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "client"))

from terrarium_client import connect
from terrarium_client.gym import KEYS, TerrariumVectorEnv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from benchmarks.child import Child
    from services.world_engine.world_engine import World, WorldEngine

Codec = Literal["rgb", "jpeg"]

SEED: Final = Path(__file__).resolve().parent.parent / "assets" / "seeds" / "forest_path.jpg"
SIZE: Final = (224, 128)
ENGINES: Final[dict[str, Callable[[], WorldEngine]]] = {
    "terrarium/diorama": lambda: Diorama.load("none", lambda _: None),
    "terrarium/moss": lambda: Moss(MOSS_DIR, "large").load("none", lambda _: None),
}
_WARM_UP: Final = 3  # steps of each world
_CONTROL: Final = ControlPayload(frozenset({ord("W")}), 3.0, 0.0)


@dataclass(frozen=True, slots=True)
class Rate:
    """Steps a second of all worlds together, how long one takes, and what it costs."""

    steps_per_s: float
    p50_ms: float
    p95_ms: float
    cpu_ms: float


class Stopwatch:
    """From the first step of all worlds to the last one, warm-up not included."""

    def __init__(self, child: Child | None = None) -> None:
        self._child = child
        self.start()

    def start(self) -> None:
        self._cpu, self._began = self._used_s(), time.perf_counter()

    def rate(self, times_s: Sequence[float], steps: int) -> Rate:
        """`times_s` are those of single steps, or of all worlds' together."""
        took, cpu = time.perf_counter() - self._began, self._used_s() - self._cpu
        p50, p95 = np.percentile(times_s, (50, 95)) * 1000
        return Rate(steps / took, float(p50), float(p95), cpu / steps * 1000)

    def _used_s(self) -> float:
        return time.process_time() + (0.0 if self._child is None else self._child.cpu_s())


def whole(world: World) -> object:
    return scaled(world.step(_CONTROL)[-1:], width=SIZE[0], height=SIZE[1])


def drawn(world: World) -> object:
    if not is_drawn(world):
        return whole(world)
    world.advance(_CONTROL)
    return world.draw(width=SIZE[0], height=SIZE[1], only_last=True)


def direct(engine: WorldEngine, step: Callable[[World], object], worlds: int, steps: int) -> Rate:
    """Step the worlds of an engine, each on a thread of its own."""
    spec = engine.spec
    seed = PillowPictureDecoder().decode(SEED.read_bytes(), width=spec.width, height=spec.height)
    opened = [engine.open_world(seed, rng_seed=number) for number in range(worlds)]

    def walk(world: World, count: int) -> list[float]:
        return [_timed(lambda: step(world)) for _ in range(count)]

    with ThreadPoolExecutor(worlds) as threads:
        list(threads.map(walk, opened, [_WARM_UP] * worlds))
        watch = Stopwatch()
        times = list(threads.map(walk, opened, [steps] * worlds))
        rate = watch.rate(_all(times), worlds * steps)
    for world in opened:
        world.close()
    return rate


async def stepped(child: Child, model: str, worlds: int, steps: int, codec: Codec) -> Rate:
    """Step worlds of a server, all at a time."""
    everybody = asyncio.Barrier(worlds + 1)

    async def walk(number: int) -> list[float]:
        async with connect(_url(child), codec=codec, size=SIZE) as world:
            await world.init(SEED, model=model, rng_seed=number)
            for _ in range(_WARM_UP):
                await world.step("W", mouse=(3, 0))
            await everybody.wait()
            times: list[float] = []
            for _ in range(steps):
                began = time.perf_counter()
                await world.step("W", mouse=(3, 0))
                times.append(time.perf_counter() - began)
            await everybody.wait()
            return times

    walks = [asyncio.create_task(walk(number)) for number in range(worlds)]
    watch = Stopwatch(child)
    await everybody.wait()
    watch.start()
    await everybody.wait()
    took = watch.rate([0.0], worlds * steps)
    times = _all(await asyncio.gather(*walks))
    p50, p95 = np.percentile(times, (50, 95)) * 1000
    return replace(took, p50_ms=float(p50), p95_ms=float(p95))


def environments(child: Child, model: str, worlds: int, steps: int) -> Rate:
    """Step a vector environment. A time is that of one step of all its worlds."""
    envs = TerrariumVectorEnv(_url(child), model, num_envs=worlds, size=SIZE, actions="box", picture=SEED)
    actions = np.zeros((worlds, len(KEYS) + 2), dtype=np.float32)
    actions[:, 0], actions[:, -2] = 1.0, 3 / 60
    try:
        envs.reset(seed=0)
        for _ in range(_WARM_UP):
            envs.step(actions)
        watch = Stopwatch(child)
        times = [_timed(lambda: envs.step(actions)) for _ in range(steps)]
        return watch.rate(times, worlds * steps)
    finally:
        envs.close()


def _url(child: Child) -> str:
    return f"http://127.0.0.1:{child.port}"


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _all(times: Iterable[list[float]]) -> list[float]:
    return [one for world in times for one in world]


def _ways(engine: WorldEngine, child: Child, model: str, count: int, steps: int) -> dict[str, Callable[[], Rate]]:
    return {
        "whole": lambda: direct(engine, whole, count, steps),
        "drawn": lambda: direct(engine, drawn, count, steps),
        "rgb": lambda: asyncio.run(stepped(child, model, count, steps, "rgb")),
        "jpeg": lambda: asyncio.run(stepped(child, model, count, steps, "jpeg")),
        "gym": lambda: environments(child, model, count, steps),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=50, help="of each world")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engines", nargs="+", choices=list(ENGINES), default=list(ENGINES))
    asked = parser.parse_args()
    count, steps = asked.worlds, asked.steps
    engines = {model: load() for model, load in ENGINES.items() if model in asked.engines}
    with terrarium_server("--max-sessions", "12") as (child, _):
        for model, engine in engines.items():
            ways = _ways(engine, child, model, count, steps)
            rounds = [{name: run() for name, run in ways.items()} for _ in range(asked.rounds)]
            print(f"{model}, {count} worlds, {steps} steps of each, median of {asked.rounds} rounds")
            for name in ways:
                rates = [each[name] for each in rounds]
                shares = [each[name].steps_per_s / each["whole"].steps_per_s for each in rounds]
                print(
                    f"  {name:6} {_median(one.steps_per_s for one in rates):7.1f} steps/s"
                    f"   {statistics.median(shares):6.2f} of whole"
                    f"   p50 {_median(one.p50_ms for one in rates):7.1f} ms"
                    f"   p95 {_median(one.p95_ms for one in rates):7.1f} ms"
                    f"   CPU {_median(one.cpu_ms for one in rates):6.2f} ms"
                )
    return 0


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


if __name__ == "__main__":
    raise SystemExit(main())
