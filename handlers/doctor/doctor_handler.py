"""The doctor of a server that runs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from handlers.base import StateHandler, with_state_lock
from handlers.doctor.doctor import Doctor, Installation
from handlers.doctor.port import OwnPort
from handlers.doctor.response import response_of
from state.app_state_types import EngineLoading, EngineReady

if TYPE_CHECKING:
    from threading import RLock

    from api_types import DoctorResponse
    from handlers.settings.settings_handler import SettingsHandler
    from services.world_engine.catalogue import WorldEngineCatalogue
    from state.app_state_types import AppState


class DoctorHandler(StateHandler):
    def __init__(
        self,
        state: AppState,
        lock: RLock,
        *,
        doctor: Doctor,
        settings: SettingsHandler,
        catalogue: WorldEngineCatalogue,
    ) -> None:
        super().__init__(state, lock)
        self._doctor = doctor
        self._settings = settings
        self._catalogue = catalogue
        self._one_at_a_time = threading.Lock()

    def examine(self) -> DoctorResponse:
        """Blocks for some seconds; those who ask meanwhile wait for their turn."""
        config, faults = self._settings.current.now, self._settings.faults()
        with self._one_at_a_time:
            installation = Installation(
                config,
                OwnPort(config.access.host, config.access.port),
                refusal=str(faults[0]) if faults else None,
                is_card_in_use=self._has_engine_on_card(),
            )
            return response_of(self._doctor.examine(installation))

    @with_state_lock
    def _has_engine_on_card(self) -> bool:
        return any(
            isinstance(state, EngineLoading | EngineReady)
            and (entry := self._catalogue.find(key.model_id)) is not None
            and entry.placement == "device"
            for key, state in self._state.engines.items()
        )
