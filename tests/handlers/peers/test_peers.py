"""Servers that share a database: who lives, who is gone, and who cannot be judged."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from access_rules import Owner, Person
from api_types import Percentiles, SessionSummary
from error_types import DomainError
from handlers.peers.peers_handler import PeersHandler
from handlers.sessions_handler import OwnPlay, OwnSession
from services.account_store.account import Role
from services.peer_store.peer_store import PeerStoreError
from tests.fakes.fake_peer_store import FakePeerStore
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    from collections.abc import Generator

    from services.peer_store.peer_store import PeerStores

LOOKS = 8


def session(name: str, owner: str | None = None) -> OwnSession:
    nothing = Percentiles(p50=None, p95=None, p99=None)
    summary = SessionSummary(
        id=name,
        client="page",
        remote="192.0.2.7",
        state="playing",
        model="fake/world",
        opened_at=1.0,
        playing_since=2.0,
        frames_sent=3,
        passes_replaced=0,
        frames_per_second=24.0,
        receipt_to_send_ms=nothing,
        owner=None if owner is None else f"the name of {owner}",
    )
    return OwnSession(owner, summary)


@contextmanager
def server(
    stores: PeerStores | None, name: str, *sessions: OwnSession, beat_s: float = 3600.0
) -> Generator[PeersHandler]:
    with ThreadPoolExecutor(1) as threads:
        yield PeersHandler(
            stores, run=name * 3, name=name, own_play=lambda: OwnPlay(4, sessions), threads=threads, beat_s=beat_s
        )


def test_servers_see_each_other() -> None:
    async def main() -> None:
        store = FakePeerStore()
        with server(store, "north") as north, server(store, "east") as east:
            await north.look()
            await east.look()
            await north.look()
            assert [row.name for row in north.others()] == ["east"]
            assert [row.name for row in east.others()] == ["north"]
            await east.leave()
            await north.look()
            assert north.others() == ()
            assert north.is_gone(east.run)

    asyncio.run(main())


def test_one_that_is_silent_for_long_is_gone_and_may_come_back() -> None:
    async def main() -> None:
        store = FakePeerStore()
        with server(store, "north") as north, server(store, "east") as east:
            await east.look()
            for _ in range(LOOKS):
                await north.look()
                assert not north.is_gone(east.run)
            await north.look()
            assert north.is_gone(east.run)
            assert north.others() == ()
            assert north.gone() == (east.run,)
            await east.look()
            await north.look()
            assert not north.is_gone(east.run)

    asyncio.run(main())


def test_a_database_that_is_away_takes_nobody_for_gone() -> None:
    async def main() -> None:
        store = FakePeerStore()
        with server(store, "north") as north, server(store, "east") as east:
            await east.look()
            await north.look()
            store.fail = PeerStoreError("It is away.")
            for _ in range(3 * LOOKS):
                with pytest.raises(DomainError, match="away"):
                    await north.look()
            store.fail = None
            await north.look()
            assert not north.is_gone(east.run)

    asyncio.run(main())


def test_nobody_is_judged_before_the_first_look() -> None:
    async def main() -> None:
        store = FakePeerStore()
        with server(store, "north", beat_s=0.01) as north:
            assert not north.is_gone("some run")
            store.fail = PeerStoreError("It is away.")
            watching = asyncio.create_task(north.watch())
            waiting = asyncio.create_task(north.known())
            await asyncio.sleep(0.1)
            assert not waiting.done()
            store.fail = None
            await waiting
            assert north.is_gone("some run")
            assert not north.is_gone(north.run)
            await wait_until_async(lambda: store.rows()[0].beat > 3, "it beats on")
            watching.cancel()
            await asyncio.wait({watching})

    asyncio.run(main())


def test_alone_everybody_else_is_gone() -> None:
    async def main() -> None:
        with server(None, "north", session("a")) as north:
            await north.watch()
            await north.known()
            await north.leave()
            assert north.is_gone("some run")
            assert not north.is_gone(north.run)
            listed = north.sessions(Owner())
            assert (listed.max_sessions, [each.server for each in listed.sessions]) == (4, [None])

    asyncio.run(main())


def test_each_sees_their_own_sessions_wherever_they_play() -> None:
    async def main() -> None:
        store = FakePeerStore()
        here, there = session("a", "ann"), session("b", "bob")
        with server(store, "north", here) as north, server(store, "east", there, session("c", "ann")) as east:
            await east.look()
            await north.look()
            ann = north.sessions(Person("ann", "Ann", Role.PLAYER, frozenset()))
            assert [(each.id, each.server, each.owner) for each in ann.sessions] == [
                ("a", "north", None),
                ("c", "east", None),
            ]
            everybody = north.sessions(Owner())
            assert [(each.id, each.owner) for each in everybody.sessions] == [
                ("a", "the name of ann"),
                ("b", "the name of bob"),
                ("c", "the name of ann"),
            ]
            assert everybody.max_sessions == 8

    asyncio.run(main())
