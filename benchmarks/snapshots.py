"""How fast a large state goes to the server's memory and back: `python -m benchmarks.snapshots [--mib N]`.

The engine is a stand-in with a state of that size in a process of its own. So this measures the way of a state, and not
the bus of a card. The bound is a plain copy of as many bytes to memory that was touched before.
"""

from __future__ import annotations

import argparse
import time
from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.null_engine import NullEngine, NullWorld
from services.engine_host.engine_host import host_engine
from services.engine_host.host_settings import HostSettings
from services.world_engine.world_engine import WorldSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from services.world_engine.engine_card import LoadReport
    from services.world_engine.world_engine import Picture, WorldSnapshot

_MIB: Final = 1 << 20
_ROUNDS: Final = 8
_KEPT: Final = 3  # checkpoints, as play keeps them
_BETWEEN_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class _State:
    whole: NDArray[np.uint8]
    is_detached: bool = False

    @property
    def size(self) -> int:
        return self.whole.nbytes

    def write(self, place: memoryview) -> None:
        np.copyto(np.frombuffer(place, np.uint8), self.whole)


class _LargeWorld(NullWorld):
    def __init__(self, spec: WorldSpec) -> None:
        super().__init__(spec, [np.zeros((1, spec.height, spec.width, 3), np.uint8)], 0.0)
        self._whole = np.ones(spec.snapshot_bytes, np.uint8)

    def copy_state(self) -> _State:
        return _State(self._whole)

    def restore(self, snapshot: WorldSnapshot) -> None:
        np.copyto(self._whole, np.frombuffer(snapshot.state, np.uint8))


class _LargeEngine(NullEngine):
    def open_world(self, seed: Picture, *, rng_seed: int) -> _LargeWorld:
        del seed, rng_seed
        return _LargeWorld(self.spec)


def load(quant: str, report: LoadReport, *, size: int) -> _LargeEngine:
    """What the host's process calls."""
    del quant, report
    return _LargeEngine(WorldSpec("benchmark/large", "Large", 8, 8, 1, 30, "0", snapshot_bytes=size), [], 0.0)


def run(size: int, rounds: int = _ROUNDS, between_s: float = _BETWEEN_S) -> dict[str, list[float]]:
    """Milliseconds of each round, by what was done."""
    here, there = np.ones(size, np.uint8), np.zeros(size, np.uint8)
    told: dict[str, list[float]] = {"a plain copy": [], "to the server's memory": [], "back": []}
    engine = host_engine("benchmarks.snapshots:load", {"size": size}, "none", lambda _: None, HostSettings("Large"))
    try:
        world = engine.open_world(np.zeros((8, 8, 3), np.uint8), rng_seed=0)
        kept: deque[WorldSnapshot] = deque(maxlen=_KEPT)
        for _ in range(rounds):
            time.sleep(between_s)
            told["a plain copy"].append(_ms(lambda: np.copyto(there, here)))
            told["to the server's memory"].append(_ms(lambda: kept.append(world.snapshot())))
            told["back"].append(_ms(lambda: world.restore(kept[-1])))
        world.close()
    finally:
        engine.close()
    return told


def _ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - started)


def render(told: dict[str, list[float]]) -> str:
    bound = median(told["a plain copy"])
    lines = ["| | first, ms | median, ms | fastest, ms | times a plain copy |", "| --- | --- | --- | --- | --- |"]
    for name, times in told.items():
        middle = median(times)
        lines.append(f"| {name} | {times[0]:.0f} | {middle:.0f} | {min(times):.0f} | {middle / bound:.1f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--mib", type=int, default=816, help="size of a state (default: %(default)s)")
    print(render(run(parser.parse_args().mib * _MIB)))


if __name__ == "__main__":
    main()
