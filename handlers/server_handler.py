"""The server about itself: whether it starts, serves or stops, how it is, and what machine it runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from access_rules import OWNERS, refusal
from api_types import (
    AuthoringHealth,
    Capabilities,
    HealthResponse,
    MemoryHealth,
    ModelPlacement,
    SafetyHealth,
    SettingsFaultHealth,
    ShutdownResponse,
    WorldEngineHealth,
)
from error_types import DomainError, ErrorCode
from handlers.authoring_handler import AuthoringAvailable, AuthoringUnavailable, availability_in
from handlers.base import StateHandler, with_state_lock
from runtime_config.constants import VERSION
from services.image_classifier.image_classifier import ClassifierFailing, ClassifierMissing, ClassifierReady
from services.memory_planner.memory_plan import InsteadOfEngine, MemoryPlan, NoRoom, Offloaded, OnCpu, Resident
from state.app_state_types import AppState, EngineParked, EngineReady, Paused, Playing, Serving, Stopping
from state.events import ServingBegan, StopBegan
from state.transitions import lifecycle_event
from wire_protocol import SERVED_BACKEND, ErrorSnapshot, SystemInfo

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import RLock

    from access_rules import Visitor
    from handlers.engines.residency import ModelResidency, ModelsReport
    from handlers.safety_handler import SafetyHandler
    from handlers.settings.settings_handler import SettingsHandler
    from services.metrics.metrics import Metrics
    from services.system_monitor.system_monitor import SystemMonitor
    from services.world_engine.catalogue import WorldEngineCatalogue

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class ServerHandler(StateHandler):
    def __init__(
        self,
        state: AppState,
        lock: RLock,
        *,
        settings: SettingsHandler,
        catalogue: WorldEngineCatalogue,
        safety: SafetyHandler,
        residency: ModelResidency,
        monitor: SystemMonitor,
        metrics: Metrics,
    ) -> None:
        super().__init__(state, lock)
        self._settings = settings
        self._from_standalone = settings.current.now.launched_from_standalone
        self._catalogue = catalogue
        self._safety = safety
        self._residency = residency
        self._monitor = monitor
        self._metrics = metrics
        self._request_exit: Callable[[], None] | None = None

    # ------------------------------------------------------------------------------------------ its life

    def attach(self, request_exit: Callable[[], None]) -> None:
        """Name what stops the process; without it, `request_shutdown` has nothing to ask."""
        self._request_exit = request_exit

    @with_state_lock
    def serving(self) -> None:
        lifecycle_event(self._state, ServingBegan())

    @with_state_lock
    def stopping(self) -> bool:
        """No session is admitted from here on; whether this is news."""
        if isinstance(self._state.lifecycle, Stopping):
            return False
        lifecycle_event(self._state, StopBegan())
        return True

    def request_shutdown(self) -> ShutdownResponse:
        """Ask the process to stop; sessions are told by the drain that follows.

        Raises:
            DomainError: nothing that could stop is attached.
        """
        if self._request_exit is None:
            raise DomainError("This server cannot be stopped from here.", ErrorCode.SERVICE_UNAVAILABLE)
        if not self.stopping():
            return ShutdownResponse(status="already_shutting_down")
        logger.info("Shutdown requested")
        self._request_exit()
        return ShutdownResponse(status="shutting_down")

    # ---------------------------------------------------------------------------------------- its machine

    def get_system_info(self) -> SystemInfo:
        machine = self._monitor.machine()
        return SystemInfo(
            cpu_name=machine.cpu_name,
            gpu_name=machine.gpu_name,
            vram_total_bytes=machine.vram_total_bytes,
            runtime_version=machine.runtime_version,
            driver_version=machine.driver_version,
            torch_version=machine.torch_version,
            gpu_count=machine.gpu_count,
        )

    def error_snapshot(self) -> ErrorSnapshot:
        """How the machine is at the moment of an error."""
        usage = self._monitor.usage()
        return ErrorSnapshot(
            process_rss_bytes=usage.process_rss_bytes,
            ram_used_bytes=usage.ram_used_bytes,
            ram_total_bytes=usage.ram_total_bytes,
            vram_used_bytes=usage.vram_used_bytes,
            vram_reserved_bytes=usage.vram_reserved_bytes,
            gpu_util_percent=usage.gpu_util_percent,
        )

    def get_metrics(self) -> tuple[bytes, str]:
        """The text for Prometheus, and its content type. Blocks: the GPU is asked what it does now."""
        usage = self._monitor.usage()
        percent = usage.gpu_util_percent
        self._metrics.gpu_sampled(usage.vram_used_bytes, None if percent is None else percent / 100)
        return self._metrics.render()

    # ----------------------------------------------------------------------------------------- its health

    def get_health(self, visitor: Visitor) -> HealthResponse:
        """Reads AppState alone, as it is called on the event loop while worlds are played."""
        started, engine = self._condition()
        report = self._residency.report()
        return HealthResponse(
            startup_complete=started,
            world_engine=engine,
            safety=self._safety_health(report),
            authoring=_authoring_health(report),
            memory=_memory_health(report),
            capabilities=self._capabilities(),
            launched_from_standalone=self._from_standalone,
            version=VERSION,
            default_model=self._catalogue.default.model_id,
            settings_fault=self._settings_fault(visitor),
        )

    def _settings_fault(self, visitor: Visitor) -> SettingsFaultHealth | None:
        """What a line of the file says is for the owner alone."""
        faults = self._settings.faults()
        if not faults:
            return None
        tells = refusal(OWNERS, visitor, ()) is None
        reason = faults[0].reason if tells else "The settings file cannot be used."
        return SettingsFaultHealth(file=faults[0].file, line=faults[0].line, reason=reason)

    @with_state_lock
    def _condition(self) -> tuple[bool, WorldEngineHealth]:
        engines = self._state.engines.values()
        loaded = any(isinstance(state, EngineReady) for state in engines)
        parked = sum(isinstance(state, EngineParked) for state in engines)
        seeded = any(isinstance(record.state, Playing | Paused) for record in self._state.sessions.values())
        engine = WorldEngineHealth(loaded=loaded, warmed_up=loaded, has_seed=seeded, parked=parked)
        return isinstance(self._state.lifecycle, Serving), engine

    def _safety_health(self, report: ModelsReport) -> SafetyHealth:
        policy = self._safety.policy
        match report.classifier:
            case ClassifierReady(revision):
                return SafetyHealth(loaded=True, policy=policy, reason=None, revision=revision)
            case ClassifierFailing(revision, reason):
                return SafetyHealth(loaded=False, policy=policy, reason=reason, revision=revision)
            case ClassifierMissing(reason):
                return SafetyHealth(loaded=False, policy=policy, reason=reason, revision=None)

    def _capabilities(self) -> Capabilities:
        """The stock client wants a key for every backend it knows, and a quantisation for each that is offered."""
        quants = dict.fromkeys(quant for entry in self._catalogue.entries() for quant in entry.quants)
        return Capabilities(backends=[SERVED_BACKEND], quants={SERVED_BACKEND: list(quants), "quark": []})


def _authoring_health(report: ModelsReport) -> AuthoringHealth:
    match availability_in(report):
        case AuthoringAvailable(writer, image_model):
            return AuthoringHealth(available=True, reason=None, writer=writer, image_model=image_model)
        case AuthoringUnavailable(reason):
            return AuthoringHealth(available=False, reason=reason, writer=None, image_model=None)


def _memory_health(report: ModelsReport) -> MemoryHealth:
    plans = report.plans
    return MemoryHealth(
        classifier=_placement(plans.classifier), writer=_placement(plans.writer), editor=_placement(plans.editor)
    )


def _placement(plan: MemoryPlan | None) -> ModelPlacement | None:
    match plan:
        case None:
            return None
        case Resident(reason):
            return ModelPlacement(choice="resident", reason=reason)
        case Offloaded(reason):
            return ModelPlacement(choice="offloaded", reason=reason)
        case OnCpu(reason):
            return ModelPlacement(choice="cpu", reason=reason)
        case InsteadOfEngine(_, reason):
            return ModelPlacement(choice="unload-engine", reason=reason)
        case NoRoom(reason):
            return ModelPlacement(choice="refused", reason=reason)
