"""What recordings say of themselves, and what clients are told of them."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING

import pytest

from logging_policy import configure_logging
from services.clock.system_clock import SystemClock
from services.log_stream.log_reduction import LogReduction
from services.log_stream.session_log_stream import SessionLogStream
from services.video_writer.video_writer import Finished, RecordingFault
from tests.fakes.fake_input_logs import FakeInputLogs
from tests.fakes.fake_video_writer import FakeVideoWriter
from tests.handlers.session.recording_studio import news, notes, studio
from tests.play.harness import b64, picture, session_config

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("with_authoring", [False, True])
def test_the_file_says_what_a_desktop_client_reads(tmp_path: Path, with_authoring: bool) -> None:  # noqa: FBT001 - a parameter of the test
    with studio(tmp_path) as at, at.server.client() as client:
        client.start(picture(50), video_recording=True, scene_authoring=with_authoring)
        recording = at.recording(0)
        said = notes(recording)
        metadata = recording.plan.metadata
    assert set(said) >= {"biome_version", "model", "quant", "seed", "scene_authoring_enabled"}
    assert (said["model"], said["quant"], said["scene_authoring_enabled"]) == ("fake/world", "none", with_authoring)
    assert isinstance(said["biome_version"], str)
    assert said["model_hash"] == "f00d"
    assert isinstance(said["rng_seed"], int)
    assert metadata.title == "Terrarium Recording"
    assert metadata.artist.startswith("Terrarium v")


def test_a_recording_names_the_input_log_of_what_it_shows(tmp_path: Path) -> None:
    logs = FakeInputLogs()
    with studio(tmp_path, input_logs=logs) as at, at.server.client(extended=True) as client:
        client.start(picture(50), video_recording=True, action_logging=True)
        client.hold("W", until=lambda frame: frame.content.pass_number > 3)
        client.reply(client.request("take_moment"))
        client.reply(client.request("restore_moment", moment_id="1"))  # begins another log, and no other recording
        client.hold("W", until=lambda frame: frame.content.pass_number > 8)
        client.send("pause")
        name = news(client, "saved")["name"]
        client.send("resume")
        client.hold("W")
        client.send("pause")
        again = news(client, "saved")["name"]
        said = [at.server.http.get(f"/api/recordings/{saved}").json()["input_log"] for saved in (name, again)]
    assert said == [logs.logs[0].id, logs.logs[2].id]


def test_a_recording_without_an_input_log_names_none(tmp_path: Path) -> None:
    with studio(tmp_path) as at, at.server.client(extended=True) as client:
        client.start(picture(50), video_recording=True)
        client.hold("W")
        client.send("pause")
        name = news(client, "saved")["name"]
        assert at.server.http.get(f"/api/recordings/{name}").json()["input_log"] is None


def test_authoring_switched_on_in_mid_play_is_another_file(tmp_path: Path) -> None:
    """The metadata of a file holds for all of its frames."""
    with studio(tmp_path) as at, at.server.client(extended=True) as client:
        client.start(picture(50), video_recording=True)
        client.hold("W")
        client.reply(client.init(video_recording=True, scene_authoring=True))
        client.hold("W")
        assert isinstance(at.outcome(0), Finished)
        assert [notes(at.recording(number))["scene_authoring_enabled"] for number in (0, 1)] == [False, True]
        client.reply(client.init(scene_authoring=True))
        client.reply(client.request("recording", on=True))
        client.hold("W")
        assert notes(at.recording(2))["scene_authoring_enabled"], "also where it was not the init that asked for it"


def test_the_seed_and_the_client_are_named_as_the_client_does(tmp_path: Path) -> None:
    with studio(tmp_path) as at, at.server.client() as client:
        config = session_config(video_recording=True)
        names = {"seed_filename": "default.jpg", "biome_version": "1.1.1"}
        client.request("init", model="fake/world", config=config, seed_image_data=b64(picture(9)), **names)
        said = notes(at.recording(0))
    assert (said["seed"], said["biome_version"]) == ("default.jpg", "1.1.1")


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
