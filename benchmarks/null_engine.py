"""A world engine that costs nearly nothing: it returns precomputed passes, at once or after a pause."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Final

from services.world_engine.catalogue import CatalogueEntry
from services.world_engine.engine_card import EngineMemory
from services.world_engine.world_engine import WorldSnapshot, WorldSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.scenery import SceneSpec
    from services.world_engine.engine_card import LoadReport
    from services.world_engine.world_engine import ControlPayload, Frames, Picture

INSTANT: Final = "benchmark/instant"
SLOW: Final = "benchmark/40ms"
_SLOW_STEP_S: Final = 0.040


class NullWorld:
    """Repeats the same passes, whatever is pressed."""

    def __init__(self, spec: WorldSpec, passes: Sequence[Frames], step_s: float) -> None:
        self._spec = spec
        self._passes = itertools.cycle(passes)
        self._step_s = step_s

    def step(self, control: ControlPayload) -> Frames:
        del control
        if self._step_s:
            time.sleep(self._step_s)
        return next(self._passes).copy()  # a model would return new memory too

    def continue_from(self, picture: Picture) -> None:
        del picture

    def snapshot(self) -> WorldSnapshot:
        return WorldSnapshot(self._spec.model_id, self._spec.weights_hash, b"")

    def restore(self, snapshot: WorldSnapshot) -> None:
        del snapshot

    def close(self) -> None:
        pass


class NullEngine:
    def __init__(self, spec: WorldSpec, passes: Sequence[Frames], step_s: float) -> None:
        self._spec = spec
        self._passes = passes
        self._step_s = step_s

    @property
    def spec(self) -> WorldSpec:
        return self._spec

    def open_world(self, seed: Picture, *, rng_seed: int) -> NullWorld:
        del seed, rng_seed
        return NullWorld(self._spec, self._passes, self._step_s)

    def close(self) -> None:
        pass


def null_entries(scene: SceneSpec, passes: Sequence[Frames]) -> list[CatalogueEntry]:
    """The engine that answers at once, and the one that takes 40 ms per pass."""
    return [_entry(INSTANT, scene, passes, 0.0), _entry(SLOW, scene, passes, _SLOW_STEP_S)]


def _entry(model_id: str, scene: SceneSpec, passes: Sequence[Frames], step_s: float) -> CatalogueEntry:
    spec = WorldSpec(
        model_id=model_id,
        title=model_id,
        height=scene.height,
        width=scene.width,
        frames_per_pass=scene.frames_per_pass,
        fps=scene.fps,
        weights_hash="0",
    )

    def load(quant: str, report: LoadReport) -> NullEngine:
        del quant, report
        return NullEngine(spec, passes, step_s)

    return CatalogueEntry(
        model_id=model_id,
        title=model_id,
        description="Precomputed frames.",
        model_type="benchmark",
        licence="Apache-2.0",
        quants=("none",),
        placement="cpu",
        size_bytes=None,
        memory=EngineMemory(ram=0),
        frames_per_pass=scene.frames_per_pass,
        fps=scene.fps,
        load=load,
    )
