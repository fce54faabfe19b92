"""Formats log events: the processors that prepare an event, and its rendering as a line of text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

_SECRETS: Final = frozenset({"token", "authorization", "cookie", "set_cookie", "password", "secret", "api_key"})
_REDACTED: Final = "[redacted]"
_TEXT_HEAD: Final = frozenset({"timestamp", "level", "logger", "event", "exception", "stack"})


def add_timestamp(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """Add the local time with its UTC offset, in ISO 8601 with milliseconds."""
    event_dict["timestamp"] = datetime.now(tz=UTC).astimezone().isoformat(timespec="milliseconds")
    return event_dict


def clock_time(timestamp: str) -> str:
    """The `HH:MM:SS` of an ISO timestamp."""
    return timestamp[11:19]


def redact_secrets(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """Replace the values of fields whose name is that of a secret, in nested mappings too."""
    for key, value in event_dict.items():
        event_dict[key] = _redacted(key, value)
    return event_dict


def _redacted(key: object, value: object) -> object:
    name = key.lower().replace("-", "_") if isinstance(key, str) else ""
    if name in _SECRETS or name.endswith("_token"):
        return _REDACTED
    if isinstance(value, Mapping):
        return {inner: _redacted(inner, item) for inner, item in cast("Mapping[object, object]", value).items()}
    return value


def render_text(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> str:
    """Render `HH:MM:SS [level   ] [logger] event k=v`, and the traceback on the lines below.

    Unprintable characters in events and fields are escaped, so that text from a client cannot forge another line.
    """
    fields = " ".join(f"{key}={_show(value)}" for key, value in event_dict.items() if key not in _TEXT_HEAD)
    head = (
        clock_time(str(event_dict.get("timestamp", ""))),
        f"[{event_dict.get('level', ''):8}]",
        f"[{event_dict.get('logger')}]",
        _escape(str(event_dict.get("event", ""))),
    )
    line = " ".join((*head, fields)).rstrip()
    below = [str(event_dict[key]) for key in ("stack", "exception") if event_dict.get(key)]
    return "\n".join([line, *below])


def _show(value: object) -> str:
    text = str(value)
    return text if text.isprintable() and text and not any(char in text for char in " \"'=") else repr(text)


def _escape(text: str) -> str:
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
