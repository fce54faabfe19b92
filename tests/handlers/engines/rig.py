"""A pool of engines and the residency of models on a device of known size, without a server around them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, TypeVar

from handlers.base import StateChanges
from handlers.engines.fitting import EngineNeedsBook
from handlers.engines.ledger import MemoryLedger
from handlers.engines.meter import LoadMeter
from handlers.engines.pool import EnginePool
from handlers.engines.residency import ModelResidency
from runtime_config.authoring_config import AuthoringConfig
from runtime_config.current import Current
from services.metrics.prometheus_metrics import PrometheusMetrics
from services.task_runner.threading_task_runner import ThreadingTaskRunner
from services.world_engine.catalogue import WorldEngineCatalogue
from state.app_state_types import AppState, EngineKey, EngineLoading, EngineParking, EngineState, EngineUnloading
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_device import FakeDevice, FakeModelOnDevice
from tests.fakes.fake_engine_measurements import FakeEngineMeasurements
from tests.fakes.fake_image_classifier import FakeImageClassifier
from tests.fakes.fake_image_editor import FakeImageEditor
from tests.fakes.fake_prompt_writer import FakePromptWriter
from tests.fakes.fake_video_pipeline import FakeVideoPipeline

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine

    from handlers.engines.lease import EngineLease

POND, LAKE, HILL, DUNE = (EngineKey(f"fake/{name}", "none") for name in ("pond", "lake", "hill", "dune"))
WAIT_S: Final = 20.0
Result = TypeVar("Result")


class Rig:
    """A pond on the CPU; a lake, with room for one world, a hill and a dune, which want the device. Sizes in GiB.

    The dune takes `dune_ram` of the host's memory, and the others none of it while they are on the device.

    The image model is on this machine; the writer only with `local_writer`.
    """

    def __init__(
        self,
        *,
        vram: float = 20,
        max_worlds: int | None = 1,
        local_writer: bool = False,
        least_rate_percent: Current[int] | None = None,
        parked_bytes: int | None = None,
        ram: float = 64,
        can_park: bool = False,
        dune_ram: float = 0,
    ) -> None:
        self.device = FakeDevice(vram=vram, ram=ram)
        self.pond = FakeModel(POND.model_id)
        self.lake = self.device.engine(LAKE.model_id, vram=12, max_worlds=max_worlds, can_park=can_park)
        self.hill = self.device.engine(HILL.model_id, vram=12, can_park=can_park)
        self.dune = self.device.engine(DUNE.model_id, vram=12, ram=dune_ram, can_park=can_park)
        self.painter = FakeModelOnDevice(self.device, "painter", weights=16, largest=8, work=2)
        self.writer = FakeModelOnDevice(self.device, "writer", weights=9, largest=9, work=1)
        self.filmer = FakeModelOnDevice(self.device, "filmer", weights=16, largest=8, work=2)
        self.films = FakeVideoPipeline(model=self.filmer)
        self.editor = FakeImageEditor(model=self.painter)
        self.state, self.lock, self.changes, self.clock = AppState(), RLock(), StateChanges(), FakeClock()
        self.threads = ThreadPoolExecutor(2)
        self.classifier = FakeImageClassifier()
        catalogue = WorldEngineCatalogue([model.entry for model in (self.pond, self.lake, self.hill, self.dune)])
        self.idle_s: float | None = None
        self.asked_for_memory: list[int] = []  # an entry each time that what is kept for later had to go
        self.needs = EngineNeedsBook(FakeEngineMeasurements(), self.device)
        self.meter = LoadMeter(self.device, self.needs)
        self.ledger = MemoryLedger(
            self.state,
            self.lock,
            catalogue=catalogue,
            monitor=self.device,
            classifier=self.classifier,
            writer=FakePromptWriter(model=self.writer if local_writer else None),
            editor=self.editor,
            films=self.films,
            config=Current.fixed(AuthoringConfig(local_images="auto", local_writer="auto")),
            clock=self.clock,
            changes=self.changes,
            needs=self.needs,
            free_memory=lambda: self.asked_for_memory.append(self.device.ram),
        )
        self.parked_bytes = parked_bytes
        self.runner = ThreadingTaskRunner(lambda _name, _error: None)
        self.pool = EnginePool(
            self.state,
            self.lock,
            catalogue=catalogue,
            task_runner=self.runner,
            clock=self.clock,
            metrics=PrometheusMetrics(),
            memory=self.ledger,
            meter=self.meter,
            needs=self.needs,
            changes=self.changes,
            idle_s=Current(lambda: self.idle_s),
            least_rate_percent=least_rate_percent or Current.fixed(80),
            parked_bytes=Current(lambda: self.parked_bytes),
        )
        self.residency = ModelResidency(
            self.state,
            self.lock,
            ledger=self.ledger,
            device=self.pool.device,
            parked=self.pool.parked,
            classifier=self.classifier,
            work_threads=self.threads,
            clock=self.clock,
            changes=self.changes,
        )

    @asynccontextmanager
    async def lease(self, key: EngineKey, session: str = "player") -> AsyncGenerator[EngineLease]:
        async with asyncio.timeout(WAIT_S), self.pool.lease(key, session) as lease:
            yield lease

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not is_so():  # noqa: ASYNC110 - the pool announces no more than what its own callers wait for
                await asyncio.sleep(0.001)

    async def settled(self, *keys: EngineKey) -> list[EngineState]:
        """The states of engines once none of them is on its way."""
        on_their_way = (EngineLoading, EngineUnloading, EngineParking)
        await self.until(lambda: not any(isinstance(self.pool.of(key), on_their_way) for key in keys))
        return [self.pool.of(key) for key in keys]


def run(main: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    async def bounded() -> Result:
        return await asyncio.wait_for(main(), 3 * WAIT_S)

    return asyncio.run(bounded())
