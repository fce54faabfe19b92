"""Where recordings go, how much room they may take, and what a stop or a crash leaves of them."""

from __future__ import annotations

import threading
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from runtime_config.runtime_config import RecordingConfig
from services.video_writer.video_writer import Finished, RecordingPhase
from tests.fakes.fake_video_writer import FakeVideoWriter, read_fake_video
from tests.handlers.session.recording_studio import news, studio
from tests.play.harness import picture
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from pathlib import Path


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
            self.may_go_on.wait(deadline_s())
            super().recover(folder, on_end)

    (tmp_path / "recordings").mkdir()
    writer = SlowWriter()
    with studio(tmp_path, writer=writer) as at:
        assert at.server.http.get("/health").status_code == 200
        writer.may_go_on.set()
