"""Which worlds wait for their players, and which give way: without a server."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import TYPE_CHECKING, Any

import pytest

from access_rules import Anonymous, Owner
from error_types import DomainError, ErrorCode
from handlers.left_worlds import LeftWorlds
from handlers.session.history import Remembered
from handlers.session.left_world import LeftWorld
from handlers.session.path import Checkpoint, MomentShelf, PathSegment, RewindTrack, WorldPath
from handlers.session.world import Seed
from runtime_config.anonymous_config import AnonymousConfig
from runtime_config.current import Current
from runtime_config.resume_config import ResumeConfig
from runtime_config.runtime_config import AccessConfig, RuntimeConfig
from services.metrics.prometheus_metrics import PrometheusMetrics
from services.world_engine.world_engine import WorldSnapshot
from services.world_files.world_file import ModelFacts
from state.app_state_types import EngineKey
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_world_engine import FakeWorldEngine, fake_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from access_rules import Visitor
    from handlers.left_worlds import ResumeTicket


def on_a_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    @wraps(test)
    def run() -> None:
        asyncio.run(test())

    return run


ONE, TWO = Anonymous("10.0.0.1"), Anonymous("10.0.0.2")
KIB = 1024


def world(kib: int = 1, rewind_kib: int = 0) -> LeftWorld:
    """A world of some size, most of it in what is kept for rewinding if so asked for."""
    picture, seed = fake_seed(1), Seed("0" * 64, b"")
    snapshot = WorldSnapshot("fake/world", "f00d", bytes(kib * KIB))
    path, rewind = WorldPath(PathSegment(None, 0, picture), 100), RewindTrack(1 << 30)
    if rewind_kib:
        rewind.add(Checkpoint(0.0, WorldSnapshot("fake/world", "f00d", bytes(rewind_kib * KIB)), path.moment))
    return LeftWorld(
        key=EngineKey("fake/world", "none"),
        model=ModelFacts.of(FakeWorldEngine().spec, "none"),
        seed=seed,
        picture=picture,
        rng_seed=1,
        origin=snapshot,
        snapshot=snapshot,
        view=picture,
        remembered=Remembered(path, rewind, None),
        moments=MomentShelf(4, 1 << 20),
        lost_s=0.0,
    )


class Shelf:
    """Called on an event loop, as the real one is."""

    def __init__(self, *, max_bytes: int = 1 << 20, sessions: int = 8, per_address: int = 8) -> None:
        self.clock = FakeClock()
        config = RuntimeConfig(
            resume=ResumeConfig(keep_s=60, max_bytes=max_bytes),
            max_sessions=sessions,
            access=AccessConfig(anonymous=AnonymousConfig(max_sessions=per_address)),
        )
        self.worlds = LeftWorlds(
            Current.fixed(config),
            self.clock,
            PrometheusMetrics(),
            server="0f" * 8,
            copies=None,
            threads=ThreadPoolExecutor(1),
        )

    def leave(self, visitor: Visitor, left: LeftWorld) -> ResumeTicket:
        ticket = self.worlds.ticket(visitor, lambda: None)
        self.worlds.keep(ticket, left)
        self.clock.advance(1)
        return ticket

    async def waits(self, ticket: ResumeTicket) -> bool:
        """Whether its player can come back; the world is put back then."""
        by = self.worlds.ticket(ticket.visitor, lambda: None)
        try:
            async with self.worlds.claimed(ticket.token, by):
                raise InterruptedError
        except InterruptedError:
            return True
        except DomainError as error:
            return error.code is not ErrorCode.RESUME_TOO_LATE
        finally:
            self.worlds.close(by)


@on_a_loop
async def test_the_oldest_gives_way_where_the_memory_is_used_up() -> None:
    shelf = Shelf(max_bytes=64 * KIB)
    first, second, third = (shelf.leave(Owner(), world(20)) for _ in range(3))
    assert [await shelf.waits(ticket) for ticket in (first, second, third)] == [False, True, True]


@on_a_loop
async def test_a_world_without_room_for_its_ways_back_is_kept_without_them() -> None:
    shelf, left = Shelf(max_bytes=64 * KIB), world(20, rewind_kib=200)
    assert await shelf.waits(shelf.leave(Owner(), left))
    assert left.remembered.rewind.newest is None


@on_a_loop
async def test_a_world_that_is_too_large_by_itself_moves_nobody() -> None:
    shelf = Shelf(max_bytes=64 * KIB)
    small, large = shelf.leave(Owner(), world(20)), shelf.leave(Owner(), world(200))
    assert [await shelf.waits(ticket) for ticket in (small, large)] == [True, False]


@on_a_loop
async def test_a_stranger_moves_their_own_and_other_strangers_worlds_but_never_the_owners() -> None:
    shelf = Shelf(sessions=3)
    owners = [shelf.leave(Owner(), world()) for _ in range(2)]
    one, two = shelf.leave(ONE, world()), shelf.leave(TWO, world())
    assert [await shelf.waits(ticket) for ticket in (*owners, one, two)] == [True, True, False, True]
    third = shelf.leave(Owner(), world())
    assert [await shelf.waits(ticket) for ticket in (two, third)] == [True, True]
    assert not await shelf.waits(owners[0])


@on_a_loop
async def test_an_address_keeps_as_many_as_it_may_play() -> None:
    shelf = Shelf(per_address=2)
    mine = [shelf.leave(ONE, world()) for _ in range(4)]
    others = shelf.leave(TWO, world())
    assert [await shelf.waits(ticket) for ticket in (*mine, others)] == [False, False, True, True, True]


@on_a_loop
async def test_nobody_else_comes_in_by_a_token() -> None:
    shelf = Shelf()
    ticket = shelf.leave(ONE, world())
    by = shelf.worlds.ticket(TWO, lambda: None)
    with pytest.raises(DomainError, match="has been closed"):
        async with shelf.worlds.claimed(ticket.token, by):
            raise AssertionError("It was opened for a stranger.")
    assert await shelf.waits(ticket)


@on_a_loop
async def test_a_world_that_was_put_back_waits_no_longer_than_before() -> None:
    shelf = Shelf()
    ticket = shelf.leave(ONE, world())
    shelf.clock.advance(58)
    assert await shelf.waits(ticket)
    shelf.clock.advance(2)
    assert not await shelf.waits(ticket)
    assert shelf.worlds.count == 0


@on_a_loop
async def test_all_give_way_to_an_engine_that_needs_the_memory_and_to_the_end_of_the_server() -> None:
    shelf = Shelf()
    ticket = shelf.leave(ONE, world())
    shelf.worlds.give_way()
    assert not await shelf.waits(ticket)
    ticket = shelf.leave(ONE, world())
    shelf.worlds.stop()
    late = shelf.leave(ONE, world())
    assert [await shelf.waits(each) for each in (ticket, late)] == [False, False]
