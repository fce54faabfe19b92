"""Scenes that nobody waits for any more: stopped or dropped, never seen, and logged."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from runtime_config.authoring_config import AuthoringConfig
from runtime_config.runtime_config import SessionLimits
from tests.fakes.fake_catalogue import FakeModel
from tests.handlers.session.authoring_studio import BOTH, SEED, Studio, ask, begin, codes, is_green, is_seed, studio
from tests.play.harness import PlayClient, picture
from tests.play.movable_time import MOVABLE_TIME, stopped_time
from tests.play.server_log import ServerLog, server_log
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tests.fakes.fake_world_engine import FakeWorldEngine

DROPPED = "A scene was dropped"
# Nobody answers pings while the time stands still, and then a minute passes at once.
UNPINGED = SessionLimits(ping_interval_s=3600.0, ping_timeout_s=3600.0)


@pytest.fixture(name="log")
def fixture_log() -> Generator[ServerLog]:
    with server_log() as log:
        yield log


def dropped(log: ServerLog) -> tuple[object, object]:
    """Kind and reason of the one scene that was dropped, by the log; it was that session's."""
    event = log.wait_for(DROPPED)
    assert len(log.of(DROPPED)) == 1
    assert event["session_id"]
    return event["kind"], event["reason"]


@dataclass
class Stage:
    """A world that has been played, with a moment kept, and a scene on its way that the painter holds."""

    at: Studio
    client: PlayClient
    engine: FakeWorldEngine
    moment: str
    req_id: str

    def reset(self) -> None:
        self.client.start_over()

    def choose_another_seed(self) -> None:
        assert self.client.reply(self.client.init(picture(77), scene_authoring=True))["success"]

    def return_to_a_moment(self) -> None:
        assert self.client.reply(self.client.request("restore_moment", moment_id=self.moment))["success"]

    def rewind(self) -> None:
        assert self.client.reply(self.client.request("rewind", seconds=1))["success"]

    def break_the_engine(self) -> None:
        self.engine.fail_next(1)
        self.client.control("W")
        self.client.stage("session.reset")


MOVES: dict[str, Callable[[Stage], None]] = {
    "a reset": Stage.reset,
    "another seed": Stage.choose_another_seed,
    "a kept moment": Stage.return_to_a_moment,
    "rewinding": Stage.rewind,
    "an engine that failed": Stage.break_the_engine,
}


@BOTH
@pytest.mark.parametrize("move", MOVES)
def test_a_world_that_moved_on_takes_no_scene(kind: str, move: str, log: ServerLog) -> None:
    model = FakeModel()
    with studio(model) as at, at.server.client(extended=True) as client:
        begin(client)
        moment = client.reply(client.request("take_moment"))["data"]["moment_id"]
        client.hold("W")
        at.editor.hold()
        req_id = client.request(kind, prompt="fog")
        at.editor.wait_until_held()
        MOVES[move](Stage(at, client, model.engines[0], moment, req_id))
        at.editor.release()
        reply = client.reply(req_id)
        assert codes(reply) == (None, "authoringOutdated")
        assert dropped(log) == ("edit" if kind == "scene_edit" else "scene", reply["error"])
        assert client.hold("W").content.seed_mean == ((77 if move == "another seed" else SEED), 0, 0)
        assert len(at.seeds.list()) == 0
        assert ask(client, kind)["success"]


@BOTH
def test_it_can_be_cancelled_in_mid_run(kind: str, log: ServerLog) -> None:
    with studio() as at, at.server.client(extended=True) as client:
        begin(client)
        at.editor.hold()
        req_id = client.request(kind, prompt="fog")
        at.editor.wait_until_held()
        client.send("cancel", target_req_id=req_id)
        assert codes(client.reply(req_id))[1] == "cancelled"
        assert at.editor.cancelled == 1
        assert dropped(log)[1] == "The scene was given up."
        at.editor.release()
        assert is_seed(client.hold("W"))
        assert ask(client, "scene_edit")["success"]


@pytest.mark.parametrize(("kind", "limit_s", "waits_s"), [("scene_edit", 28, 30), ("generate_scene", 58, 60)])
def test_a_stock_client_is_answered_before_it_stops_waiting(
    kind: str, limit_s: int, waits_s: int, log: ServerLog
) -> None:
    assert limit_s < waits_s
    with studio(limits=UNPINGED, loop=MOVABLE_TIME) as at, at.server.client() as client:
        begin(client)
        at.editor.hold()
        with stopped_time(at.server) as move:
            req_id = client.request(kind, prompt="fog")
            at.editor.wait_until_held()
            move(limit_s - 0.01)
            client.reply(client.request("check_seed_safety", image_data=""))
            assert at.editor.cancelled == 0
            move(0.01)
            assert codes(client.reply(req_id)) == (None, "requestTimeout")
            assert at.editor.cancelled == 1
        assert dropped(log)[1] == "The scene was given up."
        refused = log.of("Request refused")[-1]
        assert (refused["kind"], refused["reason"]) == (kind, f"This took longer than {limit_s} s.")
        at.editor.release()
        assert is_seed(client.hold("W"))
        assert ask(client, kind)["success"]


@pytest.mark.parametrize("kind", ["scene_edit", "generate_scene"])
def test_a_client_with_a_limit_of_its_own_waits_as_long(kind: str) -> None:
    with studio(limits=UNPINGED, loop=MOVABLE_TIME) as at, at.server.client(extended=True) as client:
        begin(client)
        at.editor.hold()
        with stopped_time(at.server) as move:
            req_id = client.request(kind, prompt="fog", timeout_s=600)
            at.editor.wait_until_held()
            move(599)
        at.editor.release()
        assert client.reply(req_id)["success"]
        at.editor.hold()
        with stopped_time(at.server) as move:
            req_id = client.request(kind, prompt="fog", timeout_s=5)
            at.editor.wait_until_held()
            move(5)
            assert codes(client.reply(req_id))[1] == "requestTimeout"
        at.editor.release()
        assert is_green(client.hold("W"))


@BOTH
def test_the_limits_can_be_set(kind: str) -> None:
    short = AuthoringConfig(edit_limit_s=0.2, scene_limit_s=0.2)
    with studio(authoring=short) as at, at.server.client() as client:
        begin(client)
        at.editor.hold()
        assert codes(ask(client, kind))[1] == "requestTimeout"
        at.editor.release()


@BOTH
def test_a_client_that_leaves_leaves_nothing_running(kind: str, log: ServerLog) -> None:
    with studio() as at:
        with at.server.client() as client:
            begin(client)
            at.editor.hold()
            client.request(kind, prompt="fog")
            at.editor.wait_until_held()
        wait_until(lambda: at.editor.cancelled == 1, "the picture was given up")
        wait_until(lambda: not at.server.sessions(), "the session ended")
        assert dropped(log)[1] == "The scene was given up."
        at.editor.release()
        assert len(at.seeds.list()) == 0
        with at.server.client() as client:
            begin(client)
            assert ask(client, kind)["success"]


def test_a_server_that_stops_answers_first(log: ServerLog) -> None:
    with studio() as at, at.server.client() as client:
        begin(client)
        at.editor.hold()
        req_id = client.request("scene_edit", prompt="fog")
        at.editor.wait_until_held()
        stopping = threading.Thread(target=at.server.drain)
        stopping.start()
        assert codes(client.reply(req_id))[1] == "cancelled"
        stopping.join()
        assert dropped(log)[1] == "The scene was given up."
