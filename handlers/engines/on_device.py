"""Whose device it is, as the planner has to know it. The caller holds the state's lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.engines.device import engines_there
from state.app_state_types import (
    DeviceReserved,
    EngineKey,
    EngineLoading,
    EngineReady,
    EngineState,
    EngineUnloaded,
    leases_of,
)

if TYPE_CHECKING:
    from services.world_engine.catalogue import CatalogueEntry, WorldEngineCatalogue
    from state.app_state_types import AppState, SessionId


@dataclass(frozen=True, slots=True)
class OnDevice:
    """The engine whose device it is. `is_offloaded`: it is out of memory, and models may be in its place."""

    entry: CatalogueEntry
    state: EngineState
    is_offloaded: bool = False

    @property
    def players(self) -> frozenset[SessionId]:
        leases = self.state.leases if isinstance(self.state, EngineReady) else ()
        return frozenset(lease.session for lease in leases if not lease.gives_way)


def on_device(state: AppState, catalogue: WorldEngineCatalogue) -> OnDevice | None:
    """The engine that has the device, or is on its way there, or would be the next; None: no engine uses it."""
    offloaded: OnDevice | None = None
    for entry, _, engine in engines_there(state.engines, catalogue):
        if isinstance(engine, EngineReady | EngineLoading):
            return OnDevice(entry, engine)
        if leases_of(engine):
            offloaded = OnDevice(entry, engine, is_offloaded=True)
    return offloaded or _next_on_device(state, catalogue)


def _next_on_device(state: AppState, catalogue: WorldEngineCatalogue) -> OnDevice | None:
    match state.reservation:
        case DeviceReserved(engine=EngineKey(model_id)) if (entry := catalogue.find(model_id)) is not None:
            return OnDevice(entry, EngineUnloaded(), is_offloaded=True)
        case _:
            default = catalogue.default
            return None if default.placement == "cpu" else OnDevice(default, EngineUnloaded())
