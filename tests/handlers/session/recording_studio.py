"""A server that records, and what tests of it ask."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime_config.runtime_config import RecordingConfig
from tests.fakes.fake_video_writer import FakeRecording, FakeVideoWriter
from tests.play.harness import PlayClient, PlayServer, fake_services, play_server
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from services.input_log.input_log import InputLogs
    from services.log_stream.log_stream import LogStream
    from tests.fakes.fake_catalogue import FakeModel

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
        assert recording.ended.wait(deadline_s())
        return recording.outcome


@contextmanager
def studio(
    tmp_path: Path,
    *models: FakeModel,
    recording: RecordingConfig = ANY_LENGTH,
    writer: FakeVideoWriter | None = None,
    log_stream: LogStream | None = None,
    input_logs: InputLogs | None = None,
) -> Generator[Studio]:
    writer = writer or FakeVideoWriter()
    folder = tmp_path / "recordings"
    services = fake_services(
        *models, video_writer=writer, recordings_dir=folder, log_stream=log_stream, input_logs=input_logs
    )
    with play_server(services, recording=recording) as server:
        yield Studio(server, writer, folder)


def news(client: PlayClient, event: str) -> dict[str, Any]:
    return client.of_type("recording", event=event)


def notes(recording: FakeRecording) -> dict[str, Any]:
    return json.loads(recording.plan.metadata.comment)
