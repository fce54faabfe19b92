"""The servers that share a database: all stores alike."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from services.database.shared_database import SharedDatabase
from services.peer_store.peer_store import PeerRow, PeerSession, PeerStoreError, PlaceAsked
from services.peer_store.sql_peer_stores import SqlPeerStores
from tests.fakes.fake_peer_store import FakePeerStore
from tests.postgres import emptied_postgres_url

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from services.peer_store.peer_store import PeerStore


@pytest.fixture(params=["sqlite", "postgres", "fake"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[PeerStore]:
    if request.param == "fake":
        yield FakePeerStore()
        return
    url = emptied_postgres_url() if request.param == "postgres" else None
    database = SharedDatabase(tmp_path / "terrarium.sqlite", url)
    yield SqlPeerStores(database).open()
    database.close()


PLAYED = PeerSession("ann", {"id": "aé", "state": "playing", "frames_per_second": 24.5})


def test_each_server_has_one_row(store: PeerStore) -> None:
    first, second = PeerRow("1" * 16, "north", 1, 8), PeerRow("2" * 16, "east", 5, 2, (PLAYED, PeerSession(None, {})))
    store.keep(first)
    store.keep(second)
    assert store.rows() == [second, first]
    later = PeerRow(
        first.run,
        "north",
        2,
        4,
        (PLAYED,),
        address="ws://[::1]:41001",
        key="0f" * 32,
        models=("a/b", "c/d"),
        line=(PlaceAsked("01020304", 7, "a/b", "2" * 16), PlaceAsked("05060708", 8, None, None)),
    )
    store.keep(later)
    assert store.rows() == [second, later]


def test_a_place_is_given_once_however_many_have_seen_it(store: PeerStore) -> None:
    north, east = PeerRow("1" * 16, "north", 1, 4), PeerRow("2" * 16, "east", 1, 4)
    store.keep(north)
    store.keep(east)
    sent = PlaceAsked("01020304", 7, None, east.run)
    assert store.give_place(east.run, 0, replace(north, line=(sent,)))
    assert not store.give_place(east.run, 0, replace(east, line=(PlaceAsked("05060708", 7, None, east.run),)))
    assert store.rows() == [replace(east, given=1), replace(north, line=(sent,))]
    store.keep(replace(east, beat=2))
    assert store.give_place(east.run, 1, east)
    assert [row.given for row in store.rows()] == [2, 0]
    assert not store.give_place("3" * 16, 0, north)


def test_servers_that_have_ended_are_gone(store: PeerStore) -> None:
    store.keep(PeerRow("1" * 16, "north", 1, 8))
    store.keep(PeerRow("2" * 16, "east", 1, 8))
    store.remove(["1" * 16, "unknown"])
    store.remove([])
    assert [row.run for row in store.rows()] == ["2" * 16]


def test_a_database_that_cannot_be_opened_is_told_in_a_sentence(tmp_path: Path) -> None:
    stores = SqlPeerStores(SharedDatabase(tmp_path / "terrarium.sqlite", "nonsense"))
    with pytest.raises(PeerStoreError, match="cannot be read"):
        stores.open()
