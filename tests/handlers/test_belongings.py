"""Whose things are: who sees them, and when one that several own is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from access_rules import Anonymous, Owner, Person
from error_types import DomainError, ErrorCode
from services.account_store.account import Role, Scope
from services.feedback_store.feedback_store import Feedback, FeedbackKind, Subject
from services.ownership_store.ownership_store import OwnershipStoreError, Thing, ThingKind
from tests.belongings_rig import belongings
from tests.fakes.fake_feedback_store import FakeFeedbackStore
from tests.fakes.fake_ownership_store import FakeOwnershipStore
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from access_rules import Visitor
    from handlers.ownership.belongings import Belongings

EVERYTHING = frozenset(Scope)
ANN, BOB = (Person(name, name.title(), Role.PLAYER, EVERYTHING) for name in ("ann", "bob"))
EVE = Person("eve", "Eve", Role.OWNER, EVERYTHING)
STRANGER = Anonymous("192.0.2.7")
LAKE, WALK = Thing(ThingKind.SEED, "lake"), Thing(ThingKind.RECORDING, "walk")
BROKEN = OwnershipStoreError("The database cannot be used.")


class Shelf:
    """The files of things, which are there or not."""

    def __init__(self, whose: Belongings) -> None:
        self._whose = whose
        self.files: set[str] = set()

    def keep(self, visitor_id: str, thing: Thing = LAKE) -> None:
        self._whose.adopt(visitor_id, thing, lambda: self.files.add(thing.id), is_there=lambda: thing.id in self.files)

    def remove(self, visitor: Visitor, thing: Thing = LAKE) -> None:
        self._whose.give_up(visitor, thing, lambda: self.files.remove(thing.id))


@pytest.fixture(name="store")
def fixture_store() -> FakeOwnershipStore:
    return FakeOwnershipStore()


@pytest.fixture(name="whose")
def fixture_whose(store: FakeOwnershipStore) -> Belongings:
    return belongings(store, with_accounts=True)


def seen_by(whose: Belongings, thing: Thing) -> set[str]:
    visitors: dict[str, Visitor] = {"ann": ANN, "bob": BOB, "eve": EVE, "owner": Owner(), "stranger": STRANGER}
    seeing = {name for name, visitor in visitors.items() if whose.sees(visitor, thing)}
    listing = {name for name, visitor in visitors.items() if whose.sight(visitor, thing.kind)(thing.id)}
    assert seeing == listing, "a list and a look differ"
    return seeing


def test_each_sees_what_is_theirs_and_owners_see_everything(whose: Belongings) -> None:
    shelf = Shelf(whose)
    shelf.keep("ann")
    shelf.keep("", WALK)
    assert seen_by(whose, LAKE) == {"ann", "eve", "owner"}
    assert seen_by(whose, WALK) == {"eve", "owner", "stranger"}
    token = Person("eve", "Eve", Role.OWNER, EVERYTHING - {Scope.ADMIN})
    assert not whose.sees(token, LAKE), "a token without the right to it sees what others have"


def test_the_same_picture_of_two_people_stays_until_both_have_given_it_up(whose: Belongings) -> None:
    shelf = Shelf(whose)
    shelf.keep("ann")
    shelf.keep("bob")
    assert seen_by(whose, LAKE) == {"ann", "bob", "eve", "owner"}
    assert whose.names_of_owners(EVE, ThingKind.SEED) == {"lake": "Ann, Bob"}
    shelf.remove(ANN)
    assert shelf.files == {"lake"}
    assert seen_by(whose, LAKE) == {"bob", "eve", "owner"}
    shelf.remove(BOB)
    assert shelf.files == set()
    shelf.keep("ann")
    assert seen_by(whose, LAKE) == {"ann", "eve", "owner"}, "whose it was before came back with it"


@pytest.mark.parametrize(("first", "second"), [("", "ann"), ("ann", "")])
def test_what_the_owner_role_has_as_well_stays_theirs(whose: Belongings, first: str, second: str) -> None:
    shelf = Shelf(whose)
    shelf.keep(first)
    shelf.keep(second)
    assert seen_by(whose, LAKE) == {"ann", "eve", "owner", "stranger"}
    shelf.remove(ANN)
    assert seen_by(whose, LAKE) == {"eve", "owner", "stranger"}
    shelf.keep("ann")
    shelf.remove(EVE)
    assert seen_by(whose, LAKE) == {"ann", "eve", "owner"}, "an owner of the server gives up their share first"
    shelf.remove(Owner())
    assert shelf.files == set(), "whoever sees everything cannot remove it"


def test_what_cannot_be_kept_is_nobodys(whose: Belongings, store: FakeOwnershipStore) -> None:
    def fail() -> None:
        raise DomainError("The disk is full.", ErrorCode.SEED_NOT_KEPT)

    with pytest.raises(DomainError, match="disk is full"):
        whose.adopt("ann", LAKE, fail, is_there=lambda: False)
    Shelf(whose).keep("bob")
    with pytest.raises(DomainError, match="disk is full"):
        whose.adopt("ann", LAKE, fail, is_there=lambda: True)
    assert store.owners(LAKE) == {"bob"}
    with pytest.raises(DomainError, match="disk is full"):
        whose.give_up(BOB, LAKE, fail)
    assert store.owners(LAKE) == {"bob"}


def test_what_cannot_be_noted_as_somebodys_is_not_kept(whose: Belongings, store: FakeOwnershipStore) -> None:
    shelf = Shelf(whose)
    removed: list[str] = []

    def keep_new() -> None:
        whose.adopt_new("ann", lambda: "town", thing_of=lambda name: Thing(ThingKind.WORLD, name), undo=removed.append)

    keep_new()
    assert (removed, store.owners(Thing(ThingKind.WORLD, "town"))) == ([], {"ann"})
    store.fail = BROKEN
    for attempt in (lambda: shelf.keep("ann"), keep_new):
        with pytest.raises(DomainError) as caught:
            attempt()
        assert caught.value.code is ErrorCode.OWNERS_UNAVAILABLE
    assert (shelf.files, removed) == (set(), ["town"])


def test_nobody_sees_anothers_while_the_database_fails(whose: Belongings, store: FakeOwnershipStore) -> None:
    store.fail = BROKEN
    for look in (lambda: whose.sees(ANN, WALK), lambda: whose.sight(STRANGER, ThingKind.WORLD)):
        with pytest.raises(DomainError) as caught:
            look()
        assert caught.value.code is ErrorCode.OWNERS_UNAVAILABLE
    assert whose.sees(Owner(), WALK)


def test_what_begins_is_somebodys_at_once_and_also_once_it_is_written(
    whose: Belongings, store: FakeOwnershipStore
) -> None:
    store.fail = None
    whose.sees(ANN, WALK)  # so that the store is open
    store.fail = BROKEN
    whose.adopt_soon("ann", WALK)
    assert whose.sees(ANN, WALK)
    with pytest.raises(DomainError):
        whose.sees(BOB, Thing(ThingKind.RECORDING, "other"))
    store.fail = None
    assert seen_by(whose, WALK) == {"ann", "eve", "owner"}
    assert whose.names_of_owners(Owner(), ThingKind.RECORDING) == {"walk": "Ann"}
    whose.adopt_soon("bob", Thing(ThingKind.RECORDING, "run"))
    wait_until(lambda: store.of_kind(ThingKind.RECORDING) == {"walk": {"ann"}, "run": {"bob"}}, "both are written")
    assert seen_by(whose, WALK) == {"ann", "eve", "owner"}


def test_a_new_name_is_the_same_persons(whose: Belongings, store: FakeOwnershipStore) -> None:
    store.add(WALK, {"ann"})
    named_back: list[str] = []

    def rename(new: str) -> str:
        return whose.rename(WALK, lambda: new, id_of=lambda name: name, undo=named_back.append)

    assert rename("run") == "run"
    assert store.of_kind(ThingKind.RECORDING) == {"run": {"ann"}}
    store.fail = BROKEN
    with pytest.raises(DomainError):
        rename("fall")
    assert named_back == ["fall"]


def test_the_owners_of_what_is_gone_are_forgotten_at_the_start(whose: Belongings, store: FakeOwnershipStore) -> None:
    asked: list[str] = []

    def there(*names: str) -> Callable[[], set[str]]:
        def ids() -> set[str]:
            asked.extend(names)
            return set(names)

        return ids

    whose.settle(ThingKind.WORLD, there("town"))
    assert asked == [], "the folder was read, although nothing belongs to anybody"
    for name in ("walk", "run", "fall"):
        store.add(Thing(ThingKind.RECORDING, name), {"ann"})
    whose.settle(ThingKind.RECORDING, there("walk", "other", "fall"))
    assert set(store.of_kind(ThingKind.RECORDING)) == {"walk", "fall"}
    whose.settle(ThingKind.RECORDING, there())
    assert set(store.of_kind(ThingKind.RECORDING)) == {"walk", "fall"}, "a folder that is not there cost people theirs"


def test_what_somebody_leaves_is_the_owner_roles(whose: Belongings) -> None:
    shelf = Shelf(whose)
    shelf.keep("ann")
    shelf.keep("ann", WALK)
    shelf.keep("bob", WALK)
    whose.forget_person("ann")
    assert seen_by(whose, LAKE) == {"eve", "owner", "stranger"}
    assert seen_by(whose, WALK) == {"bob", "eve", "owner"}


def test_without_accounts_everything_is_everybodys_and_nothing_is_read(store: FakeOwnershipStore) -> None:
    whose = belongings(store)
    shelf = Shelf(whose)
    store.add(WALK, {"ann"})  # from when there were accounts
    store.fail = BROKEN
    shelf.keep("")
    whose.adopt_new("", lambda: "town", thing_of=lambda name: Thing(ThingKind.WORLD, name), undo=lambda _: None)
    whose.adopt_soon("", Thing(ThingKind.RECORDING, "run"))
    for visitor in (Owner(), STRANGER):
        assert whose.sees(visitor, WALK)
        assert whose.sight(visitor, ThingKind.RECORDING)("walk")
        assert whose.names_of_owners(visitor, ThingKind.RECORDING) == {}
        assert whose.names_of(visitor, ["ann"]) == {}
    whose.rename(WALK, lambda: "fall", id_of=lambda name: name, undo=lambda _: None)
    whose.settle(ThingKind.RECORDING, lambda: {"walk"})
    shelf.remove(STRANGER)
    assert shelf.files == set()
    assert not store.was_opened


@pytest.mark.parametrize("with_accounts", [False, True])
def test_what_was_said_goes_with_what_it_is_about_and_follows_a_new_name(*, with_accounts: bool) -> None:
    said = FakeFeedbackStore()
    whose = belongings(FakeOwnershipStore(), said, with_accounts=with_accounts)
    shelf = Shelf(whose)
    for thing, kind in ((LAKE, FeedbackKind.SCENE), (WALK, FeedbackKind.RECORDING)):
        shelf.keep("", thing)
        said.put(Feedback(person="ann", subject=Subject(kind, thing.id), rating=1, about={}, at=1.0))
    whose.rename(WALK, lambda: "run", id_of=lambda name: name, undo=lambda _: None)
    shelf.remove(Owner())
    assert [feedback.subject for _, feedback in said.page(0, 9)] == [Subject(FeedbackKind.RECORDING, "run")]
