"""How fast a world model runs on this machine: a world that nobody sees is played for some seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

import numpy as np
from pydantic import StringConstraints

from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from handlers.engines.spare_time import WantedError
from handlers.jobs.executor import AfterRestart, JobExecutor, JobRequest, Made
from services.engine_measurements.engine_measurements import Pace
from services.outlasting import unstoppable
from services.world_engine.world_engine import NO_CONTROL, ControlPayload
from wire_protocol import KEY_CODES

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from access_rules import Visitor
    from handlers.engines.fitting import EngineNeedsBook
    from handlers.engines.lease import EngineLease
    from handlers.engines.pool import EnginePool
    from handlers.engines.spare_time import SpareTime
    from handlers.jobs.executor import Resource, RunningJob
    from handlers.library.engines import LibraryEngines
    from services.clock.clock import Clock
    from services.world_engine.world_engine import Picture, World, WorldEngine, WorldSpec
    from state.app_state_types import EngineKey

_WARM_UP_STEPS: Final = 3
_LEAST_STEPS: Final = 8  # of an engine that takes seconds for each
_MOST_STEPS: Final = 600  # of a quick one, which is known well by then
_PLAYED_S: Final = 5.0
_LIMIT_S: Final = 3600.0  # with the wait for those who play
_FORWARD: Final = ControlPayload(buttons=frozenset({KEY_CODES["W"]}), mouse_dx=2.0, mouse_dy=0.0)


class BenchmarkRequest(JobRequest):
    """`quant`: the model's first one, if none is named."""

    model: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    quant: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = None


class BenchmarkExecutor(JobExecutor):
    """It has a lease that gives way: whoever comes to play gets the engine, or its device, after the step at hand."""

    kind = "benchmark"
    resource: Resource = "models"
    limit_s = _LIMIT_S
    request_model = BenchmarkRequest
    stages = ("waiting", "loading", "playing")
    after_restart = AfterRestart.BEGINS_AGAIN

    def __init__(
        self,
        pool: EnginePool,
        library: LibraryEngines,
        book: EngineNeedsBook,
        *,
        spare_time: SpareTime,
        engine_threads: Executor,
        clock: Clock,
    ) -> None:
        self._pool = pool
        self._library = library
        self._book = book
        self._spare_time = spare_time
        self._threads = engine_threads
        self._clock = clock

    async def check(self, visitor: Visitor, request: BenchmarkRequest) -> None:
        del visitor
        entry = self._pool.entry(request.model)
        self._library.key_of(entry, request.quant)
        if entry.missing is not None:
            raise DomainError(entry.missing, ErrorCode.MODEL_LOAD_FAILED)

    async def run(self, request: BenchmarkRequest, running: RunningJob) -> Made:
        key = self._library.key_of(self._pool.entry(request.model), request.quant)
        pace: Pace | None = None
        while pace is None:
            running.tell("waiting")
            await self._spare_time.comes(key)
            running.tell("loading")
            pace = await self._try(key, running)
        measured = replace(await in_thread(self._threads, lambda: self._book.measured(key)), pace=pace)
        await in_thread(self._threads, lambda: self._book.keep(key, measured))
        return Made(
            {
                "model": key.model_id,
                "quant": key.quant,
                "fps": pace.fps,
                "step_p50_ms": pace.step_p50_ms,
                "step_p95_ms": pace.step_p95_ms,
                "ram_bytes": measured.ram,
                "vram_bytes": measured.vram,
            }
        )

    async def _try(self, key: EngineKey, running: RunningJob) -> Pace | None:
        """None: somebody came to play."""
        try:
            async with self._spare_time.lease(key, f"benchmark {running.job.id}") as lease:
                return await self._play(key, lease, running)
        except WantedError:
            return None

    async def _play(self, key: EngineKey, lease: EngineLease, running: RunningJob) -> Pace | None:
        engine = lease.engine
        opening = in_thread(self._threads, lambda: _open(engine))
        world = await unstoppable(opening, undo=lambda opened: in_thread(self._threads, opened.close))
        try:
            for _ in range(_WARM_UP_STEPS):
                await in_thread(self._threads, lambda: world.step(NO_CONTROL))
            return await self._steps(key, engine.spec, world, running)
        finally:
            await unstoppable(in_thread(self._threads, world.close))

    async def _steps(self, key: EngineKey, spec: WorldSpec, world: World, running: RunningJob) -> Pace | None:
        steps_s: list[float] = []
        began = self._clock.monotonic()
        while len(steps_s) < _MOST_STEPS:
            played_s = self._clock.monotonic() - began
            if played_s >= _PLAYED_S and len(steps_s) >= _LEAST_STEPS:
                break
            if self._spare_time.is_over(key):
                return None
            running.tell("playing", min(1.0, played_s / _PLAYED_S))
            steps_s.append(await in_thread(self._threads, lambda: self._timed(world)))
        return _pace_of(spec, steps_s)

    def _timed(self, world: World) -> float:
        began = self._clock.monotonic()
        world.step(_FORWARD)
        return self._clock.monotonic() - began


def _open(engine: WorldEngine) -> World:
    return engine.open_world(_view(engine.spec), rng_seed=1)


def _view(spec: WorldSpec) -> Picture:
    """Sky above ground, with some grain: what an engine does with it does not depend on what a person likes."""
    rows = np.linspace(220, 60, spec.height, dtype=np.float32)[:, None, None]
    grain = np.random.default_rng(1).normal(0, 12, (spec.height, spec.width, 3))
    return np.clip(rows + grain, 0, 255).astype(np.uint8)


def _pace_of(spec: WorldSpec, steps_s: list[float]) -> Pace:
    p50, p95 = (float(value) for value in np.percentile(steps_s, (50, 95)))
    mean = max(1e-9, sum(steps_s) / len(steps_s))
    return Pace(
        fps=round(spec.frames_per_pass / mean, 2), step_p50_ms=round(p50 * 1000, 3), step_p95_ms=round(p95 * 1000, 3)
    )
