"""Feedback in memory. Opened again, the same is there, as after a restart of the server."""

from __future__ import annotations

import threading
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from services.feedback_store.feedback_store import (
    MOST_PER_THING,
    Feedback,
    FeedbackFault,
    FeedbackStoreError,
    Subject,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.feedback_store.feedback_store import FeedbackKind, FeedbackStore, PersonId

Key: TypeAlias = tuple[str, Subject, int | None]


class FakeFeedbackStore:
    """A `FeedbackStore` and its `FeedbackStores`. While `fail` is set, every call raises it."""

    def __init__(self) -> None:
        self.fail: FeedbackStoreError | None = None
        self._rows: dict[Key, tuple[int, Feedback]] = {}
        self._newest = 0
        self._lock = threading.Lock()

    def has_begun(self) -> bool:
        return bool(self._rows) or self.fail is not None

    def open(self) -> FeedbackStore:
        self._check()
        return self

    def put(self, feedback: Feedback) -> None:
        self._check()
        key = feedback.person, feedback.subject, feedback.pass_number
        with self._lock:
            if key not in self._rows:
                same = [1 for person, subject, _ in self._rows if (person, subject) == key[:2]]
                if len(same) >= MOST_PER_THING:
                    raise FeedbackStoreError(FeedbackFault.TOO_MUCH, "You have said enough about this already.")
                self._newest += 1
            number = self._rows[key][0] if key in self._rows else self._newest
            self._rows[key] = number, feedback

    def of(self, person: PersonId, subject: Subject) -> Sequence[Feedback]:
        found = [said for said in self._all() if (said.person, said.subject) == (person, subject)]
        return sorted(found, key=lambda said: -1 if said.pass_number is None else said.pass_number)

    def newest(self, person: PersonId, kind: FeedbackKind | None, limit: int) -> Sequence[Feedback]:
        self._check()
        newest_first = sorted(self._rows.values(), key=lambda entry: (entry[1].at, entry[0]), reverse=True)
        found = (said for _, said in newest_first if said.person == person and kind in (None, said.subject.kind))
        return list(islice(found, limit))

    def page(self, after: int, limit: int) -> Sequence[tuple[int, Feedback]]:
        self._check()
        return [entry for entry in sorted(self._rows.values(), key=lambda entry: entry[0]) if entry[0] > after][:limit]

    def remove(self, person: PersonId, subject: Subject, pass_number: int | None) -> bool:
        self._check()
        return self._rows.pop((person, subject, pass_number), None) is not None

    def forget(self, subject: Subject) -> None:
        self._check()
        self._rows = {key: entry for key, entry in self._rows.items() if key[1] != subject}

    def rename(self, subject: Subject, new_id: str) -> None:
        self._check()
        if subject.id == new_id:
            return
        renamed = Subject(subject.kind, new_id)
        self.forget(renamed)
        moved = {key: entry for key, entry in self._rows.items() if key[1] == subject}
        self.forget(subject)
        for (person, _, pass_number), (number, said) in moved.items():
            self._rows[person, renamed, pass_number] = number, replace(said, subject=renamed)

    def _all(self) -> list[Feedback]:
        self._check()
        return [said for _, said in sorted(self._rows.values(), key=lambda entry: entry[0])]

    def _check(self) -> None:
        if self.fail is not None:
            raise self.fail
