"""Who has no token plays, and does beside it what the owner allows, by REST and in a session alike."""

from __future__ import annotations

import asyncio
from threading import RLock
from typing import TYPE_CHECKING, Any

import pytest

from access_rules import Anonymous, Owner
from error_types import DomainError, ErrorCode
from handlers.visitors_handler import VisitorsHandler
from runtime_config.anonymous_config import AnonymousAction, AnonymousConfig
from runtime_config.current import Current
from runtime_config.runtime_config import AccessConfig
from state.app_state_types import AppState
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_image_editor import FakeImageEditor
from tests.fakes.fake_prompt_writer import FakePromptWriter
from tests.fakes.fake_video_writer import FakeVideoWriter
from tests.play.harness import Json, PlayServer, fake_services, picture, play_server, session_config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    import httpx

    from services.clock.clock import Clock

TOKEN = "correct-horse-battery-staple"
OWNER = {"Authorization": f"Bearer {TOKEN}"}
EVERYTHING = tuple(AnonymousAction)
NEVER = "anonymousNotAllowed"
WORLD = {"model": "fake/world", "config": session_config(), "world_id": "0" * 16}

SCENE = {"kind": "scene", "request": {"prompt": "a lake"}}


def open_server(folder: Path, *may: AnonymousAction, **bounds: Any) -> AbstractContextManager[PlayServer]:
    """A server on which whoever shows no token is anonymous, also from this machine."""
    services = fake_services(
        prompt_writer=FakePromptWriter(), image_editor=FakeImageEditor(), recordings_dir=folder, films_dir=folder
    )
    anonymous = AnonymousConfig(may=may, **bounds)
    return play_server(services, access=AccessConfig(token=TOKEN, allow_anonymous=True, anonymous=anonymous))


def code_of(answer: httpx.Response) -> str | None:
    return answer.json()["code"] if answer.status_code >= 400 else None


def asked_in_session(server: PlayServer, *, token: str | None = None) -> dict[str, str | None]:
    """How a session answers the requests that leave something behind; None: done, or refused for another reason."""
    codes: dict[str, str | None] = {}
    with server.client(extended=True, token=token) as client:
        client.start(scene_authoring=True)
        for kind, fields in (
            ("save_world", {"title": "Mine"}),
            ("recording", {"on": True}),
            ("scene_edit", {"prompt": "fog"}),
            ("generate_scene", {"prompt": "a lake"}),
            ("keep_picture", {}),
        ):
            codes[kind] = client.reply(client.request(kind, **fields)).get("code")
        codes["init"] = client.reply(client.request("init", **WORLD)).get("code")
        client.hold("W")
    return codes


def asked_by_rest(http: httpx.Client, headers: dict[str, str]) -> dict[str, str | None]:
    seed = http.post("/api/seeds", content=picture(1), headers=headers)
    return {
        "upload": code_of(seed),
        "scene": code_of(http.post("/api/jobs", json=SCENE, headers=headers)),
        "recordings": code_of(http.get("/api/recordings", headers=headers)),
        "worlds": code_of(http.get("/api/worlds", headers=headers)),
        "world": code_of(http.post("/api/worlds", content=b"no world", headers=headers)),
        "deletion": code_of(http.delete(f"/api/seeds/{'0' * 64}", headers=headers)),
    }


def test_without_a_token_nothing_is_left_behind(tmp_path: Path) -> None:
    with open_server(tmp_path) as server:
        assert set(asked_by_rest(server.http, {}).values()) == {NEVER}
        assert set(asked_in_session(server).values()) == {NEVER}
        assert server.http.get("/api/seeds").json()["seeds"] == []


def test_with_a_token_or_where_all_is_allowed_nothing_is_noticed(tmp_path: Path) -> None:
    with open_server(tmp_path) as server:
        assert NEVER not in asked_by_rest(server.http, OWNER).values()
        assert NEVER not in asked_in_session(server, token=TOKEN).values()
    with open_server(tmp_path, *EVERYTHING) as server:
        assert NEVER not in asked_by_rest(server.http, {}).values()
        assert NEVER not in asked_in_session(server).values()


def test_on_loopback_nothing_is_noticed(tmp_path: Path) -> None:
    services = fake_services(
        prompt_writer=FakePromptWriter(), image_editor=FakeImageEditor(), recordings_dir=tmp_path, films_dir=tmp_path
    )
    with play_server(services) as server:
        assert NEVER not in asked_by_rest(server.http, {}).values()
        assert NEVER not in asked_in_session(server).values()


@pytest.mark.parametrize("action", EVERYTHING)
def test_each_action_is_allowed_by_itself(tmp_path: Path, action: AnonymousAction) -> None:
    of_action = {
        AnonymousAction.UPLOADS: {"upload", "scene", "scene_edit", "generate_scene", "keep_picture"},
        AnonymousAction.RECORDINGS: {"recordings", "recording"},
        AnonymousAction.WORLDS: {"worlds", "save_world", "init"},
        AnonymousAction.DELETIONS: {"deletion"},
    }
    with open_server(tmp_path, action) as server:
        codes = {**asked_by_rest(server.http, {}), **asked_in_session(server)}
        assert {name for name, code in codes.items() if code != NEVER} == of_action[action]


@pytest.mark.parametrize("extended", [False, True])
def test_a_world_is_played_without_the_recording_that_came_with_its_init(tmp_path: Path, *, extended: bool) -> None:
    writer = FakeVideoWriter()
    access = AccessConfig(token=TOKEN, allow_anonymous=True)
    services = fake_services(video_writer=writer, recordings_dir=tmp_path)
    with play_server(services, access=access) as server:
        with server.client(extended=extended) as client:
            asked = client.init(picture(200), video_recording=True, action_logging=True)
            if extended:
                failed = client.of_type("recording")
                assert (failed["event"], failed["code"]) == ("failed", NEVER)
            assert client.reply(asked)["success"]
            client.hold("W")
        assert writer.recordings == []
        with server.client(extended=extended, token=TOKEN) as owner:
            owner.start(video_recording=True)
            owner.hold("W")
        assert len(writer.recordings) == 1


def test_one_address_has_so_many_sessions_at_a_time(tmp_path: Path) -> None:
    with open_server(tmp_path, max_sessions=2) as server, server.client() as first, server.client() as second:
        first.start()
        second.start()
        with server.client() as third:
            refused = third.of_type("error")
            assert (refused["code"], refused.get("message_id")) == ("tooManySessions", None)
            assert third.closed()[0] == 1000
        with server.client(token=TOKEN) as owner:
            owner.start()
        first.hold("W")


def upload(server: PlayServer, number: int, headers: dict[str, str]) -> Json:
    answer = server.http.post("/api/seeds", content=picture(number), headers=headers)
    return {"status": answer.status_code, **answer.json()}


def test_one_address_has_so_many_pictures_kept(tmp_path: Path) -> None:
    with open_server(tmp_path, AnonymousAction.UPLOADS, max_pictures=2) as server:
        assert server.http.post("/api/seeds", content=b"no picture").json()["code"] == "seedNotAPicture"
        assert [upload(server, number, {})["status"] for number in (1, 2)] == [201, 201]
        refused = upload(server, 3, {})
        assert (refused["status"], refused["code"]) == (429, "uploadQuotaUsed")
        assert "2 pictures" in refused["message"]
        assert code_of(server.http.post("/api/jobs", json=SCENE)) == "uploadQuotaUsed"
        assert upload(server, 4, OWNER)["status"] == 201


def test_one_address_sends_so_many_bytes(tmp_path: Path) -> None:
    size = len(picture(1))
    with open_server(tmp_path, *EVERYTHING, upload_bytes=2 * size + 100) as server:
        assert code_of(server.http.post("/api/worlds", content=b"\0" * size)) == "worldNotAWorld"
        assert upload(server, 1, {})["status"] == 201
        assert upload(server, 2, {})["code"] == "uploadQuotaUsed"
        assert code_of(server.http.post("/api/worlds", content=b"\0" * size)) == "uploadQuotaUsed"
        assert upload(server, 2, OWNER)["status"] == 201


# ------------------------------------------------------------------------------------------------ the quotas


def quotas(clock: Clock, **bounds: Any) -> tuple[VisitorsHandler, AppState]:
    state = AppState()
    return VisitorsHandler(state, RLock(), clock, Current.fixed(AnonymousConfig(**bounds))), state


async def send(visitors: VisitorsHandler, visitor: Anonymous | Owner, *sizes: int) -> int:
    async def chunks() -> AsyncIterator[bytes]:
        for size in sizes:
            yield bytes(size)

    return sum([len(chunk) async for chunk in visitors.counted(visitor, chunks())])


def test_the_count_of_an_address_begins_anew_after_a_day() -> None:
    async def scenario() -> None:
        clock = FakeClock()
        visitors, _ = quotas(clock, upload_bytes=10, max_pictures=1)
        one, other = Anonymous("192.0.2.1"), Anonymous("192.0.2.2")
        assert await send(visitors, one, 4, 6) == 10
        visitors.take_picture(one)
        with pytest.raises(DomainError, match="Try again in 24 hours") as caught:
            await send(visitors, one, 1)
        assert caught.value.code is ErrorCode.UPLOAD_QUOTA_USED
        assert await send(visitors, other, 10) == 10, "each address for itself"
        assert await send(visitors, Owner(), 100) == 100
        clock.advance(24 * 3600 - 60)
        with pytest.raises(DomainError, match="in an hour"):
            visitors.take_picture(one)
        clock.advance(60)
        assert await send(visitors, one, 10) == 10
        visitors.take_picture(one)

    asyncio.run(scenario())


def test_what_fails_gives_its_picture_back_however_late() -> None:
    clock = FakeClock()
    visitors, state = quotas(clock, max_pictures=1)
    one = Anonymous("192.0.2.1")
    for _ in range(3):
        with pytest.raises(LookupError), visitors.picture(one):
            raise LookupError
    visitors.take_picture(one)
    clock.advance(25 * 3600)
    with pytest.raises(LookupError), visitors.picture(one):  # the count begins anew
        raise LookupError
    visitors.give_picture_back(one)
    with visitors.picture(one):
        pass
    with pytest.raises(DomainError), visitors.picture(one):
        pass
    assert len(state.uploads) == 1


def test_only_so_many_addresses_are_remembered() -> None:
    clock = FakeClock()
    visitors, state = quotas(clock, max_addresses=3, max_pictures=1)
    for number in range(10):
        visitors.take_picture(Anonymous(f"192.0.2.{number}"))
        clock.advance(1)
    assert list(state.uploads) == ["192.0.2.7", "192.0.2.8", "192.0.2.9"]
    with pytest.raises(DomainError):
        visitors.take_picture(Anonymous("192.0.2.8"))
