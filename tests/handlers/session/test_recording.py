"""What sessions record: where segments begin and end, what is in them, and what their clients are told."""

from __future__ import annotations

import io
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from logging_policy import configure_logging
from runtime_config.runtime_config import RecordingConfig
from services.clock.system_clock import SystemClock
from services.log_stream.log_reduction import LogReduction
from services.log_stream.session_log_stream import SessionLogStream
from services.video_writer.video_writer import Discarded, Finished, RecordingFault, RecordingPhase
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_frame_encoder import read_fake_jpeg
from tests.fakes.fake_video_writer import FakeRecording, FakeVideoWriter, read_fake_video
from tests.fakes.fake_world_engine import FakeWorldEngine
from tests.network.live_server import wait_until
from tests.play.harness import (
    DEADLINE_S,
    PlayClient,
    PlayServer,
    b64,
    fake_services,
    picture,
    play_server,
    session_config,
)

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from services.log_stream.log_stream import LogStream

ANY_LENGTH = RecordingConfig(shortest_s=0.0)


@dataclass
class Studio:
    server: PlayServer
    writer: FakeVideoWriter
    folder: Path

    def recording(self, number: int) -> FakeRecording:
        """The `number`-th one that was begun, from 0."""
        wait_until(lambda: len(self.writer.recordings) > number, f"recording {number} was begun")
        return self.writer.recordings[number]

    def outcome(self, number: int) -> Any:
        recording = self.recording(number)
        assert recording.ended.wait(DEADLINE_S)
        return recording.outcome


@contextmanager
def studio(
    tmp_path: Path,
    *models: FakeModel,
    recording: RecordingConfig = ANY_LENGTH,
    writer: FakeVideoWriter | None = None,
    log_stream: LogStream | None = None,
) -> Generator[Studio]:
    writer = writer or FakeVideoWriter()
    folder = tmp_path / "recordings"
    services = fake_services(*models, video_writer=writer, recordings_dir=folder, log_stream=log_stream)
    with play_server(services, recording=recording) as server:
        yield Studio(server, writer, folder)


def news(client: PlayClient, event: str) -> dict[str, Any]:
    return client.of_type("recording", event=event)


def notes(recording: FakeRecording) -> dict[str, Any]:
    return json.loads(recording.plan.metadata.comment)


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


def test_the_file_says_what_a_desktop_client_reads(tmp_path: Path) -> None:
    with studio(tmp_path) as at, at.server.client() as client:
        client.start(picture(50), video_recording=True)
        recording = at.recording(0)
        said = notes(recording)
        metadata = recording.plan.metadata
    assert set(said) >= {"biome_version", "model", "quant", "seed", "scene_authoring_enabled"}
    assert (said["model"], said["quant"], said["scene_authoring_enabled"]) == ("fake/world", "none", False)
    assert isinstance(said["biome_version"], str)
    assert said["model_hash"] == "f00d"
    assert isinstance(said["rng_seed"], int)
    assert metadata.title == "Terrarium Recording"
    assert metadata.artist.startswith("Terrarium v")


def test_the_seed_and_the_client_are_named_as_the_client_does(tmp_path: Path) -> None:
    with studio(tmp_path) as at, at.server.client() as client:
        config = session_config(video_recording=True)
        names = {"seed_filename": "default.jpg", "biome_version": "1.1.1"}
        client.request("init", model="fake/world", config=config, seed_image_data=b64(picture(9)), **names)
        said = notes(at.recording(0))
    assert (said["seed"], said["biome_version"]) == ("default.jpg", "1.1.1")


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


def test_ending_returns_at_once_while_a_long_file_is_being_finished(tmp_path: Path) -> None:
    hold = threading.Event()
    with studio(tmp_path, writer=FakeVideoWriter(hold=hold)) as at, at.server.client(extended=True) as client:
        client.start(video_recording=True)
        client.hold("W")
        client.send("pause")
        name = news(client, "finishing")["name"]
        client.send("resume")
        client.hold("W")  # play goes on, and so does the next segment
        listed = at.server.http.get("/api/recordings").json()["unfinished"]
        assert [entry["state"] for entry in listed] == ["finishing", "recording"]
        assert listed[0]["name"] == name
        hold.set()
        assert news(client, "saved")["name"] == name
        assert len(at.server.http.get("/api/recordings").json()["unfinished"]) == 1


def test_a_failed_recording_is_told_and_play_goes_on(tmp_path: Path) -> None:
    with studio(tmp_path) as at, at.server.client(extended=True) as client:
        client.start(video_recording=True)
        client.hold("W")
        at.recording(0).fail(RecordingFault.DISK_FULL)
        told = news(client, "failed")
        assert (told["code"], bool(told["message"])) == ("recordingDiskFull", True)
        client.hold("W")
        assert len(at.writer.recordings) == 1, "it is not tried again and again"
        assert at.server.http.get("/api/recordings").json()["unfinished"] == []
        client.reply(client.request("recording", on=True))
        client.hold("W")
        assert len(at.writer.recordings) == 2, "but when it is asked for"


def test_a_recording_that_cannot_begin_leaves_play_alone(tmp_path: Path) -> None:
    writer = FakeVideoWriter(fail_next=RecordingFault.ENCODER_MISSING)
    with studio(tmp_path, writer=writer) as at, at.server.client(extended=True) as client:
        client.start(video_recording=True)
        assert news(client, "failed")["code"] == "recordingEncoderMissing"
        client.hold("W")


def test_a_stock_client_gets_nothing_that_it_does_not_know(tmp_path: Path) -> None:
    """The harness checks every message; here there is one reason after the other to say something new."""
    with studio(tmp_path) as at, at.server.client() as client:
        client.start(video_recording=True, video_output_dir="/nowhere/at/all")
        client.hold("W")
        at.recording(0).fail(RecordingFault.ENCODER_FAILED)
        client.hold("W")
        refused = client.reply(client.request("recording", on=True))
        assert refused["code"] == "invalidRequest"


def test_a_stock_client_reads_in_its_log_what_becomes_of_its_recording(tmp_path: Path) -> None:
    stream = SessionLogStream(SystemClock(), LogReduction(data_dir=tmp_path, home=None))
    undo = configure_logging("json", None, stream.tap, stream=io.StringIO())
    try:
        with studio(tmp_path, log_stream=stream) as at, at.server.client() as client:
            client.start(video_recording=True, video_output_dir="/nowhere")
            client.hold("W")
            client.send("pause")
            assert client.of_type("log", event="Recording saved")["fields"]["frames"] > 1
            client.send("resume")
            client.hold("W")
            at.recording(1).fail(RecordingFault.DISK_FULL)
            stopped = client.of_type("log", event="Recording stopped")
            assert (stopped["level"], stopped["fields"]["code"]) == ("warning", "recordingDiskFull")
            assert stopped["fields"]["reason"]
    finally:
        undo()


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


def test_a_client_folder_is_honoured_inside_the_allowed_ones_alone(tmp_path: Path) -> None:
    allowed = tmp_path / "videos"
    allowed.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (allowed / "link").symlink_to(tmp_path / "elsewhere")
    config = RecordingConfig(shortest_s=0.0, client_folders=(allowed.resolve(),))
    with studio(tmp_path, recording=config) as at:
        for number, (asked, honoured) in enumerate(
            [
                (allowed / "Biome", True),
                (allowed, True),
                (allowed / ".." / "elsewhere", False),
                (allowed / "link", False),
                (tmp_path / "videos2", False),
                ("relative", False),
                ("\0", False),
            ]
        ):
            with at.server.client(extended=True) as client:
                client.init(picture(5), video_recording=True, video_output_dir=str(asked))
                told = list(takewhile(lambda message: message["type"] != "response", client.messages()))
                codes = [message["code"] for message in told if message["type"] == "recording"]
                assert codes == ([] if honoured else ["recordingFolderRefused"])
                client.hold("W")
                assert at.recording(number).path.parent == (asked if honoured else at.folder)
        assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_change_of_folder_while_recording_takes_effect(tmp_path: Path) -> None:
    allowed = tmp_path / "videos"
    allowed.mkdir()
    config = RecordingConfig(shortest_s=0.0, client_folders=(allowed.resolve(),))
    with studio(tmp_path, recording=config) as at, at.server.client() as client:
        client.start(video_recording=True)
        client.hold("W")
        client.reply(client.init(video_recording=True, video_output_dir=str(allowed)))
        client.hold("W")
        assert [at.recording(number).path.parent for number in (0, 1)] == [at.folder, allowed]


def test_nothing_is_recorded_beyond_the_quota(tmp_path: Path) -> None:
    config = RecordingConfig(shortest_s=0.0, quota_bytes=1000, room_check_s=0.01)
    with studio(tmp_path, recording=config) as at, at.server.client(extended=True) as client:
        client.start(video_recording=True)
        client.hold("W")
        assert news(client, "failed")["code"] == "recordingQuotaUsed"
        assert isinstance(at.outcome(0), Finished), "what was recorded so far stays"
        refused = client.reply(client.request("recording", on=True))
        assert refused["code"] == "recordingQuotaUsed"
        client.hold("W")


def test_a_full_disk_is_noticed_before_it_is_full(tmp_path: Path) -> None:
    config = RecordingConfig(shortest_s=0.0, least_free_bytes=1 << 60)
    with studio(tmp_path, recording=config) as at, at.server.client(extended=True) as client:
        client.start(video_recording=True)
        assert news(client, "failed")["code"] == "recordingDiskFull"
        at.outcome(0)
        client.hold("W")


def test_passes_that_a_slow_client_never_got_are_recorded(tmp_path: Path) -> None:
    with studio(tmp_path) as at, at.server.client(max_queue=1) as client:
        client.start(video_recording=True, cap_inference_fps=False)
        recording = at.recording(0)
        while len(recording.passes) < 200:  # the client reads nothing meanwhile
            client.control("W")
            time.sleep(0.002)
        client.send("pause")
        at.outcome(0)
        numbers = [read_fake_jpeg(jpegs[0]).frame_content().pass_number for _, _, jpegs in recording.passes[1:]]
    assert numbers == list(range(1, len(numbers) + 1)), "each pass that was made, once and in order"


def test_going_back_to_a_moment_is_recorded_as_it_happens(tmp_path: Path) -> None:
    with studio(tmp_path) as at, at.server.client(extended=True) as client:
        client.start(video_recording=True)
        client.hold("W")
        moment = client.reply(client.request("take_snapshot"))["data"]["snapshot_id"]
        client.hold("W")
        assert client.reply(client.request("restore_snapshot", snapshot_id=moment))["success"]
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


def test_a_server_that_stops_ends_what_is_recorded(tmp_path: Path) -> None:
    with studio(tmp_path) as at:
        with at.server.client() as client:
            client.start(video_recording=True)
            client.hold("W")
            at.server.drain()
            assert client.closed()[0] == 1001
        assert isinstance(at.outcome(0), Finished)


def test_a_crash_is_made_good_at_the_next_start(tmp_path: Path) -> None:
    hold = threading.Event()
    with studio(tmp_path, writer=FakeVideoWriter(hold=hold)) as at:
        with at.server.client() as client:
            client.start(video_recording=True)
            client.hold("W")
        recording = at.recording(0)
        wait_until(lambda: recording.progress().phase is RecordingPhase.SEALING, "the file is under way")
        left = recording.part.read_bytes()
        hold.set()
        at.outcome(0)
    recording.path.unlink()
    recording.part.write_bytes(left)  # as a process that was killed leaves it
    with studio(tmp_path):
        wait_until(recording.path.exists, "the file was finished")
        assert read_fake_video(recording.path).frames


def test_the_server_starts_while_recovery_still_works(tmp_path: Path) -> None:
    class SlowWriter(FakeVideoWriter):
        def __init__(self) -> None:
            super().__init__()
            self.may_go_on = threading.Event()

        def recover(self, folder: Path, on_end: Any) -> None:
            self.may_go_on.wait(DEADLINE_S)
            super().recover(folder, on_end)

    (tmp_path / "recordings").mkdir()
    writer = SlowWriter()
    with studio(tmp_path, writer=writer) as at:
        assert at.server.http.get("/health").status_code == 200
        writer.may_go_on.set()
