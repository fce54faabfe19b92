"""Whether an engine has room for one more world, and who waits in line where it has none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from error_types import DomainError, ErrorCode
from handlers.engines.admission import worlds_at_rate
from services.world_engine.engine_pace import PacedEngine

if TYPE_CHECKING:
    from handlers.engines._live import LiveEngines
    from runtime_config.current import Current
    from services.world_engine.catalogue import CatalogueEntry
    from state.app_state_types import EngineKey, EngineReady, Lease


@dataclass(frozen=True, slots=True)
class Room:
    """`worlds` is how many there may be at a time, None: any number. `why` ends the sentence "It plays n worlds …"."""

    worlds: int | None
    why: str


class EngineRoom:
    """Decides from the state that it is given. The caller holds the state's lock."""

    def __init__(self, engines: LiveEngines, least_rate_percent: Current[int]) -> None:
        """`least_rate_percent`: of the model's rate, for each world; 0: nobody is kept out for the sake of it."""
        self._engines = engines
        self._least_rate_percent = least_rate_percent

    def of(self, key: EngineKey, ready: EngineReady) -> Room:
        at_rate = self._worlds_at_rate(key)
        if at_rate is not None and (ready.max_worlds is None or at_rate < ready.max_worlds):
            return Room(at_rate, f"at a time here, if each is to have {self._least_rate_percent.now} % of its rate")
        return Room(ready.max_worlds, "at a time")

    def place_in_line(self, key: EngineKey, ready: EngineReady, lease: Lease) -> int:
        """The number in line of somebody without a lease, who may not have joined it yet; 0: it is their turn."""
        room = self.of(key, ready).worlds
        if room is None:
            return 0
        ahead = ready.waiting.index(lease) if lease in ready.waiting else len(ready.waiting)
        free = max(0, room - len(ready.leases))
        return max(0, ahead + 1 - free)

    def refusal(self, entry: CatalogueEntry, key: EngineKey, ready: EngineReady, place: int) -> DomainError:
        room = self.of(key, ready)
        return DomainError(
            f"{entry.title} plays {room.worlds} world(s) {room.why}, and has them. You would be number {place} in line."
            " Try again when one ends.",
            ErrorCode.MODEL_BUSY,
        )

    def _worlds_at_rate(self, key: EngineKey) -> int | None:
        percent, live = self._least_rate_percent.now, self._engines.get(key)
        engine = live.engine
        if not percent or not isinstance(engine, PacedEngine):
            return None
        pace, known_s = engine.pace, live.known_pass_s
        if not pace.pass_s and known_s is not None:  # nobody has played since the load
            pace = replace(pace, pass_s=MappingProxyType({1: known_s}))
        return worlds_at_rate(pace, engine.spec.pass_interval_s, percent / 100)
