"""What a session has of an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.world_engine.world_engine import WorldEngine
    from state.app_state_types import EngineKey, Lease, SessionId


class LeaseError(RuntimeError):
    """An engine was used through a lease that does not have it in memory: a defect of the caller."""


class EngineLease:
    """The right of a session to one open world in an engine. It ends with the block of `EnginePool.lease`."""

    def __init__(self, engine_of: Callable[[EngineKey, Lease], WorldEngine], key: EngineKey, lease: Lease) -> None:
        self._engine_of = engine_of
        self._lease = lease
        self.key = key

    @property
    def id(self) -> int:
        return self._lease.id

    @property
    def session(self) -> SessionId:
        return self._lease.session

    @property
    def engine(self) -> WorldEngine:
        """Raises: LeaseError, the engine is offloaded, or the lease was given back."""
        return self._engine_of(self.key, self._lease)
