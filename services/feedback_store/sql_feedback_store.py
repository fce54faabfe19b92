"""Feedback in the database."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, func, select, update

from services.database.database_error import DatabaseError, DatabaseFault
from services.database.schema import FEEDBACK
from services.database.translated_database import TranslatedDatabase
from services.database.upsert import insert_or_change
from services.feedback_store.feedback_store import (
    MOST_PER_THING,
    Feedback,
    FeedbackFault,
    FeedbackKind,
    FeedbackStoreError,
    FeedbackTag,
    Subject,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, RowMapping

    from services.database.sql_database import SqlDatabase
    from services.feedback_store.feedback_store import PersonId

_KEY: Final = ("person", "kind", "id", "pass_number")
_WHOLE: Final = -1  # as a number of a pass: NULLs would all be different for a unique key
_FAULTS: Final[Mapping[DatabaseFault, FeedbackFault]] = MappingProxyType(
    {
        DatabaseFault.BUSY: FeedbackFault.UNAVAILABLE,
        DatabaseFault.FULL: FeedbackFault.FULL,
        DatabaseFault.NEWER: FeedbackFault.UNAVAILABLE,
        DatabaseFault.NOT_UPGRADED: FeedbackFault.UNAVAILABLE,
        DatabaseFault.UNREACHABLE: FeedbackFault.UNAVAILABLE,
    }
)


class SqlFeedbackStore:
    """A `FeedbackStore`."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = TranslatedDatabase(database, _told)

    def put(self, feedback: Feedback) -> None:
        about_it = _is(feedback.subject) & (FEEDBACK.c.person == feedback.person)
        with self._database.writing() as connection:
            insert_or_change(connection, FEEDBACK, _row_of(feedback), key=_KEY)
            count = connection.execute(select(func.count()).select_from(FEEDBACK).where(about_it)).scalar_one()
            if count > MOST_PER_THING:
                message = f"You have said {MOST_PER_THING} things about this already, which is the most."
                raise FeedbackStoreError(FeedbackFault.TOO_MUCH, message)

    def of(self, person: PersonId, subject: Subject) -> Sequence[Feedback]:
        wanted = select(FEEDBACK).where(_is(subject), FEEDBACK.c.person == person).order_by(FEEDBACK.c.pass_number)
        with self._database.reading() as connection:
            return [_feedback_of(row) for row in connection.execute(wanted).mappings()]

    def newest(self, person: PersonId, kind: FeedbackKind | None, limit: int) -> Sequence[Feedback]:
        wanted = select(FEEDBACK).where(FEEDBACK.c.person == person)
        if kind is not None:
            wanted = wanted.where(FEEDBACK.c.kind == kind.value)
        wanted = wanted.order_by(FEEDBACK.c.at.desc(), FEEDBACK.c.number.desc()).limit(limit)
        with self._database.reading() as connection:
            return [_feedback_of(row) for row in connection.execute(wanted).mappings()]

    def page(self, after: int, limit: int) -> Sequence[tuple[int, Feedback]]:
        wanted = select(FEEDBACK).where(FEEDBACK.c.number > after).order_by(FEEDBACK.c.number).limit(limit)
        with self._database.reading() as connection:
            return [(row["number"], _feedback_of(row)) for row in connection.execute(wanted).mappings()]

    def remove(self, person: PersonId, subject: Subject, pass_number: int | None) -> bool:
        same_pass = FEEDBACK.c.pass_number == (_WHOLE if pass_number is None else pass_number)
        with self._database.writing() as connection:
            removed = connection.execute(delete(FEEDBACK).where(_is(subject), FEEDBACK.c.person == person, same_pass))
            return removed.rowcount > 0

    def forget(self, subject: Subject) -> None:
        with self._database.writing() as connection:
            connection.execute(delete(FEEDBACK).where(_is(subject)))

    def rename(self, subject: Subject, new_id: str) -> None:
        if subject.id == new_id:
            return
        with self._database.writing() as connection:
            connection.execute(delete(FEEDBACK).where(_is(Subject(subject.kind, new_id))))
            connection.execute(update(FEEDBACK).where(_is(subject)).values(id=new_id))


def _told(error: DatabaseError) -> FeedbackStoreError:
    return FeedbackStoreError(_FAULTS[error.fault], str(error))


def _is(subject: Subject) -> ColumnElement[bool]:
    return (FEEDBACK.c.kind == subject.kind.value) & (FEEDBACK.c.id == subject.id)


def _row_of(feedback: Feedback) -> dict[str, Any]:
    return {
        "person": feedback.person,
        "kind": feedback.subject.kind.value,
        "id": feedback.subject.id,
        "pass_number": _WHOLE if feedback.pass_number is None else feedback.pass_number,
        "rating": feedback.rating,
        "tags": [tag.value for tag in feedback.tags],
        "comment": feedback.comment,
        "about": dict(feedback.about),
        "at": feedback.at,
    }


def _feedback_of(row: RowMapping) -> Feedback:
    known = {tag.value for tag in FeedbackTag}
    return Feedback(
        person=row["person"],
        subject=Subject(FeedbackKind(row["kind"]), row["id"]),
        pass_number=None if row["pass_number"] == _WHOLE else row["pass_number"],
        rating=1 if row["rating"] > 0 else -1,
        tags=tuple(FeedbackTag(tag) for tag in row["tags"] if tag in known),
        comment=row["comment"],
        about=row["about"],
        at=row["at"],
    )
