"""Which recordings are finished after a crash, in which folders, and which are too short to be kept."""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING

import pytest

from error_types import DomainError, ErrorCode
from handlers.recorder_handler import RecorderHandler
from runtime_config.current import Current
from runtime_config.runtime_config import RecordingConfig
from services.recording_store.directory_recording_store import DirectoryRecordingStore
from services.task_runner.threading_task_runner import ThreadingTaskRunner
from services.video_writer.video_writer import RecordingPlan, VideoMetadata
from state.app_state_types import AppState
from tests.belongings_rig import belongings
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_video_writer import FakeVideoWriter

if TYPE_CHECKING:
    from pathlib import Path

_PLAN = RecordingPlan(64, 48, 10.0, VideoMetadata("A title", "Somebody", ""))


def recorder(folder: Path, *client_folders: Path) -> RecorderHandler:
    writer = FakeVideoWriter()
    return RecorderHandler(
        AppState(),
        RLock(),
        writer=writer,
        store=DirectoryRecordingStore(folder, writer.describe),
        belongings=belongings(),
        task_runner=ThreadingTaskRunner(lambda _name, _error: None),
        clock=FakeClock(),
        config=Current.fixed(RecordingConfig(client_folders=client_folders)),
    )


def leave_behind(path: Path, length_s: float) -> None:
    """What a process that was killed leaves of a recording."""
    file = FakeVideoWriter().start(path, _PLAN, lambda _: None)
    file.write((b"one",), started_at=0.0, shown_for_s=0.1)
    file.write((b"two",), started_at=length_s, shown_for_s=0.1)


def test_recordings_are_finished_wherever_they_may_lie(tmp_path: Path) -> None:
    own, clients = tmp_path / "own", tmp_path / "clients"
    for folder in (own, clients, clients / "Biome", clients / "a" / "b", tmp_path / "foreign"):
        leave_behind(folder / "film.mp4", 10.0)
    recorder(own, clients).recover()
    found = {path.parent.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("film.mp4")}
    assert found == {"own", "clients", "clients/Biome", "clients/a/b"}


def test_a_short_clip_is_not_kept_after_a_crash_either(tmp_path: Path) -> None:
    leave_behind(tmp_path / "short.mp4", 1.0)
    leave_behind(tmp_path / "long.mp4", 5.0)
    recorder(tmp_path).recover()
    assert [path.name for path in tmp_path.iterdir()] == ["long.mp4"]


def test_a_missing_folder_is_nothing_to_recover_and_is_not_made(tmp_path: Path) -> None:
    recorder(tmp_path / "none", tmp_path / "gone").recover()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_clients_is_outside_the_quota_but_not_beyond_the_disk(tmp_path: Path) -> None:
    room = recorder(tmp_path).room
    room.check(tmp_path / "not" / "there" / "yet")
    writer = FakeVideoWriter()
    store = DirectoryRecordingStore(tmp_path, writer.describe)
    full = Current.fixed(RecordingConfig(quota_bytes=0, least_free_bytes=1 << 62))
    for folder, code in ((None, ErrorCode.RECORDING_QUOTA_USED), (tmp_path, ErrorCode.RECORDING_DISK_FULL)):
        with pytest.raises(DomainError) as refused:
            type(room)(store, full).check(folder)
        assert refused.value.code is code
