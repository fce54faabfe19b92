"""Opens the feedback of the server's database when it is first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.database.database_error import DatabaseError
from services.feedback_store.feedback_store import FeedbackFault, FeedbackStoreError

if TYPE_CHECKING:
    from services.database.shared_database import SharedDatabase
    from services.feedback_store.feedback_store import FeedbackStore


class SqlFeedbackStores:
    """A `FeedbackStores`."""

    def __init__(self, database: SharedDatabase) -> None:
        self._database = database

    def has_begun(self) -> bool:
        return self._database.has_begun()

    def open(self) -> FeedbackStore:
        from services.feedback_store.sql_feedback_store import SqlFeedbackStore  # it takes SQLAlchemy

        try:
            return SqlFeedbackStore(self._database.opened())
        except DatabaseError as error:
            raise FeedbackStoreError(FeedbackFault.UNAVAILABLE, str(error)) from error
