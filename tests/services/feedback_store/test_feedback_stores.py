"""What people say of things: all stores alike."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from services.database.shared_database import SharedDatabase
from services.database.sql_database import SqlDatabase, sqlite_url
from services.feedback_store.feedback_store import (
    MOST_PER_THING,
    Feedback,
    FeedbackFault,
    FeedbackKind,
    FeedbackStoreError,
    FeedbackTag,
    Subject,
)
from services.feedback_store.sql_feedback_store import SqlFeedbackStore
from services.feedback_store.sql_feedback_stores import SqlFeedbackStores
from tests.fakes.fake_feedback_store import FakeFeedbackStore
from tests.postgres import emptied_postgres_url

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from services.feedback_store.feedback_store import FeedbackStore

WALK = Subject(FeedbackKind.RECORDING, "walk")
LIKED = Feedback(
    person="ann",
    subject=WALK,
    rating=1,
    tags=(FeedbackTag.SHARP, FeedbackTag.STEADY),
    comment="é",
    about={"model": "terrarium/moss", "rng_seed": 4294967295},
    at=5.0,
)


@pytest.fixture(params=["sqlite", "postgres", "fake"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[FeedbackStore]:
    if request.param == "fake":
        yield FakeFeedbackStore()
        return
    url = sqlite_url(tmp_path / "terrarium.sqlite") if request.param == "sqlite" else emptied_postgres_url()
    database = SqlDatabase(url)
    yield SqlFeedbackStore(database)
    database.close()


def test_what_was_said_is_kept(store: FeedbackStore) -> None:
    store.put(LIKED)
    assert store.of("ann", WALK) == [LIKED]
    assert store.of("bob", WALK) == store.of("ann", Subject(FeedbackKind.SCENE, "walk")) == []


def test_each_person_says_one_thing_of_the_whole_and_of_each_pass(store: FeedbackStore) -> None:
    whole, late, first = (replace(LIKED, pass_number=number) for number in (None, 7_000_000_000, 0))
    bobs = replace(LIKED, person="bob", rating=-1, comment=None, tags=())
    for said in (late, whole, bobs, first):
        store.put(said)
    changed = replace(first, rating=-1, tags=(FeedbackTag.DRIFT,), at=9.0)
    store.put(changed)
    assert store.of("ann", WALK) == [whole, changed, late]
    assert store.of("bob", WALK) == [bobs]


def test_the_same_at_once_is_one(store: FeedbackStore) -> None:
    threads = [threading.Thread(target=store.put, args=(replace(LIKED, at=float(at)),)) for at in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.of("ann", WALK)) == 1


def test_the_newest_come_first(store: FeedbackStore) -> None:
    for at, name in ((3.0, "a"), (1.0, "b"), (2.0, "c"), (2.0, "d")):
        store.put(replace(LIKED, subject=Subject(FeedbackKind.RECORDING, name), at=at))
    store.put(replace(LIKED, subject=Subject(FeedbackKind.JOB, "j"), at=9.0))
    store.put(replace(LIKED, person="", at=9.0))
    assert [said.subject.id for said in store.newest("ann", None, 3)] == ["j", "a", "d"]
    assert [said.subject.id for said in store.newest("ann", FeedbackKind.RECORDING, 9)] == ["a", "d", "c", "b"]


def test_everything_is_read_page_by_page_however_it_changes(store: FeedbackStore) -> None:
    for number in range(5):
        store.put(replace(LIKED, pass_number=number))
    first = store.page(0, 2)
    store.put(replace(LIKED, pass_number=3, rating=-1))
    store.remove("ann", WALK, 4)
    store.put(replace(LIKED, person="bob", pass_number=5))
    rest = store.page(first[-1][0], 9)
    assert [(said.pass_number, said.rating) for _, said in (*first, *rest)] == [(0, 1), (1, 1), (2, 1), (3, -1), (5, 1)]
    assert store.page(rest[-1][0], 9) == []


def test_one_takes_back_what_one_has_said(store: FeedbackStore) -> None:
    store.put(LIKED)
    store.put(replace(LIKED, pass_number=4))
    assert not store.remove("bob", WALK, None)
    assert not store.remove("ann", WALK, 5)
    assert store.remove("ann", WALK, None)
    assert not store.remove("ann", WALK, None)
    assert [said.pass_number for said in store.of("ann", WALK)] == [4]


def test_what_is_gone_takes_along_what_was_said_of_it(store: FeedbackStore) -> None:
    for person in ("ann", "bob"):
        store.put(replace(LIKED, person=person))
    other = replace(LIKED, subject=Subject(FeedbackKind.JOB, "walk"))
    store.put(other)
    store.forget(WALK)
    assert [said for _, said in store.page(0, 9)] == [other]


def test_a_new_name_takes_along_what_was_said(store: FeedbackStore) -> None:
    store.put(LIKED)
    store.put(replace(LIKED, subject=Subject(FeedbackKind.RECORDING, "left over")))
    store.rename(WALK, "left over")
    store.rename(Subject(FeedbackKind.RECORDING, "left over"), "left over")
    renamed = replace(LIKED, subject=Subject(FeedbackKind.RECORDING, "left over"))
    assert [said for _, said in store.page(0, 9)] == [renamed]


def test_nobody_says_more_than_enough_of_one_thing(store: FeedbackStore) -> None:
    for number in range(MOST_PER_THING):
        store.put(replace(LIKED, pass_number=number))
    store.put(replace(LIKED, pass_number=0, rating=-1))
    with pytest.raises(FeedbackStoreError) as caught:
        store.put(LIKED)
    assert caught.value.fault is FeedbackFault.TOO_MUCH
    assert store.of("ann", WALK)[0].pass_number == 0, "it was kept all the same"
    store.put(replace(LIKED, person="bob"))


def test_a_database_that_fails_is_told_in_a_sentence(tmp_path: Path) -> None:
    stores = SqlFeedbackStores(SharedDatabase(tmp_path / "missing" / "terrarium.sqlite"))
    assert not stores.has_begun()
    with pytest.raises(FeedbackStoreError, match="cannot be used"):
        stores.open()
