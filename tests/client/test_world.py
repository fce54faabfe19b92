"""A world as an object: what it gives, how it fails, and how it comes back."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from terrarium_client import (
    ConnectionLostError,
    DamagedMessageError,
    RefusedError,
    SessionEndedError,
    World,
    connect,
    gallery,
    sync,
)
from terrarium_client.passes import read_pass
from terrarium_client.protocol import KEYS
from terrarium_client.transport import open_socket, session_address

from runtime_config.runtime_config import AccessConfig
from tests.client.rig import client_rig
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_world_engine import FakeDrawnWorld, FakeWorldEngine, read_frame, words_sum
from tests.play.harness import picture
from wire_protocol import KEY_CODES

if TYPE_CHECKING:
    from terrarium_client.transport import Transport

CLIENT = Path(__file__).resolve().parents[2] / "client"
SERVER_MODULES = ("wire_protocol", "error_types", "app_factory", "handlers", "services", "state", "fastapi")


def test_the_client_brings_no_server_code() -> None:
    code = (
        "import sys, terrarium_client, terrarium_client.sync, terrarium_client.gym\n"
        f"print([name for name in {SERVER_MODULES!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=CLIENT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_keys_are_those_of_the_server() -> None:
    assert frozenset(KEY_CODES) == KEYS


def test_a_world_is_drawn_in_the_size_of_the_client_where_its_engine_can(tmp_path: Path) -> None:
    model = FakeModel(make_engine=lambda model_id: FakeWorldEngine(model_id, draws_any_size=True))
    with client_rig(tmp_path, model) as rig, sync.connect(rig.url, size=(24, 16)) as world:
        world.init(picture(90), rng_seed=5)
        made = world.step("W")
    drawn = model.engines[0].worlds[0]
    assert isinstance(drawn, FakeDrawnWorld)
    assert (drawn.drawn, made.picture.shape) == ([(24, 16, True)], (16, 24, 3))


def test_a_world_of_another_size_is_scaled_to_that_of_the_client(tmp_path: Path) -> None:
    with client_rig(tmp_path) as rig, sync.connect(rig.url, size=(24, 16)) as world:
        world.init(picture(90), rng_seed=5)
        assert world.step("W").picture.shape == (16, 24, 3)
        assert len(rig.model.engines[0].worlds) == 1  # none was opened in vain


@pytest.mark.parametrize("codec", ["rgb", "jpeg"])
def test_a_step_gives_the_picture_of_its_pass(codec: str, tmp_path: Path) -> None:
    with client_rig(tmp_path) as rig, sync.connect(rig.url, codec=codec) as world:
        begun = world.init(picture(90), rng_seed=5)
        made = world.step("W", mouse=(3, -2), frames="all")
        assert (begun.model, len(made.frames), made.picture.shape) == ("fake/world", 2, (32, 48, 3))
        if codec == "rgb":
            content = read_frame(made.picture)
            assert (content.rng_seed, content.buttons, content.mouse_dx) == (5, {KEY_CODES["W"]}, 3)
            assert (world.look() == made.picture).all()


def test_a_beginning_that_is_asked_for_again_is_a_beginning(tmp_path: Path) -> None:
    with client_rig(tmp_path) as rig, sync.connect(rig.url) as world:
        seed = gallery(rig.url)[0].hash
        world.init(seed=seed, rng_seed=5)
        first = world.step("W").picture
        world.step("A")
        world.init(seed=seed, rng_seed=5)
        assert (world.step("W").picture == first).all()


def test_refusals_are_the_servers_sentences_and_the_session_goes_on(tmp_path: Path) -> None:
    with client_rig(tmp_path) as rig, sync.connect(rig.url) as world:
        with pytest.raises(RefusedError, match="Start a world first") as early:
            world.step("W")
        world.init(seed=gallery(rig.url)[0].hash)
        with pytest.raises(RefusedError) as unknown:
            world.moments.restore("999")
        with pytest.raises(RefusedError, match="There is no key"):
            world.step("NOPE")
        assert (early.value.code, unknown.value.code) == ("notReady", "momentUnknown")
        assert world.step("W").picture.shape == (32, 48, 3)


def _begin(url: str) -> None:
    with sync.connect(url, tries=1) as world:
        world.init(picture(1))


def test_a_token_lets_in_and_its_lack_is_a_sentence(tmp_path: Path) -> None:
    access = AccessConfig(token="let-me-in-please-now")
    with client_rig(tmp_path, access=access) as rig:
        with sync.connect(rig.url, token=access.token) as world:
            world.init(seed=gallery(rig.url, token=access.token)[0].hash)
            world.step("W")
        with pytest.raises((ConnectionLostError, SessionEndedError), match="token"):
            _begin(rig.url)


def test_a_server_that_stops_says_why(tmp_path: Path) -> None:
    with client_rig(tmp_path) as rig, sync.connect(rig.url, tries=1) as world:
        world.init(seed=gallery(rig.url)[0].hash)
        rig.server.drain()
        with pytest.raises(SessionEndedError) as ended:
            world.step("W")
        assert ended.value.code == "shuttingDown"


def test_a_stepped_world_comes_back_where_it_was_when_its_connection_breaks(tmp_path: Path) -> None:
    """The same start and the same steps are made again, so what comes next is what would have come."""

    async def walk(url: str, *, breaks: bool) -> list[bytes]:
        opened: list[Transport] = []

        async def open_transport() -> Transport:
            opened.append(await open_socket(session_address(url, is_stepped=True), None))
            return opened[-1]

        seen: list[bytes] = []
        async with World(open_transport, tries=2) as world:
            await world.init(picture(90), rng_seed=5)
            await world.step("W")
            moment = await world.moments.take()
            await world.step("A")
            await world.moments.restore(moment)
            for number in range(3):
                if breaks and number == 1:
                    await opened[0].close()
                seen.append((await world.step("D")).picture.tobytes())
        assert len(opened) == (2 if breaks else 1)
        return seen

    with client_rig(tmp_path) as rig:
        assert asyncio.run(walk(rig.url, breaks=True)) == asyncio.run(walk(rig.url, breaks=False))


def test_a_world_whose_way_is_not_known_does_not_come_back_elsewhere(tmp_path: Path) -> None:
    async def walk(url: str) -> None:
        opened: list[Transport] = []

        async def open_transport() -> Transport:
            opened.append(await open_socket(session_address(url, is_stepped=True), None))
            return opened[-1]

        async with World(open_transport, tries=2) as world:
            await world.init(picture(90))
            for _ in range(40):
                await world.step("W")
            await world.rewind(0.5)
            await opened[0].close()
            with pytest.raises(ConnectionLostError):
                await world.step("W")

    with client_rig(tmp_path) as rig:
        asyncio.run(walk(rig.url))


def test_words_steer_a_world_whose_model_hears_them(tmp_path: Path) -> None:
    hearing = FakeModel(make_engine=lambda name: FakeWorldEngine(name, hears_words=True))
    with client_rig(tmp_path, hearing) as rig, sync.connect(rig.url) as world:
        world.init(picture(90))
        assert world.set_prompt("fog").prompt == "fog"
        assert read_frame(world.step("W").picture).words == words_sum("fog")
    with client_rig(tmp_path) as rig, sync.connect(rig.url) as world:
        world.init(picture(90))
        with pytest.raises(RefusedError) as refused:
            world.set_prompt("fog")
        assert refused.value.code == "promptNotHeard"


def test_no_server_is_a_sentence() -> None:
    with pytest.raises(ConnectionLostError, match="No server answers"), sync.connect("127.0.0.1:1", tries=1):
        pass
    with pytest.raises(ValueError, match="no address"):
        connect("ftp://example.org")


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff\xff\xff\xff{}", b"\x02\x00\x00\x00{}\x00\x00\x00\x00"])
def test_damaged_passes_are_typed(data: bytes) -> None:
    with pytest.raises(DamagedMessageError):
        read_pass(data)
