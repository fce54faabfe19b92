"""Stepped sessions: a pass for each request, answered by its frames."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from handlers.session.outbox import FramesAnswer, Outbox
from handlers.session.stats import SessionStats
from services.frame_encoder.frame_sizes import scaled
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_frame_encoder import FakeFrameEncoder
from tests.fakes.fake_world_engine import read_frame
from tests.play.harness import Frame, PlayClient, PlayServer, b64, fake_services, picture, play_server, session_config
from wire_protocol import KEY_CODES

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.fakes.fake_world_engine import FakeFrameContent

STEPPED = "protocol_version=5&mode=stepped"


@contextmanager
def stepped(server: PlayServer) -> Generator[PlayClient]:
    with server.client(query=STEPPED, extended=True) as client:
        yield client


def answer(client: PlayClient, req_id: str) -> Frame:
    return client.frame(lambda frame: frame.header.req_id == req_id)


def step(client: PlayClient, *buttons: str, **fields: Any) -> Frame:
    return answer(client, client.request("step", buttons=list(buttons), **fields))


def seen(frame: Frame) -> FakeFrameContent:
    """What the last sub-frame of an answer in pixels says."""
    shape = (frame.header.height or 0, frame.header.width or 0, 3)
    return read_frame(np.frombuffer(frame.jpegs[-1], dtype=np.uint8).reshape(shape))


def start(client: PlayClient, red: int = 200, **fields: Any) -> None:
    image = b64(picture(red))
    config = session_config()
    reply = client.reply(client.request("init", model="fake/world", config=config, seed_image_data=image, **fields))
    assert reply["success"], reply


def test_each_step_is_one_pass_with_its_own_controls() -> None:
    model = FakeModel()
    with play_server(fake_services(model)) as server, stepped(server) as client:
        start(client)
        first = step(client, "W", mouse_dx=3, mouse_dy=-2)
        second = step(client)
    assert (first.content.pass_number, second.content.pass_number) == (1, 2)
    assert (first.content.buttons, second.content.buttons) == ({KEY_CODES["W"]}, frozenset())
    assert (first.content.mouse_dx, first.content.mouse_dy, second.content.mouse_dx) == (3, -2, 0)
    assert (first.header.frame_id, second.header.frame_id, len(second.jpegs)) == (1, 3, 2)
    assert len(model.engines[0].worlds[0].controls) == 2  # none went by itself


def test_steps_sent_ahead_are_all_made_in_order() -> None:
    with play_server() as server, stepped(server) as client:
        start(client)
        asked = [client.request("step", buttons=["W"], frames="last", codec="rgb") for _ in range(40)]
        answers = [answer(client, req_id) for req_id in asked]
    assert [seen(frame).pass_number for frame in answers] == list(range(1, 41))


def test_pixels_come_as_the_engine_made_them() -> None:
    with play_server() as server, stepped(server) as client:
        start(client, rng_seed=7)
        frame = step(client, "A", codec="rgb", frames="last")
        looked = answer(client, client.request("look", codec="rgb"))
    assert (frame.header.codec, frame.header.frame_id, frame.header.temporal_compression) == ("rgb", 2, 2)
    assert (seen(frame).rng_seed, seen(frame).sub_frame, seen(frame).pass_number) == (7, 1, 1)
    assert looked.jpegs == frame.jpegs


def test_frames_come_in_the_size_that_was_asked_for() -> None:
    with play_server() as server, stepped(server) as client:
        start(client)
        frame = step(client, codec="rgb", width=24, height=16)
        refused = client.reply(client.request("step", width=24))
    assert (frame.header.width, frame.header.height) == (24, 16)
    assert [len(part) for part in frame.jpegs] == [24 * 16 * 3] * 2
    assert (refused["code"], "go together" in refused["error"]) == ("invalidRequest", True)


@pytest.mark.parametrize("size", [(24, 16), (96, 64), (48, 32)])
def test_scaling_keeps_colours_and_gives_the_size(size: tuple[int, int]) -> None:
    frames = np.full((2, 32, 48, 3), (10, 20, 30), dtype=np.uint8)
    result = scaled(frames, width=size[0], height=size[1])
    assert result.shape == (2, size[1], size[0], 3)
    assert (result == (10, 20, 30)).all()


def test_a_reset_comes_before_the_steps_that_follow_it() -> None:
    with play_server() as server, stepped(server) as client:
        start(client)
        for _ in range(3):
            step(client, "W")
        client.send("reset")
        assert step(client, "W").content.pass_number == 1


def test_moments_and_rewind_lead_back_as_in_play() -> None:
    with play_server() as server, stepped(server) as client:
        start(client)
        for _ in range(5):
            step(client, "W")
        moment = client.reply(client.request("take_moment"))["data"]["moment_id"]
        after = step(client, "D", codec="rgb", frames="last")
        assert client.reply(client.request("restore_moment", moment_id=moment))["success"]
        again = step(client, "D", codec="rgb", frames="last")
        assert again.jpegs == after.jpegs
        back = client.reply(client.request("rewind", seconds=10))
        assert back["success"], back
        assert step(client).content.pass_number < 7


def test_the_same_seeds_and_steps_give_the_same_pixels() -> None:
    def walk() -> list[tuple[bytes, ...]]:
        with stepped(server) as client:
            start(client, rng_seed=11)
            return [step(client, key, codec="rgb").jpegs for key in "WWAD"]

    with play_server() as server:
        assert walk() == walk()


def test_another_rng_seed_begins_the_world_anew_and_the_same_leaves_it() -> None:
    with play_server() as server, stepped(server) as client:
        start(client, rng_seed=1)
        step(client)
        start(client, rng_seed=1)
        assert step(client).content.pass_number == 2
        start(client, rng_seed=2)
        content = step(client).content
        assert (content.rng_seed, content.pass_number) == (2, 1)


def test_a_recording_of_steps_lasts_as_long_as_the_world_went_on(tmp_path: Path) -> None:
    services = fake_services(recordings_dir=tmp_path)
    with play_server(services, data_dir=tmp_path) as server, stepped(server) as client:
        start(client)
        assert client.reply(client.request("recording", on=True))["success"]
        for _ in range(30):
            step(client, "W", codec="rgb", frames="last")
        client.request("recording", on=False, keep_short=True)
        saved = client.of_type("recording", event="saved")
    assert 0.9 < saved["duration_s"] < 1.2  # 30 passes of 1/30 s, and the seed


def test_a_paused_world_makes_no_step() -> None:
    with play_server() as server, stepped(server) as client:
        start(client)
        client.send("pause")
        refused = client.reply(client.request("step"))
        client.send("resume")
        assert (refused["code"], "paused" in refused["error"]) == ("notReady", True)
        assert step(client).content.pass_number == 1


def test_a_world_that_goes_on_by_itself_is_looked_at_but_not_stepped() -> None:
    with play_server() as server, server.client(extended=True) as client:
        client.start()
        refused = client.reply(client.request("step"))
        assert (refused["code"], "mode=stepped" in refused["error"]) == ("invalidRequest", True)
        assert answer(client, client.request("look")).header.width == 48


def test_a_step_that_fails_is_refused_and_the_world_goes_on() -> None:
    model = FakeModel()
    with play_server(fake_services(model)) as server, stepped(server) as client:
        start(client)
        step(client)
        model.engines[0].fail_next(1)
        assert client.reply(client.request("step"))["code"] == "engineFailed"
        client.stage("session.reset")
        assert step(client).content.pass_number >= 1


def test_frames_that_cannot_be_encoded_are_a_typed_refusal() -> None:
    encoder = FakeFrameEncoder()
    with play_server(fake_services(encoder=encoder)) as server, stepped(server) as client:
        start(client)
        encoder.fail = RuntimeError("as the test asked")
        refused = client.reply(client.request("step"))
        encoder.fail = None
        assert (refused["code"], "look" in refused["error"]) == ("internal", True)
        assert step(client).content.pass_number == 2


def test_a_step_waits_while_an_answer_with_frames_is_unsent() -> None:
    """So a client that does not read holds up its own world, and nothing is dropped or piled up."""

    async def main() -> None:
        outbox = Outbox(FakeClock(), SessionStats(), 100, lambda: None)
        outbox.post(FramesAnswer("1", b"one", 1))
        next_step = asyncio.create_task(outbox.answers_sent())
        await asyncio.sleep(0)
        assert not next_step.done()
        outbox.begin_epoch(1)  # drops a pass that play has posted, but no answer
        assert await outbox.next() == FramesAnswer("1", b"one", 1)
        await next_step

    asyncio.run(main())
