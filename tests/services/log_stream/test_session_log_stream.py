from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.contextvars import bound_contextvars

from logging_policy import configure_logging
from services.log_stream.log_reduction import LogReduction
from services.log_stream.session_log_stream import SessionLogStream
from wire_protocol import LogMessage, encode_message


class StillClock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now


class Stream:
    def __init__(self) -> None:
        self.clock = StillClock()
        self.stream = SessionLogStream(self.clock, LogReduction(data_dir=Path("/srv/data"), home=Path("/home/ann")))
        self.got: list[LogMessage] = []

    def tap(self, event: str = "e", *, session_id: object = "one", **fields: object) -> None:
        self.stream.tap({"event": event, "level": "info", "session_id": session_id, **fields})

    def only(self) -> LogMessage:
        (message,) = self.got
        return message


@pytest.fixture
def stream() -> Stream:
    made = Stream()
    made.stream.subscribe("one", made.got.append)
    return made


def test_an_event_becomes_a_message(stream: Stream) -> None:
    stream.tap(
        "loading", logger="handlers.x", timestamp="2026-01-02T03:04:05.678+00:00", current_step=1, ok=True, took_s=0.5
    )
    message = stream.only()
    assert (message.event, message.level, message.logger, message.timestamp) == (
        "loading",
        "info",
        "handlers.x",
        "03:04:05",
    )
    assert message.fields == {"current_step": 1, "ok": True, "took_s": 0.5}
    assert message.exception is None


@pytest.mark.parametrize("session_id", ["two", "", None, 1, "ONE", "one "])
def test_other_peoples_events_stay_away(stream: Stream, session_id: object) -> None:
    stream.tap(session_id=session_id)
    stream.stream.tap({"event": "bound to nobody", "level": "info"})
    assert stream.got == []


def test_unsubscribing_ends_it() -> None:
    made = Stream()
    second: list[LogMessage] = []
    stop_first = made.stream.subscribe("one", made.got.append)
    stop_second = made.stream.subscribe("one", second.append)
    made.tap()
    stop_first()
    stop_first()
    made.tap()
    stop_second()
    made.tap()
    assert (len(made.got), len(second)) == (1, 2)


def test_a_flood_is_thinned_and_said_so(stream: Stream) -> None:
    for number in range(150):
        stream.tap(f"event {number}")
    assert len(stream.got) == 100
    stream.clock.now = 1.0
    for _ in range(30):
        stream.tap("later")
    notice, *later = stream.got[100:]
    assert (notice.event, notice.level, notice.fields) == ("log events left out", "warning", {"count": 50})
    assert [message.event for message in later] == ["later"] * 20
    stream.clock.now = 100.0
    for number in range(120):
        stream.tap(f"much later {number}")
    assert stream.got[121].fields == {"count": 10}
    assert len(stream.got[122:]) == 100


def test_a_flood_of_one_kind_leaves_room_for_the_others(stream: Stream) -> None:
    for _ in range(5000):
        stream.tap("A message was refused", code="invalidRequest")
    stream.tap("A message was refused", code="messageTooLarge")
    stream.tap("The engine failed in play")
    assert len(stream.got) == 53
    notice, *others = stream.got[50:]
    assert (notice.event, notice.fields) == ("log events left out", {"count": 4950})
    assert [message.event for message in others] == ["A message was refused", "The engine failed in play"]


def test_values_are_reduced(stream: Stream) -> None:
    stream.tap(
        "a\ud800b",
        nan=float("nan"),
        huge=2**60,
        none=None,
        mapping={"k": [1, 2]},
        long="x" * 5000,
        exception="y" * 20000 + "LookupError: the end",
        _private=1,
        request_id="r",
        path="/ws",
    )
    message = stream.only()
    assert message.event == "a?b"
    assert message.fields is not None
    assert message.fields["nan"] == "nan"
    assert message.fields["huge"] == str(2**60)
    assert message.fields["none"] == "None"
    assert message.fields["mapping"] == "{'k': [1, 2]}"
    assert len(str(message.fields["long"])) == 2048
    assert message.exception is not None
    assert len(message.exception) == 8192
    assert message.exception.endswith("LookupError: the end")
    assert {"session_id", "_private", "request_id", "path"}.isdisjoint(message.fields)
    encode_message(message).encode()


def test_paths_are_shortened(stream: Stream) -> None:
    stream.tap(
        "wrote /srv/data/logs/x",
        at=Path("/home/ann/seeds/p.png"),
        other="/home/anne/x",
        exception='File "/home/ann/terrarium/x.py"',
    )
    message = stream.only()
    assert message.event == "wrote <data>/logs/x"
    assert message.fields == {"at": "~/seeds/p.png", "other": "/home/anne/x"}
    assert message.exception == 'File "~/terrarium/x.py"'


def test_windows_paths_are_shortened() -> None:
    class WindowsPath:
        """Just what is asked of a path."""

        parent = None

        def __str__(self) -> str:
            return r"C:\Users\Ann"

        def as_posix(self) -> str:
            return "C:/Users/Ann"

    home: Any = WindowsPath()
    reduction = LogReduction(data_dir=Path("/srv/data"), home=home)
    message = reduction.reduce({"event": r"C:\Users\Ann\x C:/Users/Ann/x 'C:\\Users\\Ann\\x'"})
    assert message.event == r"~\x ~/x '~\\x'"


def test_a_listener_that_fails_does_not_disturb_the_logger(stream: Stream) -> None:
    def broken(_: LogMessage) -> None:
        raise LookupError

    stream.stream.subscribe("one", broken)
    stream.tap()
    assert len(stream.got) == 1


def test_a_value_that_cannot_be_shown_does_not_disturb_the_logger(stream: Stream) -> None:
    class Broken:
        def __str__(self) -> str:
            raise LookupError

    stream.tap(value=Broken())
    stream.tap("after")
    assert stream.only().event == "after"


def test_the_pipeline_feeds_it_from_any_thread_and_listeners_may_log() -> None:
    made = Stream()
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("tests.pipeline")

    def deliver(message: LogMessage) -> None:
        made.got.append(message)
        logger.info("from the listener")

    made.stream.subscribe("one", deliver)
    undo = configure_logging("json", None, made.stream.tap)
    try:

        def work() -> None:
            with bound_contextvars(session_id="one"):
                logger.info("mine", step=1)
            with bound_contextvars(session_id="two"):
                logger.info("not mine")
            logger.info("nobody's")

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        undo()
    message = made.only()
    assert (message.event, message.logger, message.fields) == ("mine", "tests.pipeline", {"step": 1})
    assert message.timestamp is not None
    assert len(message.timestamp) == len("HH:MM:SS")
