"""The server's log as a test reads it: events as they were written, with their fields."""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from logging_policy import configure_logging
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

Event: TypeAlias = "Mapping[str, object]"


@dataclass
class ServerLog:
    events: list[Event] = field(default_factory=list["Event"])

    def of(self, event: str) -> list[Event]:
        """Those of that sentence, in order."""
        return [seen for seen in self.events if seen["event"] == event]

    def wait_for(self, event: str) -> Event:
        """The first of that sentence, as soon as there is one."""
        wait_until(lambda: bool(self.of(event)), f"the log says “{event}”")
        return self.of(event)[0]


@contextmanager
def server_log() -> Generator[ServerLog]:
    """Enter it before the server starts: the log of the whole process is read."""
    log = ServerLog()
    undo = configure_logging("json", None, log.events.append, stream=io.StringIO())
    try:
        yield log
    finally:
        undo()
