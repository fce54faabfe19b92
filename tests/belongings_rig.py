"""Whose things are, without a server around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.feedback.book import FeedbackBook
from handlers.ownership.belongings import Belongings
from services.task_runner.threading_task_runner import ThreadingTaskRunner
from tests.fakes.fake_feedback_store import FakeFeedbackStore
from tests.fakes.fake_ownership_store import FakeOwnershipStore

if TYPE_CHECKING:
    from services.feedback_store.feedback_store import FeedbackStores
    from services.ownership_store.ownership_store import OwnershipStores


def belongings(
    stores: OwnershipStores | None = None, feedback: FeedbackStores | None = None, *, with_accounts: bool = False
) -> Belongings:
    return Belongings(
        stores or FakeOwnershipStore(),
        FeedbackBook(feedback or FakeFeedbackStore()),
        ThreadingTaskRunner(lambda _name, _error: None),
        with_accounts=with_accounts,
        names=lambda: {"ann": "Ann", "bob": "Bob"},
    )
