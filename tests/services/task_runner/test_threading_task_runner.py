"""Background work starts at once, fails in one place, and holds up no stop."""

from __future__ import annotations

import contextvars
import threading

import pytest

from services.task_runner.threading_task_runner import ThreadingTaskRunner
from tests.waiting import deadline_s

LIMIT_S = deadline_s()
REQUEST: contextvars.ContextVar[str] = contextvars.ContextVar("REQUEST", default="none")


class Log:
    """What the runner logged."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, BaseException]] = []

    def __call__(self, task_name: str, error: BaseException) -> None:
        self.entries.append((task_name, error))


def test_work_runs_beside_the_caller() -> None:
    runner = ThreadingTaskRunner(Log())
    gates = [threading.Event() for _ in range(3)]
    arrived = threading.Barrier(4)

    def work(gate: threading.Event) -> None:
        arrived.wait(LIMIT_S)
        gate.set()

    for gate in gates:
        runner.submit("load", lambda gate=gate: work(gate))
    arrived.wait(LIMIT_S)
    assert all(gate.wait(LIMIT_S) for gate in gates)
    runner.close(LIMIT_S)


def test_a_failure_is_logged_once_and_then_reported() -> None:
    log, reported, done = Log(), list[tuple[BaseException, int]](), threading.Event()
    runner = ThreadingTaskRunner(log)
    failure = SystemExit("a library wanted to leave")

    def fail() -> None:
        raise failure

    def on_error(error: BaseException) -> None:
        reported.append((error, len(log.entries)))
        done.set()

    runner.submit("load a model", fail, on_error=on_error)
    assert done.wait(LIMIT_S)
    runner.close(LIMIT_S)
    assert log.entries == [("load a model", failure)]
    assert reported == [(failure, 1)]
    assert failure.__traceback__ is not None


def test_a_failure_in_on_error_is_logged_as_well() -> None:
    log = Log()
    runner = ThreadingTaskRunner(log)
    first, second = ValueError("first"), KeyError("second")

    def fail() -> None:
        raise first

    def on_error(error: BaseException) -> None:
        raise second from error

    runner.submit("load", fail, on_error=on_error)
    runner.close(LIMIT_S)
    assert log.entries == [("load", first), ("load", second)]


def test_work_sees_the_context_of_its_caller_and_cannot_change_it() -> None:
    runner, seen = ThreadingTaskRunner(Log()), list[str]()

    def work() -> None:
        seen.append(REQUEST.get())
        REQUEST.set("changed")

    token = REQUEST.set("request 7")
    runner.submit("load", work)
    runner.close(LIMIT_S)
    assert (seen, REQUEST.get()) == (["request 7"], "request 7")
    REQUEST.reset(token)


def test_close_waits_for_work_and_takes_no_more() -> None:
    runner, finished, started = ThreadingTaskRunner(Log()), list[int](), threading.Event()

    def work() -> None:
        started.wait(LIMIT_S)
        finished.append(1)

    for _ in range(5):
        runner.submit("load", work)
    started.set()
    runner.close(LIMIT_S)
    runner.close(LIMIT_S)
    assert len(finished) == 5
    with pytest.raises(RuntimeError, match="closed"):
        runner.submit("late", work)


def test_close_does_not_wait_for_ever() -> None:
    runner, gate, ended = ThreadingTaskRunner(Log()), threading.Event(), threading.Event()

    def work() -> None:
        gate.wait(LIMIT_S)
        ended.set()

    runner.submit("hang", work)
    runner.close(0.01)
    assert not ended.is_set()
    gate.set()
    assert ended.wait(LIMIT_S)


def test_work_may_close_its_own_runner() -> None:
    log = Log()
    runner, done = ThreadingTaskRunner(log), threading.Event()

    def work() -> None:
        runner.close(LIMIT_S)
        done.set()

    runner.submit("stop", work)
    assert done.wait(LIMIT_S)
    assert log.entries == []
