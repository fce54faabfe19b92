"""What sessions record: where segments begin and end, and what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_config.runtime_config import RecordingConfig
from services.video_writer.video_writer import Discarded, Finished
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_frame_encoder import read_fake_jpeg
from tests.fakes.fake_video_writer import read_fake_video
from tests.fakes.fake_world_engine import FakeWorldEngine
from tests.handlers.session.recording_studio import news, notes, studio
from tests.play.harness import picture
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path


def test_a_session_records_from_its_start_to_its_end(tmp_path: Path) -> None:
    with studio(tmp_path) as at:
        with at.server.client() as client:
            client.start(picture(120), video_recording=True)
            passes = [client.hold("W") for _ in range(3)]
        assert isinstance(at.outcome(0), Finished)
        recording = at.recording(0)
    content = read_fake_video(recording.path)
    assert recording.path.parent == at.folder
    assert (content.width, content.height) == (48, 32)
    frames = set(content.frames)
    assert all(set(frame.jpegs) <= frames for frame in passes), "every pass that was seen is in it"
    assert len(recording.passes[0][2]) == 1, "it begins with the seed, as the player saw it"


def test_a_client_that_does_not_ask_is_not_recorded(tmp_path: Path) -> None:
    with studio(tmp_path) as at:
        with at.server.client() as client:
            client.start()
            client.hold("W")
        assert at.writer.recordings == []
        assert not at.folder.exists()


def test_pause_and_reset_cut_segments(tmp_path: Path) -> None:
    with studio(tmp_path) as at, at.server.client() as client:
        client.start(video_recording=True)
        client.hold("W")
        client.send("pause")
        assert isinstance(at.outcome(0), Finished)
        client.send("resume")
        client.hold("W")
        client.send("reset")
        assert isinstance(at.outcome(1), Finished)
        client.hold("W")
        wait_until(lambda: len(at.writer.recordings) == 3, "a third one was begun")
        names = [recording.path.name for recording in at.writer.recordings]
        sessions = {notes(recording)["play_session"] for recording in at.writer.recordings}
        assert [notes(recording)["segment"] for recording in at.writer.recordings] == [1, 2, 3]
        assert len(set(names)) == 3, "segments of one second have names of their own"
        assert len(sessions) == 1
        # What play resumes with is the picture that was on the screen.
        first = at.recording(1).passes[0]
        assert len(first[2]) == 1
        assert first[2][0] == at.recording(0).passes[-1][2][-1]


def test_times_are_those_at_which_passes_were_shown(tmp_path: Path) -> None:
    with studio(tmp_path) as at, at.server.client() as client:
        client.start(video_recording=True)
        for _ in range(4):
            client.hold("W")
        client.send("pause")
        at.outcome(0)
        recording = at.recording(0)
        starts = [started_at for started_at, _, _ in recording.passes]
        assert starts == sorted(starts)
        assert recording.ended_at is not None
        assert recording.ended_at >= starts[-1]


def test_a_clip_under_three_seconds_is_removed_unless_asked_for(tmp_path: Path) -> None:
    with studio(tmp_path, recording=RecordingConfig()) as at, at.server.client(extended=True) as client:
        client.start()
        for keep_short, kind in ((False, Discarded), (True, Finished)):
            assert client.reply(client.request("recording", on=True))["data"]["state"] in {"waiting", "recording"}
            news(client, "started")
            client.hold("W")
            answer = client.reply(client.request("recording", on=False, keep_short=keep_short))["data"]
            assert answer["state"] == "off"
            number = len(at.writer.recordings) - 1
            assert answer["name"] == at.recording(number).path.stem
            assert isinstance(at.outcome(number), kind)
            news(client, "saved" if keep_short else "removed")


def test_recording_begun_in_mid_play_begins_with_what_is_on_the_screen(tmp_path: Path) -> None:
    with studio(tmp_path) as at, at.server.client(extended=True) as client:
        client.start()
        shown = client.hold("W")
        client.reply(client.request("recording", on=True))
        assert client.reply(client.request("recording", on=True))["success"], "asking twice is no mistake"
        recording = at.recording(0)
        wait_until(lambda: bool(recording.passes), "something was recorded")
        assert recording.passes[0][2][0][:4] == shown.jpegs[-1][:4]
        assert len(recording.passes[0][2]) == 1
        assert len(at.writer.recordings) == 1


def test_recording_asked_for_in_a_pause_waits_for_play(tmp_path: Path) -> None:
    with studio(tmp_path) as at, at.server.client(extended=True) as client:
        client.start()
        client.send("pause")
        assert client.reply(client.request("recording", on=True))["data"] == {"state": "waiting"}
        assert at.writer.recordings == []
        client.send("resume")
        news(client, "started")


def test_an_init_in_play_switches_recording(tmp_path: Path) -> None:
    with studio(tmp_path) as at, at.server.client() as client:
        client.start()
        client.reply(client.init(video_recording=True))
        client.hold("W")
        recording = at.recording(0)
        client.reply(client.init(video_recording=True, cap_inference_fps=False))
        client.hold("W")
        assert recording.outcome is None, "another change leaves it alone"
        client.reply(client.init(video_recording=False))
        assert isinstance(at.outcome(0), Finished)


def test_another_picture_is_another_segment(tmp_path: Path) -> None:
    with studio(tmp_path) as at, at.server.client() as client:
        client.start(picture(10), video_recording=True)
        client.hold("W")
        client.reply(client.init(picture(90), video_recording=True))
        client.hold("W")
        one, other = notes(at.recording(0)), notes(at.recording(1))
        assert one["seed_hash"] != other["seed_hash"]
        assert one["play_session"] == other["play_session"]


def test_an_engine_of_another_size_gets_a_file_of_its_own(tmp_path: Path) -> None:
    small = FakeModel("fake/small")
    large = FakeModel("fake/large", make_engine=lambda name: FakeWorldEngine(name, width=64, height=40))
    with studio(tmp_path, small, large) as at, at.server.client() as client:
        client.start(model="fake/small", video_recording=True)
        client.hold("W")
        assert client.reply(client.init(model="fake/large", video_recording=True))["success"]
        client.hold("W")
        plans = [at.recording(number).plan for number in (0, 1)]
        assert [(plan.width, plan.height) for plan in plans] == [(48, 32), (64, 40)]


def test_passes_that_a_slow_client_never_got_are_recorded(tmp_path: Path) -> None:
    with studio(tmp_path) as at, at.server.client(max_queue=1) as client:
        client.start(video_recording=True, cap_inference_fps=False)
        recording = at.recording(0)

        def press() -> bool:
            client.control("W")
            return len(recording.passes) >= 200

        wait_until(press, "200 passes were made, of which the client read none")
        client.send("pause")
        at.outcome(0)
        numbers = [read_fake_jpeg(jpegs[0]).frame_content().pass_number for _, _, jpegs in recording.passes[1:]]
    assert numbers == list(range(1, len(numbers) + 1)), "each pass that was made, once and in order"


def test_going_back_to_a_moment_is_recorded_as_it_happens(tmp_path: Path) -> None:
    with studio(tmp_path) as at, at.server.client(extended=True) as client:
        client.start(video_recording=True)
        client.hold("W")
        moment = client.reply(client.request("take_moment"))["data"]["moment_id"]
        client.hold("W")
        assert client.reply(client.request("restore_moment", moment_id=moment))["success"]
        client.hold("W")
        assert len(at.writer.recordings) == 1


def test_a_failing_engine_cuts_the_segment(tmp_path: Path) -> None:
    engine = FakeWorldEngine()
    model = FakeModel(make_engine=lambda _: engine)
    with studio(tmp_path, model) as at, at.server.client() as client:
        client.start(video_recording=True)
        client.hold("W")
        engine.fail_next(1)
        client.control("W")
        client.stage("session.reset")
        assert isinstance(at.outcome(0), Finished)
        client.hold("W")
        at.recording(1)
