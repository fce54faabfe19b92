"""The interface of log streams: a session receives its own log events as messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from wire_protocol import LogMessage

# Called on the thread that logs, so it must return at once. Its exceptions are ignored.
Deliver: TypeAlias = Callable[[LogMessage], None]


class LogStream(Protocol):
    def subscribe(self, session_id: str, deliver: Deliver) -> Callable[[], None]:
        """Deliver the events bound to `session_id` from now on. Returns a function that ends the subscription."""
        ...
