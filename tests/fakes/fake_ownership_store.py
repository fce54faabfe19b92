"""Belongings in memory. Opened again, the same are there, as after a restart of the server."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from services.ownership_store.ownership_store import (
        OwnerId,
        OwnershipStore,
        OwnershipStoreError,
        Thing,
        ThingKind,
    )


class FakeOwnershipStore:
    """An `OwnershipStore` and its `OwnershipStores`. While `fail` is set, every call raises it. `was_opened` tells
    whether anybody has asked for it at all."""

    def __init__(self) -> None:
        self.fail: OwnershipStoreError | None = None
        self.was_opened = False
        self._rows: set[tuple[ThingKind, str, OwnerId]] = set()
        self._lock = threading.Lock()

    def open(self) -> OwnershipStore:
        self.was_opened = True
        self._check()
        return self

    def owners(self, thing: Thing) -> frozenset[OwnerId]:
        return self.of_kind(thing.kind).get(thing.id, frozenset())

    def of_kind(self, kind: ThingKind) -> Mapping[str, frozenset[OwnerId]]:
        self._check()
        found: dict[str, frozenset[OwnerId]] = {}
        with self._lock:
            for its_kind, thing_id, owner in self._rows:
                if its_kind is kind:
                    found[thing_id] = found.get(thing_id, frozenset()) | {owner}
        return found

    def of_owner(self, kind: ThingKind, owner: OwnerId) -> frozenset[str]:
        return frozenset(thing_id for thing_id, owners in self.of_kind(kind).items() if owner in owners)

    def add(self, thing: Thing, owners: Collection[OwnerId]) -> None:
        self._check()
        with self._lock:
            self._rows |= {(thing.kind, thing.id, owner) for owner in owners}

    def remove(self, thing: Thing, owners: Collection[OwnerId]) -> None:
        self._check()
        with self._lock:
            self._rows -= {(thing.kind, thing.id, owner) for owner in owners}

    def forget(self, kind: ThingKind, ids: Collection[str]) -> None:
        self._check()
        with self._lock:
            self._rows = {row for row in self._rows if row[0] is not kind or row[1] not in ids}

    def rename(self, kind: ThingKind, old: str, new: str) -> None:
        self._check()
        if old == new:
            return
        with self._lock:
            kept = {row for row in self._rows if row[:2] != (kind, new)}
            self._rows = {(kind, new, row[2]) if row[:2] == (kind, old) else row for row in kept}

    def forget_owner(self, owner: OwnerId) -> None:
        self._check()
        with self._lock:
            self._rows = {row for row in self._rows if row[2] != owner}

    def _check(self) -> None:
        if self.fail is not None:
            raise self.fail
