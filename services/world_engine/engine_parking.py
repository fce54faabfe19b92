"""Engines that can leave their device for host memory, from where they come back without a load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeGuard, runtime_checkable

from services.world_engine.world_engine import WorldEngine

if TYPE_CHECKING:
    from collections.abc import Callable


class ParkableEngine(WorldEngine, Protocol):
    """Its spec has `can_park`. Between `park` and `resume` nothing but `close` is called."""

    def park(self) -> None:
        """Give back what the engine has of its device, and keep in host memory what `resume` needs.

        The caller has closed its worlds before. An engine that raises has to be closed.
        """
        ...

    def resume(self) -> None:
        """Be as after the load: the same worlds give the same frames. An engine that raises has to be closed.

        Raises:
            EngineOutOfMemoryError: the device has no room by now.
        """
        ...


@runtime_checkable
class MortalEngine(Protocol):
    """An engine that can end without being asked to, as the process can that it lives in."""

    def when_ended(self, tell: Callable[[], None]) -> None:
        """Have `tell` called once the engine has ended, on any thread; at once if it has. Only the last one is."""
        ...


def can_park(engine: WorldEngine) -> TypeGuard[ParkableEngine]:
    return engine.spec.can_park and hasattr(engine, "park")
