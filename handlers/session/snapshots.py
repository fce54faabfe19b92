"""The moments of a world that its player chose to keep, in memory."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from error_types import DomainError, ErrorCode

if TYPE_CHECKING:
    from handlers.session.journal import JournalMoment
    from services.world_engine.world_engine import Picture, WorldSnapshot


@dataclass(frozen=True, slots=True)
class KeptSnapshot:
    """`jpeg` is the last frame that was made before it, `frame` the same as the engine made it, where it is known."""

    snapshot: WorldSnapshot
    jpeg: bytes
    moment: JournalMoment
    frame: Picture | None

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return len(self.snapshot.state) + len(self.jpeg) + (0 if self.frame is None else self.frame.nbytes)


class SnapshotShelf:
    """The newest `capacity` of them, in at most `max_bytes`; ids count up and are never used again."""

    def __init__(self, capacity: int, max_bytes: int) -> None:
        self._capacity = capacity
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, KeptSnapshot] = OrderedDict()
        self._taken = 0

    def keep(self, snapshot: KeptSnapshot) -> str:
        self._taken += 1
        snapshot_id = str(self._taken)
        self._kept[snapshot_id] = snapshot
        while len(self._kept) > 1 and (len(self._kept) > self._capacity or self._size() > self._max_bytes):
            self._kept.popitem(last=False)
        return snapshot_id

    def find(self, snapshot_id: str) -> KeptSnapshot:
        kept = self._kept.get(snapshot_id)
        if kept is None:
            raise DomainError("That moment is no longer kept.", ErrorCode.SNAPSHOT_UNKNOWN)
        return kept

    def ids(self) -> tuple[str, ...]:
        return tuple(self._kept)

    def _size(self) -> int:
        return sum(kept.size for kept in self._kept.values())

    def clear(self) -> None:
        self._kept.clear()
