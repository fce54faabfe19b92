"""A recording that met a full disk is told, waits in the gallery, can be watched, and is finished in the same run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runtime_config.runtime_config import RecordingConfig
from services.video_writer.video_writer import Finished, Incomplete
from tests.fakes.fake_video_writer import FakeVideoWriter, read_fake_video
from tests.handlers.session.recording_studio import Studio, news, studio
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.play.harness import PlayClient

AT_ONCE = RecordingConfig(shortest_s=0.0, room_check_s=0.01)
WHEN_ASKED = RecordingConfig(shortest_s=0.0, room_check_s=3600.0)


def gallery(at: Studio) -> dict[str, Any]:
    return at.server.http.get("/api/recordings").json()


def fill_up(at: Studio, client: PlayClient) -> dict[str, Any]:
    """Record onto a disk that is full in the end; what the client is told of the file."""
    client.start(video_recording=True)
    client.hold("W")
    at.writer.is_full = True
    client.send("pause")
    failed = news(client, "failed")
    assert (failed["code"], bool(failed["message"])) == ("recordingDiskFull", True)
    return news(client, "postponed")


def test_it_is_told_and_shown_and_can_be_watched(tmp_path: Path) -> None:
    with studio(tmp_path, recording=WHEN_ASKED) as at, at.server.client(extended=True) as client:
        told = fill_up(at, client)
        assert (told["code"], "when there is room" in told["message"]) == ("recordingDiskFull", True)
        (waiting,) = gallery(at)["unfinished"]
        assert (waiting["name"], waiting["state"]) == (told["name"], "waiting")
        assert (waiting["code"], waiting["message"]) == (told["code"], told["message"])
        assert waiting["duration_s"] == told["duration_s"] > 0
        assert waiting["started_at"] == json.loads(at.recording(0).plan.metadata.comment)["started_at"]
        video = at.server.http.get(waiting["video_url"])
        assert (video.status_code, video.headers["content-type"]) == (200, "video/mp4")
        assert video.content == at.recording(0).part.read_bytes()
        download = at.server.http.get(waiting["video_url"], params={"download": True})
        assert f'filename="{told["name"]}.mp4"' in download.headers["content-disposition"]
        assert gallery(at)["recordings"] == []
        client.send("resume")
        client.hold("W")  # play goes on


def test_it_is_finished_in_the_same_run_once_there_is_room(tmp_path: Path) -> None:
    with studio(tmp_path, recording=AT_ONCE) as at, at.server.client(extended=True) as client:
        name = fill_up(at, client)["name"]
        assert [waiting["name"] for waiting in gallery(at)["unfinished"]] == [name]
        at.writer.is_full = False
        wait_until(lambda: not gallery(at)["unfinished"], "the recording is finished")
        assert [recording["name"] for recording in gallery(at)["recordings"]] == [name]
        assert read_fake_video(at.folder / f"{name}.mp4").frames
        client.send("resume")
        client.reply(client.request("recording", on=True))
        client.hold("W")
        at.writer.is_full = True
        client.send("pause")
        again = news(client, "postponed")["name"]
        at.writer.is_full = False
        wait_until(lambda: len(gallery(at)["recordings"]) == 2, f"{again} is finished as well")


def test_it_is_finished_when_somebody_asks(tmp_path: Path) -> None:
    with studio(tmp_path, recording=WHEN_ASKED) as at, at.server.client(extended=True) as client:
        name = fill_up(at, client)["name"]
        url = f"/api/recordings/{name}/finish"
        assert at.server.http.post(url).status_code == 202
        wait_until(lambda: gallery(at)["unfinished"][0]["state"] == "waiting", "it was tried in vain")
        at.writer.is_full = False
        assert at.server.http.post(url).status_code == 202
        wait_until(lambda: not gallery(at)["unfinished"], "the recording is finished")
        assert [recording["name"] for recording in gallery(at)["recordings"]] == [name]
        refused = at.server.http.post(url)
        assert (refused.status_code, refused.json()["code"]) == (404, "recordingUnknown")


def test_it_can_be_deleted(tmp_path: Path) -> None:
    with studio(tmp_path, recording=WHEN_ASKED) as at, at.server.client(extended=True) as client:
        name = fill_up(at, client)["name"]
        assert at.server.http.delete(f"/api/recordings/{name}").status_code == 204
        assert gallery(at)["unfinished"] == []
        assert list(at.folder.iterdir()) == []
        assert at.server.http.delete(f"/api/recordings/{name}").status_code == 404


def test_it_waits_over_a_restart_and_is_shown_there_too(tmp_path: Path) -> None:
    with studio(tmp_path, recording=WHEN_ASKED) as at, at.server.client(extended=True) as client:
        name = fill_up(at, client)["name"]
        assert isinstance(at.outcome(0), Incomplete)
    still_full = FakeVideoWriter()
    still_full.is_full = True
    with studio(tmp_path, recording=AT_ONCE, writer=still_full) as at:
        wait_until(lambda: bool(gallery(at)["unfinished"]), "the recording is shown")
        (waiting,) = gallery(at)["unfinished"]
        assert waiting["name"] == name
        still_full.is_full = False
        wait_until(lambda: bool(gallery(at)["recordings"]), "the recording is finished")
        assert gallery(at)["unfinished"] == []


def test_a_stop_while_it_waits_takes_no_time(tmp_path: Path) -> None:
    with studio(tmp_path, recording=WHEN_ASKED) as at, at.server.client(extended=True) as client:
        name = fill_up(at, client)["name"]
    with studio(tmp_path) as at:
        wait_until(lambda: bool(gallery(at)["recordings"]), "the next start has finished it")
        assert gallery(at)["recordings"][0]["name"] == name


def test_others_are_finished_meanwhile(tmp_path: Path) -> None:
    with studio(tmp_path, recording=WHEN_ASKED) as at, at.server.client(extended=True) as client:
        first = fill_up(at, client)["name"]
        at.writer.is_full = False
        client.send("resume")
        client.reply(client.request("recording", on=True))
        client.hold("W")
        client.send("pause")
        assert news(client, "saved")["name"] != first
        assert isinstance(at.outcome(1), Finished)
        assert [waiting["name"] for waiting in gallery(at)["unfinished"]] == [first]
