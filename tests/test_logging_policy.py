from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import warnings
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from crash_hooks import log_loop_exception
from error_types import DomainError, ErrorCode
from logging_policy import configure_logging, log_background_exception, log_refusal, log_unhandled
from tests.fakes.fake_clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("tests.logging")


class Sink:
    def __init__(self, log_format: Any, path: Path | None = None, **options: Any) -> None:
        self.stream = io.StringIO()
        self.tapped: list[dict[str, Any]] = []
        self.undo = configure_logging(
            log_format, path, lambda event: self.tapped.append(dict(event)), stream=self.stream, **options
        )

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def text() -> Generator[Sink]:
    sink = Sink("text")
    yield sink
    sink.undo()


@pytest.fixture
def lines(tmp_path: Path) -> Generator[Sink]:
    sink = Sink("json", tmp_path / "logs" / "server.log")
    yield sink
    sink.undo()


def test_a_text_line(text: Sink) -> None:
    logger.info("frame sent", passes=3, name="two words", empty="")
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d \[info    \] \[tests\.logging\] frame sent passes=3 name='two words' empty=''\n", text.text
    )


def test_what_a_client_sent_cannot_begin_a_new_log_line(text: Sink) -> None:
    logger.info("path\n12:00:00 [info    ] forged", path="/a\x1b[31m\nb", surrogate="\ud800")
    assert len(text.text.splitlines()) == 1
    assert "\x1b" not in text.text
    assert "\\n12:00:00" in text.text


def test_a_terminal_without_a_character_keeps_the_line() -> None:
    raw = io.BytesIO()
    terminal = io.TextIOWrapper(raw, "ascii", write_through=True)
    undo = configure_logging("text", None, None, stream=terminal)
    try:
        logger.info("grün")
    finally:
        undo()
    assert b"gr\\xfcn" in raw.getvalue()


def test_json_lines_go_to_the_stream_and_the_file(lines: Sink, tmp_path: Path) -> None:
    with structlog.contextvars.bound_contextvars(session_id="one"):
        logger.warning("slow", took_s=1.5, odd=object, surrogate="\ud800")
    (event,) = lines.events
    assert event["event"] == "slow"
    assert (event["level"], event["logger"], event["session_id"], event["took_s"]) == (
        "warning",
        "tests.logging",
        "one",
        1.5,
    )
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]", event["timestamp"])
    assert (tmp_path / "logs" / "server.log").read_text() == lines.text
    assert lines.tapped[0]["session_id"] == "one"


def test_the_format_follows_the_stream() -> None:
    sink = Sink(None)
    logger.info("hello")
    sink.undo()
    assert sink.events[0]["event"] == "hello"


def test_the_standard_library_goes_the_same_way(lines: Sink) -> None:
    with structlog.contextvars.bound_contextvars(session_id="one"):
        logging.getLogger("PIL.Image").info("opened %s", "x.png")
    (event,) = lines.events
    assert (event["event"], event["logger"], event["session_id"]) == ("opened x.png", "PIL.Image", "one")
    assert lines.tapped[0]["event"] == "opened x.png"


def test_warnings_are_logged(lines: Sink) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)  # pytest has put its own in the way
        logging.captureWarnings(capture=True)
        warnings.warn("mind the gap", stacklevel=1)
    (event,) = lines.events
    assert event["logger"] == "py.warnings"
    assert "mind the gap" in event["event"]


def test_chatter_is_hidden(lines: Sink) -> None:
    logging.getLogger("uvicorn.error").info("hidden")
    logging.getLogger("uvicorn.access").info("hidden")
    logging.getLogger("uvicorn.error").warning("shown")
    logger.debug("hidden")
    assert [event["event"] for event in lines.events] == ["shown"]


def test_debug_is_for_our_own(tmp_path: Path) -> None:
    del tmp_path
    sink = Sink("json", level="debug")
    logger.debug("ours")
    logging.getLogger("PIL.PngImagePlugin").debug("theirs")
    sink.undo()
    assert [event["event"] for event in sink.events] == ["ours"]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_traceback_is_rendered_once(log_format: Any) -> None:
    sink = Sink(log_format)
    try:
        try:
            raise LookupError("ours")
        except LookupError:
            logger.exception("caught")
        try:
            raise LookupError("theirs")
        except LookupError:
            logging.getLogger("library").exception("caught")
    finally:
        sink.undo()
    assert sink.text.count("Traceback") == 2
    assert sink.text.count("LookupError: ours") == 1
    assert sink.text.count("LookupError: theirs") == 1


def test_secrets_are_redacted(lines: Sink) -> None:
    logger.info("x", token="a1", Authorization="a2", cookie="a3", hf_token="a4", headers={"Set-Cookie": "a5", "b": "c"})
    assert re.search(r"a[1-5]", lines.text) is None
    assert lines.events[0]["headers"] == {"Set-Cookie": "[redacted]", "b": "c"}


def test_configuring_again_replaces_and_undoing_restores() -> None:
    before = logging.getLogger().handlers[:], logging.getLogger().level, structlog.is_configured()
    first = Sink("json")
    second = Sink("json")
    logger.info("hello")
    assert first.text == ""
    assert len(second.events) == 1
    second.undo()
    first.undo()
    assert (logging.getLogger().handlers[:], logging.getLogger().level, structlog.is_configured()) == before
    assert logging.getLogger("uvicorn.error").level == logging.NOTSET


def test_a_log_file_that_cannot_be_opened_changes_nothing(tmp_path: Path) -> None:
    before = logging.getLogger().handlers[:]
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        configure_logging("json", tmp_path / "file" / "server.log", None)
    assert logging.getLogger().handlers == before


def test_a_flood_is_counted_and_displaces_no_other_event(tmp_path: Path) -> None:
    clock = FakeClock()
    sink = Sink("json", tmp_path / "server.log", clock=clock.monotonic)
    logger.info("before")
    for number in range(5_000):
        logger.info("Request served", status=403, path=f"/{number}")
        logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
        logger.debug("hidden")
    logger.info("Request served", status=500)
    clock.advance(299.0)
    logger.info("after")
    assert [_short(event) for event in sink.events] == [
        "before",
        *["Request served 403", "Invalid HTTP request received."] * 50,
        "Request served 500",
        "after",
    ]
    clock.advance(1.0)
    logger.info("much later")
    sink.undo()
    of_ours, of_theirs, last = sink.events[103:]
    assert (of_ours["event"], of_ours["of"], of_ours["status"]) == (
        "Repeated events were left out",
        "Request served",
        "403",
    )
    assert (of_ours["count"], of_ours["within_s"], of_ours["level"]) == (4_950, 300, "info")
    assert (of_theirs["of"], of_theirs["level"], of_theirs["logger"]) == (
        "Invalid HTTP request received.",
        "warning",
        "uvicorn.error",
    )
    assert last["event"] == "much later"
    assert len((tmp_path / "server.log").read_text().splitlines()) == len(sink.events)
    assert len([event for event in sink.tapped if event["event"] == "Request served"]) == 5_001


def _short(event: dict[str, Any]) -> str:
    return " ".join(str(event[name]) for name in ("event", "status") if name in event)


def test_what_was_left_out_is_told_at_the_end(lines: Sink) -> None:
    for _ in range(60):
        logger.info("again")
    lines.undo()
    assert (lines.events[-1]["of"], lines.events[-1]["count"]) == ("again", 10)


def test_debug_events_are_all_written() -> None:
    sink = Sink("json", level="debug")
    for _ in range(200):
        logger.debug("again")
    sink.undo()
    assert len(sink.events) == 200


def test_failures_at_different_places_are_different() -> None:
    sink = Sink("json")

    def fail(number: int) -> None:
        if number % 2:
            raise LookupError(number)
        raise LookupError(number)

    for number in range(300):
        try:
            fail(number)
        except LookupError as error:
            log_unhandled(error)
            logging.getLogger("library").exception("It failed", exc_info=error)
    sink.undo()
    left_out = [event for event in sink.events if event["event"] == "Repeated events were left out"]
    assert len(sink.events) == 4 * 50 + 4
    assert [event["count"] for event in left_out] == [100] * 4
    assert all(event["failure"].startswith("LookupError File") for event in left_out)


def test_http_errors(lines: Sink) -> None:
    log_refusal(DomainError("No such seed.", ErrorCode.SEED_UNKNOWN))
    log_refusal(DomainError("The disk is full.", ErrorCode.SEED_NOT_KEPT))
    log_refusal(DomainError("It broke.", ErrorCode.INTERNAL))
    log_unhandled(LookupError("why"))
    log_background_exception("load", LookupError("why"))
    refused, full, failed, unhandled, background = lines.events
    assert (refused["level"], refused["status"], refused["code"]) == ("info", 404, "seedUnknown")
    assert (full["level"], full["status"], full["reason"]) == ("warning", 507, "The disk is full.")
    assert "exception" not in refused
    assert "exception" not in full
    for event in (failed, unhandled, background):
        assert event["level"] == "error"
        assert "exception" in event
    assert background["task"] == "load"


def test_the_event_loop_reports_what_nobody_awaited(lines: Sink) -> None:
    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(log_loop_exception)

        def fail() -> None:
            raise LookupError("in a callback")

        asyncio.get_running_loop().call_soon(fail)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(main())
    (event,) = lines.events
    assert "LookupError: in a callback" in event["exception"]
    assert "handle" in event
