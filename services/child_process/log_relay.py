"""Relays the log events of a process of the server's own into the server's logs."""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from structlog.typing import EventDict, WrappedLogger

LogValue: TypeAlias = "bool | int | float | str | None"

_LONGEST_TEXT: Final = 8192
# Libraries that would otherwise log every request and every file.
_AT_LEAST_WARNING: Final = ("httpx", "httpcore", "urllib3", "filelock", "PIL", "matplotlib", "asyncio")


@dataclass(frozen=True, slots=True)
class Logged:
    """One log event. `level` is the standard library's number."""

    logger: str
    level: int
    event: str
    fields: Mapping[str, LogValue]


class _RelayHandler(logging.Handler):
    def __init__(self, send: Callable[[Logged], None]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        try:
            fields: dict[str, LogValue] = {}
            if record.exc_info and record.exc_info[1] is not None:
                fields["exception"] = "".join(traceback.format_exception(record.exc_info[1]))[-_LONGEST_TEXT:]
            self._send(Logged(record.name, record.levelno, record.getMessage()[:_LONGEST_TEXT], fields))
        except Exception:  # noqa: BLE001 - like any handler: a log call must not fail its caller
            self.handleError(record)


def relay_logs(send: Callable[[Logged], None], level: int) -> None:
    """Called in the process: send every event of structlog and the standard library to `send` only."""
    root = logging.getLogger()
    root.handlers[:] = [_RelayHandler(send)]
    root.setLevel(level)
    for name in _AT_LEAST_WARNING:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level_number,
            structlog.processors.format_exc_info,
            _sender(send),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def log_relayed(event: Logged, **process: str) -> None:
    """Called in the server: log a relayed event, marked with the name of its process."""
    fields = {key: value for key, value in event.fields.items() if key not in {"event", "level", "logger", *process}}
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(event.logger)
    logger.log(event.level, event.event, **process, **fields)


def _sender(send: Callable[[Logged], None]) -> Callable[[WrappedLogger, str, EventDict], EventDict]:
    def processor(wrapped: WrappedLogger, method: str, event_dict: EventDict) -> EventDict:
        del wrapped, method
        event, name = str(event_dict.pop("event", "")), str(event_dict.pop("logger", ""))
        level = int(event_dict.pop("level_number", logging.INFO))
        send(Logged(name, level, event, {key: _plain(value) for key, value in event_dict.items()}))
        raise structlog.DropEvent

    return processor


def _plain(value: object) -> LogValue:
    return value if isinstance(value, bool | int | float) or value is None else str(value)[-_LONGEST_TEXT:]
