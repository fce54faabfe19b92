"""A stepped world whose connection breaks: the client goes on in it, or makes the same steps again."""

from __future__ import annotations

import asyncio
import math
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from terrarium_client import ConnectionLostError
from terrarium_client.protocol import ExtendedInitResponseData, ResumedWorld
from terrarium_client.transport import SocketTransport, session_address
from terrarium_client.way_back import WayBack
from terrarium_client.world import World
from websockets.asyncio.client import connect

from runtime_config.resume_config import ResumeConfig
from tests.client.rig import client_rig
from tests.fakes.fake_world_engine import read_frame
from tests.play.harness import picture
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from pathlib import Path

    from terrarium_client.passes import Pass
    from websockets.asyncio.client import ClientConnection

    from tests.client.rig import ClientRig


class FrailTransport:
    """A socket that breaks without a close frame, as a lost network does: at once, or in the midst of a request."""

    def __init__(self, socket: ClientConnection, answers_left: float = math.inf) -> None:
        self._socket = socket
        self._inner = SocketTransport(socket)
        self.takes_request = True
        self.answers_left = answers_left

    def cut(self) -> None:
        self._socket.transport.abort()

    async def send(self, text: str) -> None:
        if not self.takes_request:
            self.cut()
            await self._socket.wait_closed()
        await self._inner.send(text)

    async def receive(self) -> str | bytes:
        message = await self._inner.receive()
        if isinstance(message, bytes) or '"response"' in message:
            if not self.answers_left:
                self.cut()
                raise ConnectionLostError("The answer was lost.")
            self.answers_left -= 1
        return message

    async def close(self) -> None:
        await self._inner.close()


class Frail:
    """Opens such sockets to a server, and the next ones by `detours` to others, as the address of a fleet may.

    A detour breaks after so many answers.
    """

    def __init__(self, rig: ClientRig) -> None:
        self.detours: list[tuple[ClientRig, float]] = []
        self._home = rig
        self._model = rig.model
        self.opened: list[FrailTransport] = []

    @property
    def passes(self) -> int:
        """How many all worlds of the server have made."""
        return sum(len(world.controls) for world in self._model.engines[0].worlds)

    async def open(self) -> FrailTransport:
        rig, answers = self.detours.pop(0) if self.detours else (self._home, math.inf)
        address = session_address(rig.url, is_stepped=True)
        self.opened.append(FrailTransport(await connect(address, compression=None, max_size=None), answers))
        return self.opened[-1]

    @asynccontextmanager
    async def world(self) -> AsyncGenerator[World]:
        async with World(self.open, tries=5) as world:
            await world.init(picture(90), rng_seed=5)
            yield world


def number(made: Pass) -> int:
    return read_frame(made.picture).pass_number


def walk(folder: Path, steps: Callable[[World, Frail], Awaitable[None]], **config: Any) -> None:
    """Do something in a new world."""

    async def run(rig: ClientRig) -> None:
        frail = Frail(rig)
        async with frail.world() as world:
            await steps(world, frail)

    with client_rig(folder, **config) as rig:
        asyncio.run(run(rig))


async def break_off(how: str, frail: Frail) -> None:
    link = frail.opened[-1]
    match how:
        case "at rest":
            link.cut()
        case "before the request":
            link.takes_request = False
        case _:
            link.answers_left = 0


@pytest.mark.parametrize("how", ["at rest", "before the request", "after the request"])
def test_it_goes_on_where_the_server_has_kept_it_and_no_step_is_made_twice(how: str, tmp_path: Path) -> None:
    """Also after a rewind, whose way the client does not know."""

    async def steps(world: World, frail: Frail) -> None:
        for _ in range(70):
            await world.step("W")
        back = 70 - round((await world.rewind(1.0)).went_back_s * 60 / 2)
        made = frail.passes
        await break_off(how, frail)
        assert number(await world.step("A")) == back + 1
        assert number(await world.step("A")) == back + 2
        assert frail.passes == made + 2
        assert len(frail.opened) == 2

    walk(tmp_path, steps)


@pytest.mark.trial
def test_its_moments_are_there_still(tmp_path: Path) -> None:
    async def steps(world: World, frail: Frail) -> None:
        await world.step("W")
        moment = await world.moments.take()
        await world.step("W")
        frail.opened[-1].cut()
        assert number(await world.step("A")) == 3
        assert world.moments.kept == (moment,)
        await world.moments.restore(moment)
        frail.opened[-1].answers_left = 0
        assert number(await world.step("A")) == 2
        assert len(frail.opened) == 3

    walk(tmp_path, steps)


def test_what_is_seen_after_a_lost_step_is_what_the_step_led_to(tmp_path: Path) -> None:
    async def seen(world: World) -> list[bytes]:
        return [(await world.step("D", mouse=(3, 1))).picture.tobytes() for _ in range(3)]

    async def steps(world: World, frail: Frail) -> None:
        undisturbed = await seen(world)
        await world.reset()
        frail.opened[-1].answers_left = 0
        assert await seen(world) == undisturbed

    walk(tmp_path, steps)


def test_a_look_comes_back_too(tmp_path: Path) -> None:
    async def steps(world: World, frail: Frail) -> None:
        there = (await world.step("W")).picture
        frail.opened[-1].answers_left = 0
        assert (await world.look() == there).all()
        assert number(await world.step("W")) == 2
        assert frail.passes == 2

    walk(tmp_path, steps)


@pytest.mark.trial
def test_all_frames_of_a_lost_step_are_made_again(tmp_path: Path) -> None:
    async def steps(world: World, frail: Frail) -> None:
        await world.step("W")
        frail.opened[-1].answers_left = 0
        made = await world.step("W", frames="all")
        assert (len(made.frames), number(made)) == (2, 2)
        assert number(await world.step("W")) == 3

    walk(tmp_path, steps)


def test_where_a_change_was_not_answered_the_same_steps_are_made_again(tmp_path: Path) -> None:
    """The server has gone back already, and nobody told the client."""

    async def steps(world: World, frail: Frail) -> None:
        for _ in range(40):
            await world.step("W")
        frail.opened[-1].answers_left = 0
        with pytest.raises(ConnectionLostError):
            await world.rewind(1.0)
        assert number(await world.step("W")) == 41

    walk(tmp_path, steps)


@pytest.mark.trial
def test_a_reset_that_did_not_arrive_is_no_reason_to_go_on_from_before_it(tmp_path: Path) -> None:
    async def steps(world: World, frail: Frail) -> None:
        await world.step("W")
        frail.opened[-1].takes_request = False
        with pytest.raises(ConnectionLostError):
            await world.reset()
        assert number(await world.step("W")) == 2
        await world.reset()
        frail.opened[-1].cut()
        assert number(await world.step("W")) == 1

    walk(tmp_path, steps)


def test_where_the_server_keeps_nothing_the_way_is_gone_again_if_it_is_known(tmp_path: Path) -> None:
    async def steps(world: World, frail: Frail) -> None:
        for _ in range(40):
            await world.step("W")
        frail.opened[-1].cut()
        assert number(await world.step("W")) == 41
        await world.rewind(0.5)
        frail.opened[-1].cut()
        with pytest.raises(ConnectionLostError):
            await world.step("W")

    walk(tmp_path, steps, resume=ResumeConfig(keep_s=0))


def has_ended(rig: ClientRig) -> bool:
    (session,) = rig.server.handler.sessions.own_play().sessions
    return session.summary.state == "ended"


@pytest.mark.parametrize("is_at_work", [False, True])
def test_where_its_server_stops_it_goes_on_at_another(*, is_at_work: bool, tmp_path: Path) -> None:
    async def run(stops: ClientRig, stays: ClientRig) -> None:
        frail = Frail(stops)
        async with frail.world() as world:
            made = [await world.step("W"), await world.step("W")]
            frail.detours.append((stays, math.inf))
            engine, drain = stops.model.engines[0], asyncio.to_thread(stops.server.drain)
            if is_at_work:
                engine.hold()
                step = asyncio.create_task(world.step("W"))
                await asyncio.to_thread(engine.wait_until_held)
                draining = asyncio.create_task(drain)
                await wait_until_async(lambda: has_ended(stops), "its session ends")
                engine.release()
                made.append(await step)
                await draining
            else:
                await drain
                made.append(await world.step("W"))
            made.append(await world.step("W"))
            assert [number(each) for each in made] == [1, 2, 3, 4]
            assert [len(stays.model.engines[0].worlds[0].controls), len(frail.opened)] == [4, 2]

    with client_rig(tmp_path / "stops") as stops, client_rig(tmp_path / "stays") as stays:
        asyncio.run(run(stops, stays))


def test_one_that_is_full_is_asked_again(tmp_path: Path) -> None:
    async def run(home: ClientRig, full: ClientRig) -> None:
        frail = Frail(home)
        async with frail.world() as world:
            await world.step("W")
            frail.detours.append((full, math.inf))
            frail.opened[-1].cut()
            assert number(await world.step("W")) == 2
            assert len(frail.opened) == 3

    with (
        client_rig(tmp_path / "home") as home,
        client_rig(tmp_path / "full", max_sessions=1) as full,
        full.server.client(extended=True) as other,
    ):
        other.start()
        asyncio.run(run(home, full))


def test_a_way_back_that_breaks_off_is_gone_anew(tmp_path: Path) -> None:
    """The world that the other server keeps has made the first of three steps, and is not taken for one with all."""

    async def run(home: ClientRig, other: ClientRig) -> None:
        frail = Frail(home)
        async with frail.world() as world:
            for _ in range(3):
                await world.step("W")
            is_unknown, begun_anew, stepped = 1, 1, 1
            frail.detours += [(other, is_unknown + begun_anew + stepped), (other, math.inf), (other, math.inf)]
            frail.opened[-1].cut()
            assert number(await world.step("W")) == 4

    with client_rig(tmp_path / "home") as home, client_rig(tmp_path / "other") as other:
        asyncio.run(run(home, other))


RESUMED = ResumedWorld(kept=(), lost_s=0, passes=3)


def after_three_steps() -> WayBack:
    way = WayBack()
    for _ in range(3):
        way.stepped({})
    return way


def test_only_one_step_can_have_been_lost_and_only_while_one_was_asked_for() -> None:
    way = after_three_steps()
    assert [way.passes_lost(RESUMED.model_copy(update={"passes": n}), is_step=True) for n in (2, 3, 4, 5)] == [
        *(None, 0, 1),
        None,
    ]
    assert way.passes_lost(RESUMED.model_copy(update={"passes": 4}), is_step=False) is None


def test_a_world_that_lost_play_or_whose_count_is_not_known_is_not_taken_for_the_clients() -> None:
    way = after_three_steps()
    assert way.passes_lost(RESUMED.model_copy(update={"lost_s": 0.01}), is_step=True) is None
    way.lose_count()
    assert way.passes_lost(RESUMED, is_step=True) is None
    assert way.passes_lost(RESUMED, is_step=False) == 0
    assert way.path.steps is None
    answer = ExtendedInitResponseData.model_construct(resume_token="t")
    way.resumed(answer, RESUMED, 0)
    assert way.passes_lost(RESUMED.model_copy(update={"passes": 4}), is_step=True) == 1
