"""The moments of a world that its player chose to keep, in memory."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from error_types import DomainError, ErrorCode

if TYPE_CHECKING:
    from services.world_engine.world_engine import WorldSnapshot


@dataclass(frozen=True, slots=True)
class KeptSnapshot:
    """`jpeg` is the last frame that was made before it."""

    snapshot: WorldSnapshot
    jpeg: bytes


class SnapshotShelf:
    """The newest `capacity` of them; ids count up and are never used again."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[str, KeptSnapshot] = OrderedDict()
        self._taken = 0

    def keep(self, snapshot: KeptSnapshot) -> str:
        self._taken += 1
        snapshot_id = str(self._taken)
        self._kept[snapshot_id] = snapshot
        if len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        return snapshot_id

    def find(self, snapshot_id: str) -> KeptSnapshot:
        kept = self._kept.get(snapshot_id)
        if kept is None:
            raise DomainError("That moment is no longer kept.", ErrorCode.SNAPSHOT_UNKNOWN)
        return kept

    def ids(self) -> tuple[str, ...]:
        return tuple(self._kept)

    def clear(self) -> None:
        self._kept.clear()
