"""Which parts of a stretch of memory are taken."""

from __future__ import annotations

import threading

from services.engine_host._shared_memory import pages


class Regions:
    """Hands out parts of `size` bytes, each the first free one that is long enough. Any thread may ask."""

    def __init__(self, offset: int, size: int) -> None:
        self._lock = threading.Lock()
        self._free: list[tuple[int, int]] = [(offset, size)]  # offset and length, ordered, never adjacent
        self._taken: dict[int, int] = {}

    @property
    def is_lent(self) -> bool:
        """Whether a part is taken."""
        return bool(self._taken)

    def take(self, size: int) -> int | None:
        """The offset of a part of at least `size` bytes; None: no part is long enough."""
        wanted = pages(max(1, size))
        with self._lock:
            for at, (offset, length) in enumerate(self._free):
                if length >= wanted:
                    self._free[at : at + 1] = [(offset + wanted, length - wanted)] if length > wanted else []
                    self._taken[offset] = wanted
                    return offset
        return None

    def give_back(self, offset: int) -> None:
        with self._lock:
            parts = sorted([*self._free, (offset, self._taken.pop(offset))])
            merged: list[tuple[int, int]] = []
            for start, length in parts:
                if merged and sum(merged[-1]) == start:
                    merged[-1] = (merged[-1][0], merged[-1][1] + length)
                else:
                    merged.append((start, length))
            self._free = merged
