"""How long a step takes: alone on a thread, and for eight worlds on two."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from training.evaluation.subjects import keeper_of
from training.evaluation.trials import TURN_RATE
from world_model.config import FRAME_S
from world_model.motion_step import WalkerIntent
from world_model.walker import Walker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.evaluation.trials import Picture
    from world_model.runtime import Runtime

CROWD: Final = 8  # worlds
THREADS: Final = 2
_WARM_UP: Final = 3  # steps
_INTENT: Final = WalkerIntent(forward=1.0, turn=0.3 * TURN_RATE * FRAME_S)


@dataclass(frozen=True, slots=True)
class Pace:
    p50_ms: float  # of a step, one world on one thread
    p95_ms: float
    alone_per_s: float  # frames
    crowd_per_s: float  # frames of all worlds together


def measure_pace(runtime: Runtime, first: Picture, frames: int) -> Pace:
    """`frames` frames alone, and as many of the crowd together."""
    keeper = keeper_of(runtime)
    with ThreadPoolExecutor(THREADS) as keyframes:
        return _measured([Walker(runtime, keeper, first, keyframes) for _ in range(CROWD)], frames)


def _measured(walkers: Sequence[Walker], frames: int) -> Pace:
    for walker in walkers:
        _times(walker, _WARM_UP)
    alone = _times(walkers[0], frames)
    each = max(1, frames // CROWD)
    with ThreadPoolExecutor(THREADS) as pool:
        begun = time.perf_counter()
        for done in [pool.submit(_times, walker, each) for walker in walkers]:
            done.result()
        lasted = time.perf_counter() - begun
    p50, p95 = (float(value) for value in 1000.0 * np.percentile(alone, (50.0, 95.0)))
    return Pace(p50, p95, frames / sum(alone), CROWD * each / lasted)


def _times(walker: Walker, frames: int) -> list[float]:
    """Seconds of each step."""
    times: list[float] = []
    for _ in range(frames):
        begun = time.perf_counter()
        walker.step(_INTENT)
        times.append(time.perf_counter() - begun)
    return times
