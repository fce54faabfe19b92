"""Feedback as REST sees it: given, read and taken back by whoever gives it, and exported by owners of the server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from api_types import FeedbackBody, FeedbackResponse
from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from handlers.ownership.belongings import owner_id
from services.feedback_store.feedback_store import Feedback, Subject

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from concurrent.futures import Executor

    from access_rules import Visitor
    from api_types import GiveFeedbackBody
    from handlers.feedback.book import FeedbackBook
    from handlers.feedback.facts import SubjectFacts
    from services.clock.clock import Clock
    from services.feedback_store.feedback_store import FeedbackKind

_PAGE: Final = 200
# What a line of the export always has, so that it can be read as a table.
_COLUMNS: Final = ("model", "quant", "weights_hash", "seed_hash", "rng_seed", "input_log")


class FeedbackHandler:
    def __init__(self, book: FeedbackBook, facts: SubjectFacts, clock: Clock, threads: Executor) -> None:
        self._book = book
        self._facts = facts
        self._clock = clock
        self._threads = threads

    async def give(self, visitor: Visitor, kind: FeedbackKind, thing_id: str, given: GiveFeedbackBody) -> FeedbackBody:
        """Keep what a visitor says, in the place of what they have said of the same.

        Raises:
            DomainError: the thing does not exist for them, or it cannot be kept.
        """
        subject = Subject(kind, thing_id)
        feedback = Feedback(
            person=owner_id(visitor),
            subject=subject,
            pass_number=given.pass_number,
            rating=given.rating,
            tags=tuple(dict.fromkeys(given.tags)),
            comment=given.comment or None,
            about=await self._facts.of(visitor, subject),
            at=self._clock.wall(),
        )
        await in_thread(self._threads, lambda: self._book.put(feedback))
        return _told(feedback)

    async def of(self, visitor: Visitor, kind: FeedbackKind, thing_id: str) -> FeedbackResponse:
        """What the visitor has said of a thing."""
        said = await in_thread(self._threads, lambda: self._book.of(owner_id(visitor), Subject(kind, thing_id)))
        return FeedbackResponse(feedback=[_told(feedback) for feedback in said])

    async def newest(self, visitor: Visitor, kind: FeedbackKind | None, limit: int) -> FeedbackResponse:
        """What the visitor has said last, newest first."""
        said = await in_thread(self._threads, lambda: self._book.newest(owner_id(visitor), kind, limit))
        return FeedbackResponse(feedback=[_told(feedback) for feedback in said])

    async def take_back(self, visitor: Visitor, kind: FeedbackKind, thing_id: str, pass_number: int | None) -> None:
        """Raises: DomainError, the visitor has said nothing of it."""
        person, subject = owner_id(visitor), Subject(kind, thing_id)
        if not await in_thread(self._threads, lambda: self._book.remove(person, subject, pass_number)):
            raise DomainError("You have said nothing about this.", ErrorCode.FEEDBACK_UNKNOWN)

    async def export(self) -> AsyncGenerator[str]:
        """What everybody has said: a line of JSON for each, in the order in which it was first said."""
        after = 0
        while page := await in_thread(self._threads, lambda after=after: self._book.page(after, _PAGE)):
            yield "".join(_line(feedback) for _, feedback in page)
            after = page[-1][0]


def _told(feedback: Feedback) -> FeedbackBody:
    return FeedbackBody(
        kind=feedback.subject.kind,
        id=feedback.subject.id,
        pass_number=feedback.pass_number,
        rating=feedback.rating,
        tags=list(feedback.tags),
        comment=feedback.comment,
        at=feedback.at,
    )


def _line(feedback: Feedback) -> str:
    facts = dict(feedback.about)
    line = {
        "kind": feedback.subject.kind,
        "id": feedback.subject.id,
        "pass": feedback.pass_number,
        "rating": feedback.rating,
        "tags": feedback.tags,
        "comment": feedback.comment,
        "at": feedback.at,
        "person": feedback.person or None,
        **{name: facts.pop(name, None) for name in _COLUMNS},
        "more": facts,
    }
    return json.dumps(line, ensure_ascii=False) + "\n"
