"""What the server says of its own condition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api_types import Capabilities, HealthResponse, SafetyHealth, WorldEngineHealth
from handlers.base import StateHandler, with_state_lock
from runtime_config.constants import VERSION
from state.app_state_types import AppState, EngineReady, Paused, Playing, Serving
from wire_protocol import SERVED_BACKEND

if TYPE_CHECKING:
    from threading import RLock

    from handlers.safety_handler import SafetyHandler
    from runtime_config.runtime_config import RuntimeConfig
    from services.world_engine.catalogue import WorldEngineCatalogue


class HealthHandler(StateHandler):
    def __init__(
        self,
        state: AppState,
        lock: RLock,
        *,
        config: RuntimeConfig,
        catalogue: WorldEngineCatalogue,
        safety: SafetyHandler,
    ) -> None:
        super().__init__(state, lock)
        self._config = config
        self._catalogue = catalogue
        self._safety = safety

    def get_health(self) -> HealthResponse:
        reason = self._safety.missing_reason()
        started, engine = self._condition()
        return HealthResponse(
            startup_complete=started,
            world_engine=engine,
            safety=SafetyHealth(loaded=reason is None, policy=self._safety.policy, reason=reason),
            capabilities=self._capabilities(),
            launched_from_standalone=self._config.launched_from_standalone,
            version=VERSION,
            default_model=self._catalogue.default.model_id,
        )

    @with_state_lock
    def _condition(self) -> tuple[bool, WorldEngineHealth]:
        loaded = any(isinstance(state, EngineReady) for state in self._state.engines.values())
        seeded = any(isinstance(record.state, Playing | Paused) for record in self._state.sessions.values())
        engine = WorldEngineHealth(loaded=loaded, warmed_up=loaded, has_seed=seeded)
        return isinstance(self._state.lifecycle, Serving), engine

    def _capabilities(self) -> Capabilities:
        """The stock client wants a key for every backend it knows, and a quantisation for each that is offered."""
        quants = dict.fromkeys(quant for entry in self._catalogue.entries() for quant in entry.quants)
        return Capabilities(backends=[SERVED_BACKEND], quants={SERVED_BACKEND: list(quants), "quark": []})
