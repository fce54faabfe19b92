"""Copies of worlds in memory. Servers that are given the same one share them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.world_copies.world_copies import WorldCopiesError, WorldCopy


class FakeWorldCopies:
    """A `WorldCopies`. While `fail` is set, `keep` raises it."""

    def __init__(self) -> None:
        self.fail: WorldCopiesError | None = None
        self.copies: dict[str, WorldCopy] = {}
        self._touched: dict[str, float] = {}

    def keep(self, name: str, copy: WorldCopy) -> None:
        if self.fail is not None:
            raise self.fail
        self.copies[name] = copy
        self.touch(name)

    def touch(self, name: str) -> None:
        self._touched[name] = time.monotonic()

    def read(self, name: str) -> WorldCopy | None:
        return self.copies.get(name)

    def remove(self, name: str) -> None:
        self.copies.pop(name, None)

    def sweep(self, older_s: float) -> None:
        newest = time.monotonic() - older_s
        for name in [name for name in self.copies if self._touched[name] < newest]:
            self.remove(name)
