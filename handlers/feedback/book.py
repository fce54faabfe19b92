"""The feedback that is kept. Who writes there, and about what, is `FeedbackHandler`'s."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

import structlog

from error_types import DomainError
from handlers.service_errors import service_errors_translated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.feedback_store.feedback_store import (
        Feedback,
        FeedbackKind,
        FeedbackStore,
        FeedbackStores,
        PersonId,
        Subject,
    )

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class FeedbackBook:
    """Opened with the first feedback. Every method blocks, and raises DomainError where the database fails."""

    def __init__(self, stores: FeedbackStores) -> None:
        self._stores = stores
        self._opening = Lock()
        self._store: FeedbackStore | None = None

    def put(self, feedback: Feedback) -> None:
        """Raises: DomainError, also where this person has said too much of the same thing."""
        with service_errors_translated():
            self._opened().put(feedback)

    def of(self, person: PersonId, subject: Subject) -> Sequence[Feedback]:
        if not self._has_begun():
            return ()
        with service_errors_translated():
            return self._opened().of(person, subject)

    def newest(self, person: PersonId, kind: FeedbackKind | None, limit: int) -> Sequence[Feedback]:
        if not self._has_begun():
            return ()
        with service_errors_translated():
            return self._opened().newest(person, kind, limit)

    def page(self, after: int, limit: int) -> Sequence[tuple[int, Feedback]]:
        if not self._has_begun():
            return ()
        with service_errors_translated():
            return self._opened().page(after, limit)

    def remove(self, person: PersonId, subject: Subject, pass_number: int | None) -> bool:
        if not self._has_begun():
            return False
        with service_errors_translated():
            return self._opened().remove(person, subject, pass_number)

    def forget(self, subject: Subject) -> None:
        """A person has deleted it. Its feedback stays where the database fails; it raises nothing."""
        if self._has_begun():
            try:
                with service_errors_translated():
                    self._opened().forget(subject)
            except DomainError as error:
                logger.warning("Feedback outlives what it is about", about=subject.id, reason=error.message)

    def rename(self, subject: Subject, new_id: str) -> None:
        """It has another id. It raises nothing."""
        if self._has_begun():
            try:
                with service_errors_translated():
                    self._opened().rename(subject, new_id)
            except DomainError as error:
                logger.warning("Feedback has lost what it is about", about=subject.id, reason=error.message)

    def _has_begun(self) -> bool:
        return self._store is not None or self._stores.has_begun()

    def _opened(self) -> FeedbackStore:
        with self._opening:
            if self._store is None:
                self._store = self._stores.open()
            return self._store
