"""Servers in memory. Whoever opens it sees the same ones."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from services.peer_store.peer_store import PeerRow, PeerStore, PeerStoreError, RunId


class FakePeerStore:
    """A `PeerStore` and its `PeerStores`. While `fail` is set, every call raises it."""

    def __init__(self) -> None:
        self.fail: PeerStoreError | None = None
        self._rows: dict[RunId, PeerRow] = {}
        self._lock = threading.Lock()

    def open(self) -> PeerStore:
        self._check()
        return self

    def keep(self, row: PeerRow) -> None:
        self._check()
        with self._lock:
            self._keep(row)

    def give_place(self, server: RunId, given: int, by: PeerRow) -> bool:
        self._check()
        with self._lock:
            found = self._rows.get(server)
            if found is None or found.given != given or not found.max_sessions:
                return False
            self._rows[server] = replace(found, given=given + 1)
            self._keep(by)
            return True

    def rows(self) -> Sequence[PeerRow]:
        self._check()
        with self._lock:
            return sorted(self._rows.values(), key=lambda row: (row.name, row.run))

    def remove(self, runs: Collection[RunId]) -> None:
        self._check()
        with self._lock:
            for run in runs:
                self._rows.pop(run, None)

    def _keep(self, row: PeerRow) -> None:
        was = self._rows.get(row.run)
        self._rows[row.run] = replace(row, given=0 if was is None else was.given)

    def _check(self) -> None:
        if self.fail is not None:
            raise self.fail
