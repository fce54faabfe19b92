"""To whom things belong: all stores alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.database.shared_database import SharedDatabase
from services.database.sql_database import SqlDatabase, sqlite_url
from services.ownership_store.ownership_store import OWNER_ROLE, OwnershipStoreError, Thing, ThingKind
from services.ownership_store.sql_ownership_store import SqlOwnershipStore
from services.ownership_store.sql_ownership_stores import SqlOwnershipStores
from tests.fakes.fake_ownership_store import FakeOwnershipStore
from tests.postgres import emptied_postgres_url

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from services.ownership_store.ownership_store import OwnershipStore

WALK, TOWN, LAKE = Thing(ThingKind.RECORDING, "walk"), Thing(ThingKind.WORLD, "town"), Thing(ThingKind.SEED, "lake")


@pytest.fixture(params=["sqlite", "postgres", "fake"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[OwnershipStore]:
    if request.param == "fake":
        yield FakeOwnershipStore()
        return
    url = sqlite_url(tmp_path / "terrarium.sqlite") if request.param == "sqlite" else emptied_postgres_url()
    database = SqlDatabase(url)
    yield SqlOwnershipStore(database)
    database.close()


def test_a_thing_belongs_to_whoever_made_it(store: OwnershipStore) -> None:
    store.add(WALK, {"ann"})
    assert store.owners(WALK) == {"ann"}
    assert store.owners(Thing(ThingKind.WORLD, "walk")) == frozenset(), "of another kind"
    assert store.of_owner(ThingKind.RECORDING, "ann") == {"walk"}
    assert store.of_owner(ThingKind.WORLD, "ann") == store.of_owner(ThingKind.RECORDING, "bob") == frozenset()


def test_several_own_one_thing_until_each_has_given_it_up(store: OwnershipStore) -> None:
    store.add(LAKE, {OWNER_ROLE, "ann"})
    store.add(LAKE, {"ann", "bob"})
    store.add(Thing(ThingKind.SEED, "sea"), {"bob"})
    assert store.of_kind(ThingKind.SEED) == {"lake": {OWNER_ROLE, "ann", "bob"}, "sea": {"bob"}}
    store.remove(LAKE, {"ann", "nobody", OWNER_ROLE})
    assert store.owners(LAKE) == {"bob"}
    store.remove(LAKE, {"bob"})
    assert store.of_kind(ThingKind.SEED) == {"sea": {"bob"}}
    store.add(LAKE, ())
    assert store.owners(LAKE) == frozenset()


def test_what_is_gone_is_forgotten(store: OwnershipStore) -> None:
    for name in ("walk", "run", "fall"):
        store.add(Thing(ThingKind.RECORDING, name), {"ann"})
    store.add(Thing(ThingKind.WORLD, "walk"), {"ann"})
    store.forget(ThingKind.RECORDING, ("walk", "fall", "never there"))
    assert store.of_owner(ThingKind.RECORDING, "ann") == {"run"}
    assert store.of_owner(ThingKind.WORLD, "ann") == {"walk"}


def test_a_new_name_takes_the_owners_along(store: OwnershipStore) -> None:
    store.add(WALK, {"ann"})
    store.add(TOWN, {"ann"})
    store.add(Thing(ThingKind.RECORDING, "left over"), {"bob"})
    store.rename(ThingKind.RECORDING, "walk", "left over")
    assert store.of_kind(ThingKind.RECORDING) == {"left over": {"ann"}}
    store.rename(ThingKind.RECORDING, "left over", "left over")
    store.rename(ThingKind.RECORDING, "never there", "neither")
    assert store.of_kind(ThingKind.RECORDING) == {"left over": {"ann"}}
    assert store.owners(TOWN) == {"ann"}


def test_who_leaves_leaves_everything(store: OwnershipStore) -> None:
    for thing in (WALK, TOWN, LAKE):
        store.add(thing, {"ann"})
    store.add(LAKE, {"bob"})
    store.forget_owner("ann")
    assert [store.owners(thing) for thing in (WALK, TOWN, LAKE)] == [frozenset(), frozenset(), {"bob"}]


def test_names_may_hold_anything(store: OwnershipStore) -> None:
    odd = Thing(ThingKind.RECORDING, "é'; DROP TABLE belongings; --" + "x" * 200)
    store.add(odd, {"ann"})
    assert store.owners(odd) == {"ann"}


def test_a_database_that_fails_is_told_in_a_sentence(tmp_path: Path) -> None:
    stores = SqlOwnershipStores(SharedDatabase(tmp_path / "missing" / "terrarium.sqlite"))
    with pytest.raises(OwnershipStoreError, match="cannot be used"):
        stores.open()
    (tmp_path / "missing").mkdir()
    stores.open().add(WALK, {"ann"})
    assert stores.open().owners(WALK) == {"ann"}, "the database was not shared"
