"""AppHandler: the one object that routes talk to. It owns AppState, its lock, and everything built on them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING

from handlers.engines_handler import EnginesHandler
from handlers.health_handler import HealthHandler
from handlers.lifecycle_handler import LifecycleHandler
from handlers.models_handler import ModelsHandler
from handlers.play_handler import PlayHandler
from handlers.safety_handler import SafetyHandler
from handlers.seeds_handler import SeedsHandler
from handlers.session.context import PlayContext
from handlers.sessions_handler import SessionsHandler
from handlers.system_info_handler import SystemInfoHandler
from handlers.threads import in_thread
from services.world_engine.catalogue import WorldEngineCatalogue
from state.app_state_types import AppState

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runtime_config.runtime_config import RuntimeConfig
    from services.clock.clock import Clock
    from services.frame_encoder.frame_encoder import FrameEncoder
    from services.image_classifier.image_classifier import ImageClassifier
    from services.log_stream.log_stream import LogStream
    from services.metrics.metrics import Metrics
    from services.model_hub.model_hub import ModelHub
    from services.picture_decoder.picture_decoder import PictureDecoder
    from services.seed_store.seed_store import SeedStore
    from services.system_monitor.system_monitor import SystemMonitor
    from services.task_runner.task_runner import TaskRunner

_LOAD_PATIENCE_S = 1.0  # for a model that still loads when the server stops


@dataclass(frozen=True, slots=True)
class ServiceBundle:
    """Every side effect of the server. Tests swap fakes in here, and nowhere else."""

    catalogue: WorldEngineCatalogue
    frame_encoder: FrameEncoder
    image_classifier: ImageClassifier
    picture_decoder: PictureDecoder
    seed_store: SeedStore
    model_hub: ModelHub
    system_monitor: SystemMonitor
    metrics: Metrics
    log_stream: LogStream
    task_runner: TaskRunner
    clock: Clock


class AppHandler:
    """Handlers by domain, wired once. `running` opens and closes what lives as long as the server."""

    def __init__(self, config: RuntimeConfig, services: ServiceBundle) -> None:
        self.config = config
        self.services = services
        self._lock = RLock()
        self._state = build_initial_state()
        self._engine_threads = ThreadPoolExecutor(config.max_sessions, thread_name_prefix="engine")
        self._work_threads = ThreadPoolExecutor(4, thread_name_prefix="work")

        self.lifecycle = LifecycleHandler(self._state, self._lock)
        self.sessions = SessionsHandler(self._state, self._lock, services.clock, config.max_sessions)
        self.engines = EnginesHandler(
            self._state,
            self._lock,
            catalogue=services.catalogue,
            task_runner=services.task_runner,
            clock=services.clock,
            metrics=services.metrics,
        )
        self.safety = SafetyHandler(config.seed_safety, services.image_classifier, services.seed_store)
        self.seeds = SeedsHandler(
            services.seed_store, services.picture_decoder, self._work_threads, config.max_upload_bytes
        )
        self.models = ModelsHandler(services.catalogue, services.model_hub, self.engines)
        self.system_info = SystemInfoHandler(services.system_monitor)
        self.health = HealthHandler(
            self._state, self._lock, config=config, catalogue=services.catalogue, safety=self.safety
        )
        self.metrics = services.metrics
        self.play = PlayHandler(self._play_context(), services.log_stream)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """From here to the end of the block the server serves. Sessions end before what they need is closed."""
        async with AsyncExitStack() as stack:
            stack.callback(self._engine_threads.shutdown, wait=False, cancel_futures=True)
            stack.callback(self._work_threads.shutdown, wait=False, cancel_futures=True)
            stack.callback(self.services.frame_encoder.close)
            stack.push_async_callback(self._close_engines)
            stack.callback(self.services.task_runner.close, _LOAD_PATIENCE_S)
            stack.push_async_callback(self.drain)
            self.lifecycle.serving()
            yield

    async def drain(self) -> None:
        """Say farewell to every session and wait for their ends. Idempotent."""
        self.lifecycle.stopping()
        await self.play.drain()

    async def _close_engines(self) -> None:
        for engine in self.engines.take_all():
            await in_thread(self._work_threads, engine.close)

    def _play_context(self) -> PlayContext:
        return PlayContext(
            config=self.config,
            sessions=self.sessions,
            engines=self.engines,
            seeds=self.seeds,
            safety=self.safety,
            encoder=self.services.frame_encoder,
            system_info=self.system_info,
            metrics=self.services.metrics,
            clock=self.services.clock,
            engine_threads=self._engine_threads,
            work_threads=self._work_threads,
        )


def build_initial_state() -> AppState:
    return AppState()


def build_default_service_bundle(config: RuntimeConfig, log_stream: LogStream) -> ServiceBundle:
    """The real services. What is heavy is imported here, so that importing this module stays cheap."""
    import os

    from logging_policy import log_background_exception
    from runtime_config.constants import SHIPPED_SEEDS_DIR
    from services.clock.system_clock import SystemClock
    from services.frame_encoder.simple_jpeg_encoder import SimpleJpegEncoder
    from services.image_classifier.unconfigured_image_classifier import UnconfiguredImageClassifier
    from services.metrics.prometheus_metrics import PrometheusMetrics
    from services.model_hub.local_model_hub import LocalModelHub, default_cache_dir
    from services.picture_decoder.pillow_picture_decoder import PillowPictureDecoder
    from services.seed_store.directory_seed_store import DirectorySeedStore
    from services.system_monitor.psutil_system_monitor import PsutilSystemMonitor
    from services.task_runner.threading_task_runner import ThreadingTaskRunner
    from services.world_engine.diorama.entry import diorama_entry
    from services.world_engine.simulator.entry import simulator_entry

    simulator = simulator_entry()
    return ServiceBundle(
        catalogue=WorldEngineCatalogue([diorama_entry(), *([simulator] if simulator else [])]),
        frame_encoder=SimpleJpegEncoder(config.jpeg.threads or min(4, os.cpu_count() or 1)),
        image_classifier=UnconfiguredImageClassifier(),
        picture_decoder=PillowPictureDecoder(),
        seed_store=DirectorySeedStore(SHIPPED_SEEDS_DIR, config.data_dir, config.max_uploaded_seeds),
        model_hub=LocalModelHub(default_cache_dir(os.environ)),
        system_monitor=PsutilSystemMonitor(),
        metrics=PrometheusMetrics(),
        log_stream=log_stream,
        task_runner=ThreadingTaskRunner(log_background_exception),
        clock=SystemClock(),
    )


def build_app_handler(config: RuntimeConfig, log_stream: LogStream) -> AppHandler:
    return AppHandler(config, build_default_service_bundle(config, log_stream))
