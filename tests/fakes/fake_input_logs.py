"""Input logs in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.input_log.lines import LogLine, SessionStart
    from services.world_engine.world_engine import Picture, WorldSnapshot


@dataclass
class FakeInputLog:
    id: str
    lines: list[LogLine] = field(default_factory=list["LogLine"])
    pictures: list[Picture] = field(default_factory=list["Picture"])
    snapshots: list[WorldSnapshot] = field(default_factory=list["WorldSnapshot"])
    has_ended: bool = False

    def write(self, line: LogLine) -> None:
        if not self.has_ended:
            self.lines.append(line)

    def keep_picture(self, picture: Picture) -> None:
        self.pictures.append(picture)

    def keep_snapshot(self, snapshot: WorldSnapshot) -> None:
        self.snapshots.append(snapshot)

    def end(self) -> None:
        self.has_ended = True


class FakeInputLogs:
    """`logs` holds every log that was begun, in order; those without a pass are gone once they end."""

    def __init__(self) -> None:
        self.logs: list[FakeInputLog] = []

    def start(self, first: SessionStart) -> FakeInputLog:
        log = FakeInputLog(f"log-{len(self.logs) + 1}", [first])
        self.logs.append(log)
        return log

    def close(self, timeout_s: float) -> None:
        del timeout_s
