"""Who may have the device: it holds one engine at a time. Decisions on states alone; the pool acts on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from error_types import DomainError, ErrorCode
from state.app_state_types import (
    EngineFailed,
    EngineKey,
    EngineLoading,
    EngineOffloaded,
    EngineReady,
    EngineState,
    EngineUnloading,
    SessionId,
    leases_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from services.world_engine.catalogue import CatalogueEntry, WorldEngineCatalogue

OnDevice: TypeAlias = "list[tuple[EngineKey, EngineState]]"


@dataclass(frozen=True, slots=True)
class Free:
    pass


@dataclass(frozen=True, slots=True)
class Taken:
    """Sessions use `key` there."""

    key: EngineKey


@dataclass(frozen=True, slots=True)
class Moving:
    """An engine that nobody holds is being loaded or unloaded there."""


@dataclass(frozen=True, slots=True)
class Idle:
    """`key` is there, and nobody holds it."""

    key: EngineKey


Occupancy: TypeAlias = Free | Taken | Moving | Idle


def on_device(engines: Mapping[EngineKey, EngineState], catalogue: WorldEngineCatalogue) -> OnDevice:
    """The engines that have the device, are on their way there, or have been offloaded from it."""
    found: OnDevice = []
    for key, state in engines.items():
        entry = catalogue.find(key.model_id)
        if entry is not None and entry.placement == "device" and not isinstance(state, EngineFailed):
            found.append((key, state))
    return found


def occupancy(others: Iterable[tuple[EngineKey, EngineState]], session: SessionId | None) -> Occupancy:
    """What is in the way of `session`, which wants the device for something else than `others`.

    What a session has offloaded itself is not in its way.
    """
    others = list(others)
    for key, state in others:
        holders = {lease.session for lease in leases_of(state)}
        is_own = isinstance(state, EngineUnloading | EngineOffloaded) and holders == {session}
        if holders and not is_own:
            return Taken(key)
    if any(isinstance(state, EngineLoading | EngineUnloading) for _, state in others):
        return Moving()
    idle = [key for key, state in others if isinstance(state, EngineReady)]
    return Idle(idle[0]) if idle else Free()


def is_kept_for_another(others: Iterable[tuple[EngineKey, EngineState]], session: SessionId) -> bool:
    """Whether another session has offloaded one of `others`, and may want the device back for it."""
    return any(
        isinstance(state, EngineUnloading | EngineOffloaded)
        and any(lease.session != session for lease in leases_of(state))
        for _, state in others
    )


def device_busy(entry: CatalogueEntry) -> DomainError:
    return DomainError(
        f"The device is in use by {entry.model_id}. Try again when its sessions have ended.", ErrorCode.MODEL_BUSY
    )
