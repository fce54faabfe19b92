"""How many frames a second eight worlds of an engine have, when two threads step them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, NamedTuple

from services.world_engine.world_engine import ControlPayload
from wire_protocol import KEY_CODES

if TYPE_CHECKING:
    from services.world_engine.world_engine import World, WorldEngine
    from training.evaluation.trials import Picture

_CROWD: Final = 8
THREADS: Final = 2
_WARM_UP: Final = 3  # passes
_MOUSE: Final = 90.0  # pixels a second


class Crowd(NamedTuple):
    worlds: int  # as many as the engine has room for, at most eight
    frames_per_s: float  # of each


def measure_crowd(engine: WorldEngine, seed: Picture, frames: int) -> Crowd:
    """Walk on in every world, with a slow turn, for that many frames of each."""
    spec = engine.spec
    count = _CROWD if spec.max_worlds is None else min(_CROWD, spec.max_worlds)
    passes = max(1, frames // spec.frames_per_pass)
    hand = ControlPayload(frozenset({KEY_CODES["W"]}), _MOUSE * spec.pass_interval_s, 0.0)
    worlds: list[World] = []
    try:
        for number in range(count):
            worlds.append(engine.open_world(seed, rng_seed=number))
            _walk_on(worlds[-1], hand, _WARM_UP)
        with ThreadPoolExecutor(THREADS) as threads:
            begun = time.perf_counter()
            for done in [threads.submit(_walk_on, world, hand, passes) for world in worlds]:
                done.result()
            lasted = time.perf_counter() - begun
    finally:
        for world in worlds:
            world.close()
    return Crowd(count, passes * spec.frames_per_pass / lasted)


def _walk_on(world: World, hand: ControlPayload, passes: int) -> None:
    for _ in range(passes):
        world.step(hand)
