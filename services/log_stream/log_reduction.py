"""Reduces a log event to what a client may see: plain values of bounded size, without paths of this machine."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from log_rendering import clock_time
from wire_protocol import LogField, LogMessage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LONGEST_TEXT: Final = 2048
_LONGEST_EXCEPTION: Final = 8192
_MOST_FIELDS: Final = 32
_LARGEST_INT: Final = 2**53  # the largest integer that a JavaScript number represents exactly
# These have their own place in the message, or are none of the client's business.
_NOT_FIELDS: Final = frozenset(
    {
        "event",
        "level",
        "logger",
        "timestamp",
        "exception",
        "stack",
        "session_id",
        "request_id",
        "client_host",
        "method",
        "path",
    }
)


class LogReduction:
    """Shortens paths below `data_dir` to `<data>` and below `home` to `~`."""

    def __init__(self, *, data_dir: Path, home: Path | None) -> None:
        places = [(data_dir, "<data>")] + ([(home, "~")] if home is not None else [])
        self._paths = [
            (re.compile(re.escape(spelling) + r"(?![\w.-])"), short)
            for place, short in places
            if place != place.parent  # a home directory of `/` would match every path
            for spelling in _spellings(place)
        ]

    def reduce(self, event: Mapping[str, object]) -> LogMessage:
        fields = [(key, value) for key, value in event.items() if key not in _NOT_FIELDS and not key.startswith("_")]
        logger, timestamp, exception = event.get("logger"), event.get("timestamp"), event.get("exception")
        return LogMessage(
            event=self._text(event.get("event", ""), _LONGEST_TEXT),
            level=str(event.get("level", "info")),
            logger=None if logger is None else str(logger),
            timestamp=None if timestamp is None else clock_time(str(timestamp)),
            exception=None if exception is None else self._tail(exception),
            fields={self._text(key, 64): self._value(value) for key, value in fields[:_MOST_FIELDS]} or None,
        )

    def _value(self, value: object) -> LogField:
        match value:
            case bool():
                return value
            case int() if abs(value) <= _LARGEST_INT:
                return int(value)
            case float() if math.isfinite(value):
                return float(value)
            case _:
                return self._text(value, _LONGEST_TEXT)

    def _text(self, value: object, longest: int) -> str:
        text = self._clean(value)
        return text if len(text) <= longest else f"{text[: longest - 1]}…"

    def _tail(self, exception: object) -> str:
        """The text of an exception, cut at its start: the end of a traceback says the most."""
        text = self._clean(exception)
        return text if len(text) <= _LONGEST_EXCEPTION else f"…{text[1 - _LONGEST_EXCEPTION :]}"

    def _clean(self, value: object) -> str:
        # A lone surrogate cannot be encoded as UTF-8, and sending it would end the connection.
        text = str(value).encode("utf-8", "replace").decode("utf-8")
        for path, short in self._paths:
            text = path.sub(short, text)
        return text


def _spellings(place: Path) -> list[str]:
    """The ways in which a path may appear: native, with forward slashes, and with backslashes doubled by `repr`."""
    native = str(place)
    return list(dict.fromkeys((native, place.as_posix(), native.replace("\\", "\\\\"))))
