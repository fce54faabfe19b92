"""What a log stream is: a session's own log events, handed to it as messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from wire_protocol import LogMessage

# Called from the thread that logs. It must return at once; what it raises is swallowed.
Deliver: TypeAlias = Callable[[LogMessage], None]


class LogStream(Protocol):
    def subscribe(self, session_id: str, deliver: Deliver) -> Callable[[], None]:
        """Deliver the events bound to `session_id` from now on; gives back the unsubscribing."""
        ...
