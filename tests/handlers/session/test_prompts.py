"""Words that steer a world: said on the socket, part of its path, and there again wherever the path leads."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from replay.log_plan import plan_of_log
from replay.player import Replay, ReplayError
from services.input_log.ndjson_input_logs import NdjsonInputLogs
from services.world_files.world_file import Prompted
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_world_engine import FakePromptedWorld, FakeWorldEngine, read_frame, words_sum
from tests.fakes.fake_world_store import FakeWorldStore
from tests.handlers.session.test_world_files import asked, open_saved, plan_of, save, walk
from tests.play.harness import fake_services, play_server
from tests.play.server_log import server_log

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from services.world_files.world_file import WorldFilePayload
    from tests.play.harness import Frame, PlayClient, PlayServer

FOG, RAIN = words_sum("fog"), words_sum("rain")


def hearing() -> FakeModel:
    return FakeModel(make_engine=lambda name: FakeWorldEngine(name, hears_words=True), takes_words=True)


@contextmanager
def playing(model: FakeModel, store: FakeWorldStore | None = None) -> Generator[PlayServer]:
    with play_server(fake_services(model, world_store=store or FakeWorldStore())) as server:
        yield server


def under(words: int) -> Callable[[Frame], bool]:
    return lambda frame: frame.content.words == words


def say(client: PlayClient, words: str) -> None:
    assert asked(client, "set_prompt", prompt=words) == {"prompt": words.strip()}
    client.send("resume")


def read(store: FakeWorldStore, world_id: str) -> WorldFilePayload:
    world = store.read(world_id)
    assert world is not None
    return world


def replayed_words(world: WorldFilePayload) -> list[int]:
    """What steered each pass of a replay, which must come out the same."""
    replay, engine = Replay(plan_of(world)), FakeWorldEngine(hears_words=True)
    words = [read_frame(replayed.frames[0]).words for replayed in replay.passes(engine)]
    assert replay.findings.is_exact
    assert replay.findings.same_state
    return words


# ------------------------------------------------------------------------------------------------ what is said


def test_words_steer_the_world_from_its_next_pass_and_it_goes_on() -> None:
    with playing(hearing()) as server, server.client(extended=True) as client:
        client.start()
        before = walk(client, 5, "W").content
        assert before.words == 0
        say(client, " fog ")
        after = client.hold("W", until=under(FOG)).content
        assert before.pass_number < after.pass_number
        say(client, "")
        client.hold("W", until=under(0))


def test_the_prompt_of_a_stock_client_starts_the_world_over_under_its_words() -> None:
    with playing(hearing()) as server, server.client() as client:
        client.start()
        walk(client, 5, "W")
        assert client.start_over("prompt", prompt="fog").content.words == FOG
        client.send("reset")  # which forgets the way, and no words
        walk(client, 5, "W")
        assert client.hold("W").content.words == FOG
        assert client.start_over("prompt").content.words == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [("x" * 1001, "1000 characters at most, and this one has 1001"), ("two\nlines", "one line"), ("\x00", "one line")],
    ids=["too long", "a line break", "a control character"],
)
def test_bad_words_are_refused_and_the_world_goes_on(words: str, said: str) -> None:
    with server_log() as log, playing(hearing()) as server, server.client(extended=True) as client:
        client.start()
        walk(client, 5, "W")
        refused = client.reply(client.request("set_prompt", prompt=words))
        assert (refused["success"], refused["code"]) == (False, "promptInvalid")
        assert said in refused["error"]
        client.send("prompt", prompt=words)
        assert said in str(log.wait_for("The prompt was refused")["reason"])
        assert walk(client, 8, "W").content.words == 0


def test_the_longest_words_are_heard() -> None:
    with playing(hearing()) as server, server.client(extended=True) as client:
        client.start()
        say(client, "ü" * 1000)
        client.hold("W", until=under(words_sum("ü" * 1000)))


def test_an_engine_without_words_says_so_and_a_prompt_is_a_reset_there() -> None:
    with server_log() as log, playing(FakeModel()) as server, server.client(extended=True) as client:
        client.start()
        refused = client.reply(client.request("set_prompt", prompt="fog"))
        assert (refused["code"], refused["error"]) == ("promptNotHeard", "Fake fake/world does not hear words.")
        walk(client, 9, "W")
        client.start_over("prompt", prompt="fog")
        assert log.of("The prompt was not used: this model does not hear words")


def test_the_list_of_models_says_which_hear_words() -> None:
    with playing(hearing()) as server:
        (listed,) = server.http.get("/api/models").json()
        assert listed["takes_words"] is True


# --------------------------------------------------------------------------------------- where the path leads


def test_a_saved_world_replays_its_words_and_opens_under_them() -> None:
    store = FakeWorldStore()
    with playing(hearing(), store) as server:
        with server.client(extended=True) as client:
            client.start()
            walk(client, 5, "W")
            say(client, "fog")
            client.hold("W", until=under(FOG))
            saved = save(client)
        world = read(store, saved)
        (change,) = world.changes
        assert change == Prompted(change.passes, "fog")
        assert replayed_words(world) == [0] * change.passes + [FOG] * (world.place.passes - change.passes)
        with server.client(extended=True) as client:
            assert open_saved(client, saved)["success"]
            assert client.hold("W").content.words == FOG
            assert client.start_over().content.words == FOG
            again = read(store, save(client))
    assert again.changes == (Prompted(0, "fog"),)
    assert set(replayed_words(again)) == {FOG}


def test_a_return_and_a_rewind_lead_back_to_the_words_of_that_time() -> None:
    store = FakeWorldStore()
    model = FakeModel(make_engine=lambda name: FakeWorldEngine(name, fps=4, hears_words=True))
    with playing(model, store) as server, server.client(extended=True) as client:
        client.start(cap_inference_fps=False)
        say(client, "fog")
        client.hold("W", until=lambda frame: frame.content.pass_number >= 10)
        moment = asked(client, "take_moment")["moment_id"]
        say(client, "rain")
        frame = client.hold("W", until=under(RAIN))
        walk(client, frame.content.pass_number + 3, "W")
        asked(client, "rewind", seconds=8)
        client.send("resume")
        assert client.hold("W").content.words == FOG
        say(client, "rain")
        client.hold("W", until=under(RAIN))
        asked(client, "restore_moment", moment_id=moment)
        client.send("resume")
        assert client.hold("D", until=lambda frame: 0x44 in frame.content.buttons).content.words == FOG
        world = read(store, save(client))
    assert [change for change in world.changes if isinstance(change, Prompted)] == [Prompted(0, "fog")]


def test_an_engine_that_fails_gets_the_words_again() -> None:
    model = hearing()
    with playing(model) as server, server.client(extended=True) as client:
        client.start()
        walk(client, 5, "W")
        say(client, "fog")
        client.hold("W", until=under(FOG))
        model.engines[0].fail_next(1)
        client.stage("session.reset")
        assert client.hold("W").content.words == FOG


def test_words_said_before_the_first_pass_outlive_the_engines_failure() -> None:
    model = hearing()
    with playing(model) as server, server.client(extended=True) as client:
        client.start()
        client.send("prompt", prompt="fog")
        assert client.reply(client.request("take_moment"))["success"]
        model.engines[0].fail_next(1)
        client.control("W")
        client.stage("session.reset")
        assert client.hold("W").content.words == FOG


def test_words_that_the_engine_fails_at_lose_nothing() -> None:
    model = hearing()
    with playing(model) as server, server.client(extended=True) as client:
        client.start()
        walk(client, 5, "W")
        say(client, "fog")
        client.hold("W", until=under(FOG))
        world = model.engines[0].worlds[0]
        assert isinstance(world, FakePromptedWorld)
        world.fails_to_hear = 1
        client.send("pause")
        refused = client.reply(client.request("set_prompt", prompt="rain"))
        assert refused["code"] == "engineFailed"
        assert "goes on from" in client.stage("session.reset")["message"]
        client.send("resume")
        assert client.hold("W").content.words == FOG


def test_the_input_log_says_the_words_and_replays_them(tmp_path: Path) -> None:
    logs = NdjsonInputLogs(tmp_path, 10**9)
    services = replace(fake_services(hearing()), input_logs=logs)
    with play_server(services) as server, server.client(extended=True) as client:
        client.start(action_logging=True)
        walk(client, 5, "W")
        assert client.reply(client.request("set_prompt", prompt="fog"))["success"]  # in play
        client.hold("W", until=under(FOG))
        say(client, "rain")  # between two logs
        client.hold("W", until=under(RAIN))
    logs.close(10.0)
    first, second = (plan_of_log(log) for log in sorted(tmp_path.glob("*.ndjson"), key=lambda log: log.stat().st_mtime))
    assert [change.words for change in first.changes if isinstance(change, Prompted)] == ["fog"]
    assert second.changes == ()
    for plan, words in ((first, {0, FOG}), (second, {RAIN})):
        replay, engine = Replay(plan), FakeWorldEngine(hears_words=True)
        assert {read_frame(replayed.frames[0]).words for replayed in replay.passes(engine)} == words
        assert replay.findings.is_exact
    with pytest.raises(ReplayError, match="hears no words on this machine"):
        list(Replay(first).passes(FakeWorldEngine()))
