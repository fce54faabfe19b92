"""Structured logging: where log events go, how they look, and which functions log failures with a traceback."""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack, nullcontext
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING, Final, TextIO, TypeAlias, cast

import structlog
from structlog.contextvars import merge_contextvars
from structlog.stdlib import ProcessorFormatter

from log_rendering import add_timestamp, redact_secrets, render_text
from log_repeats import RepeatLimit, kind_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from structlog.typing import EventDict, Processor, WrappedLogger

    from error_types import DomainError
    from log_repeats import EventKind, LeftOut
    from runtime_config.runtime_config import LogFormat, LogLevel

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

# Called with each event as it is written: its fields, `event`, `level`, `logger`, `timestamp` and perhaps `exception`.
Tap: TypeAlias = Callable[[Mapping[str, object]], None]

_FILE_BYTES: Final = 5_000_000
_FILE_COUNT: Final = 3
# One kind of event that comes without end takes up to 300 lines a day, of the 80,000 or so that the files hold.
_MOST_OF_A_KIND: Final = 50
_REPEAT_INTERVAL_S: Final = 300.0
# uvicorn logs the same events as this server does, but with query strings, which may contain the token.
_AT_LEAST_WARNING: Final = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi", "watchfiles")
_AT_LEAST_INFO: Final = ("asyncio", "PIL", "websockets", "urllib3", "httpx", "httpcore", "python_multipart")


class _Owned:
    """Marks the handlers that are installed here, to distinguish them from others, such as a test runner's."""


class _StreamHandler(_Owned, logging.StreamHandler[TextIO]):
    pass


class _FileHandler(_Owned, RotatingFileHandler):
    pass


class _TapHandler(_Owned, logging.Handler):
    """Passes each record to the tap, which is the last processor of its formatter."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.format(record)
        except Exception:  # noqa: BLE001 -- like any handler: a log call must not fail its caller
            self.handleError(record)


class _RepeatHandler(_Owned, logging.Handler):
    """Passes records on to other handlers, but of a kind that repeats itself only the first ones and their number.

    Debug events are all passed on: whoever asks for them wants to see what happens.
    """

    def __init__(self, handlers: Sequence[logging.Handler], clock: Callable[[], float]) -> None:
        super().__init__()
        self._handlers = handlers
        self._repeats = RepeatLimit(clock, most=_MOST_OF_A_KIND, interval_s=_REPEAT_INTERVAL_S)

    def emit(self, record: logging.LogRecord) -> None:
        for left_out in self._repeats.ended():
            self._pass_on(_notice(left_out))
        if record.levelno <= logging.DEBUG or self._repeats.admits(_kind_of_record(record)):
            self._pass_on(record)

    def close(self) -> None:
        with self.lock or nullcontext():
            for left_out in self._repeats.everything():
                self._pass_on(_notice(left_out))
            for handler in self._handlers:
                handler.close()
        super().close()

    def _pass_on(self, record: logging.LogRecord) -> None:
        for handler in self._handlers:
            handler.handle(record)


def _kind_of_record(record: logging.LogRecord) -> EventKind:
    said = cast("object", record.msg)
    if isinstance(said, dict):  # an event of structlog, which is prepared already
        return kind_of(cast("Mapping[str, object]", said))
    event: dict[str, object] = {"logger": record.name, "level": record.levelname.lower()}
    # Most libraries have their values in the arguments. Where the whole text is one, the template says nothing.
    event["event"] = record.getMessage() if said == "%s" else said
    if record.exc_info and record.exc_info[1] is not None:
        event["exception"] = "".join(traceback.format_exception(record.exc_info[1]))
    return kind_of(event)


def _notice(left_out: LeftOut) -> logging.LogRecord:
    kind = left_out.kind
    event = {
        "event": "Repeated events were left out",
        "level": kind.level,
        "logger": kind.logger,
        "of": kind.event,
        **dict(kind.about),
        "count": left_out.count,
        "within_s": round(left_out.seconds),
    }
    if kind.failure is not None:
        event["failure"] = kind.failure
    prepared = add_timestamp(None, "", event)
    level = logging.getLevelNamesMapping().get(kind.level.upper(), logging.WARNING)
    record = logging.LogRecord(kind.logger, level, "", 0, prepared, None, None)
    record.__dict__.update(_logger=None, _name=kind.level)  # by which the formatter knows an event of structlog
    return record


def configure_logging(
    log_format: LogFormat | None,
    log_file: Path | None,
    tap: Tap | None,
    *,
    level: LogLevel = "info",
    stream: TextIO | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[], None]:
    """Send the events of structlog and the standard library to `stream` (default: stderr), `log_file` and `tap`.

    The file has JSON lines and is rotated. There and on the stream, events of one kind that come by the thousand are
    counted instead of written; the tap gets every event. Another call replaces this configuration. Returns a function
    that undoes it.

    Raises:
        OSError: the file cannot be opened.
    """
    stream = sys.stderr if stream is None else stream
    handlers = _make_handlers(log_format, log_file, tap, stream, clock)
    undo = ExitStack()
    _remove_owned_handlers()
    undo.callback(_remove_owned_handlers)
    for handler in handlers:
        logging.getLogger().addHandler(handler)
    _set_levels(undo, logging.getLevelNamesMapping()[level.upper()])
    _configure_structlog(undo)
    logging.captureWarnings(capture=True)
    undo.callback(logging.captureWarnings, capture=False)
    return undo.close


def _make_handlers(
    log_format: LogFormat | None,
    log_file: Path | None,
    tap: Tap | None,
    stream: TextIO | None,
    clock: Callable[[], float],
) -> Sequence[logging.Handler]:
    written: list[logging.Handler] = []
    if log_file is not None:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        handler = _FileHandler(log_file, maxBytes=_FILE_BYTES, backupCount=_FILE_COUNT, encoding="utf-8")
        handler.setFormatter(_formatter(structlog.processors.JSONRenderer()))
        written.append(handler)
    if stream is not None:  # a Python without a console has no stderr
        text = log_format == "text" or (log_format is None and stream.isatty())
        console = _StreamHandler(stream)
        console.setFormatter(_formatter(_text_for(stream) if text else structlog.processors.JSONRenderer()))
        written.append(console)
    handlers: list[logging.Handler] = [_RepeatHandler(written, clock)]
    if tap is not None:
        tapping = _TapHandler()
        tapping.setFormatter(_formatter(_tap_processor(tap)))
        handlers.append(tapping)
    return handlers


def _text_for(stream: TextIO) -> Processor:
    encoding = getattr(stream, "encoding", None) or "utf-8"

    def render(wrapped: WrappedLogger, method: str, event_dict: EventDict) -> str:
        # Characters that the terminal cannot show are escaped. Otherwise the whole line would be lost.
        return render_text(wrapped, method, event_dict).encode(encoding, "backslashreplace").decode(encoding)

    return render


def _tap_processor(tap: Tap) -> Processor:
    def deliver(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> str:
        tap(event_dict)
        return ""

    return deliver


def _formatter(last: Processor) -> ProcessorFormatter:
    return ProcessorFormatter(
        foreign_pre_chain=[merge_contextvars, *_preparation()],
        processors=[ProcessorFormatter.remove_processors_meta, last],
    )


def _preparation() -> list[Processor]:
    return [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        add_timestamp,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,  # removes `exc_info`, so that logging does not render it again
        redact_secrets,
    ]


def _configure_structlog(undo: ExitStack) -> None:
    before = structlog.get_config() if structlog.is_configured() else None
    undo.callback(structlog.reset_defaults if before is None else lambda: structlog.configure(**before))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            merge_contextvars,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_preparation(),
            ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # otherwise a logger would keep the configuration of its first use
    )


def _set_levels(undo: ExitStack, level: int) -> None:
    levels = {None: level}
    levels |= {name: max(level, logging.WARNING) for name in _AT_LEAST_WARNING}
    levels |= {name: max(level, logging.INFO) for name in _AT_LEAST_INFO}
    for name, wanted in levels.items():
        target = logging.getLogger(name)
        undo.callback(target.setLevel, target.level)
        target.setLevel(wanted)


def _remove_owned_handlers() -> None:
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Owned)]:
        root.removeHandler(handler)
        handler.close()


def log_refusal(error: DomainError) -> None:
    """Called at the request boundary. What is refused takes one line; a mistake of the server has its traceback too.

    A refusal that tells the owner of something, such as a full disk, is a warning.
    """
    status = error.http_status
    if status == 500:
        logger.error("Request failed", status=status, code=error.code.value, exc_info=error)
        return
    log = logger.info if status < 500 else logger.warning
    log("Request refused", status=status, code=error.code.value, reason=error.message)


def log_unhandled(exc: BaseException) -> None:
    """Called at the request boundary, for an exception that nothing else has handled."""
    logger.error("Unhandled exception", exc_info=exc)


def log_background_exception(task_name: str, exc: BaseException) -> None:
    """Called by the owner of background work that failed: logs it once, with the traceback."""
    logger.error("Background task failed", task=task_name, exc_info=exc)
