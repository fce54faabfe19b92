"""The worker with real processes: order, cancellation, deadlines, death, memory."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import psutil
import pytest
import structlog

from logging_policy import configure_logging
from services.torch_worker.process_torch_worker import ProcessTorchWorker
from services.torch_worker.torch_worker import (
    Plain,
    TorchWorkerError,
    WorkerDiedError,
    WorkerFault,
    WorkerLoading,
    WorkerReady,
    WorkerSpec,
    WorkerStopped,
)
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

TOYS = "tests.services.torch_worker.services_in_worker"
PATIENCE_S = deadline_s()


@contextmanager
def toy(factory: str = "build_toy", **spec: Any) -> Generator[ProcessTorchWorker]:
    if factory == "build_toy":
        spec["options"] = {"prefix": "toy"}
    worker = ProcessTorchWorker(WorkerSpec("toy", f"{TOYS}:{factory}", **spec))
    try:
        yield worker
    finally:
        worker.close()


@pytest.fixture(scope="module")
def shared() -> Generator[ProcessTorchWorker]:
    """One that nobody ends: a process takes a second or more to start."""
    with toy() as worker:
        yield worker


def ask(worker: ProcessTorchWorker, method: str, payload: Plain = None) -> Plain:
    return worker.submit(method, payload, timeout_s=PATIENCE_S).result(PATIENCE_S)


def facts(worker: ProcessTorchWorker) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", ask(worker, "facts"))


def fault_of(future: Future[Plain]) -> WorkerFault:
    error = future.exception(PATIENCE_S)
    assert isinstance(error, TorchWorkerError)
    assert str(error).endswith(".")
    assert "/home" not in str(error)
    return error.fault


def test_calls_are_answered_in_order_by_one_process_that_the_first_of_them_starts() -> None:
    with toy() as worker:
        assert worker.status() == WorkerStopped()
        done: list[int] = []
        futures = [worker.submit("echo", number, timeout_s=PATIENCE_S) for number in range(200)]
        for number, future in enumerate(futures):
            future.add_done_callback(lambda _, number=number: done.append(number))
        assert [future.result(PATIENCE_S) for future in futures] == [["toy", number] for number in range(200)]
        wait_until(lambda: len(done) == 200, "every callback ran")
        assert done == list(range(200))
        assert isinstance(worker.status(), WorkerReady)


def test_pictures_and_bytes_cross_and_tensors_do_not(shared: ProcessTorchWorker) -> None:
    picture = np.arange(720 * 1280 * 3, dtype=np.uint8).reshape(720, 1280, 3)
    answer = cast("Any", ask(shared, "echo", {"picture": picture, "file": b"\0\xff", "many": [1, 2.5, "x", None]}))
    assert np.array_equal(answer[1]["picture"], picture)
    assert answer[1]["file"] == b"\0\xff"
    assert fault_of(shared.submit("tensor", None, timeout_s=PATIENCE_S)) is WorkerFault.CALL_FAILED
    with pytest.raises(TypeError, match="object"):
        shared.submit("echo", cast("Any", object()), timeout_s=PATIENCE_S)
    with pytest.raises(TypeError, match="objects"):
        shared.submit("echo", np.array([object()]), timeout_s=PATIENCE_S)


def test_the_process_has_few_threads_and_a_low_priority() -> None:
    with toy(threads=2, niceness=7) as worker:
        found = facts(worker)
        assert found["pid"] != os.getpid()
        assert (found["threads"], found["same_output"], found["has_torch"]) == ("2", True, False)
        assert found["nice"] == min(19, psutil.Process().nice() + 7) or found["nice"] == 7


@pytest.mark.parametrize(
    ("payload", "fault"),
    [
        ("refusal", WorkerFault.CALL_FAILED),
        ("memory", WorkerFault.OUT_OF_MEMORY),
        ("torch memory", WorkerFault.OUT_OF_MEMORY),
        ("path", WorkerFault.CALL_FAILED),
    ],
)
def test_a_call_that_fails_is_a_typed_error_and_the_process_lives_on(
    shared: ProcessTorchWorker, payload: str, fault: WorkerFault
) -> None:
    before = facts(shared)["pid"]
    assert fault_of(shared.submit("fail", payload, timeout_s=PATIENCE_S)) is fault
    assert facts(shared)["pid"] == before


@pytest.mark.parametrize("factory", ["build_refusing", "build_broken", "build_nothing"])
def test_a_service_that_cannot_be_built_fails_its_calls_and_leaves_no_process(factory: str) -> None:
    with toy(factory) as worker:
        futures = [worker.submit("echo", 1, timeout_s=PATIENCE_S) for _ in range(3)]
        assert {fault_of(future) for future in futures} == {WorkerFault.LOAD_FAILED}
        wait_until(lambda: worker.status() == WorkerStopped(), "the process ended")


def test_progress_reaches_the_caller_in_its_own_context(shared: ProcessTorchWorker) -> None:
    heard: list[Any] = []

    def hear(progress: Plain) -> None:
        heard.append((progress, structlog.contextvars.get_contextvars().get("session_id")))

    with structlog.contextvars.bound_contextvars(session_id="s1"):
        assert shared.submit("steps", 3, timeout_s=PATIENCE_S, on_progress=hear).result(PATIENCE_S) == "all"
    assert [progress["step"] for progress, _ in heard] == [0, 1, 2]
    assert {session for _, session in heard} == {"s1"}


def test_cancelling_stops_a_call_in_mid_run_and_the_process_serves_the_next(shared: ProcessTorchWorker) -> None:
    begun = threading.Event()
    before = facts(shared)["pid"]
    running = shared.submit("steps", 1_000_000, timeout_s=PATIENCE_S, on_progress=lambda _: begun.set())
    waiting = shared.submit("steps", 1_000_000, timeout_s=PATIENCE_S)
    assert begun.wait(PATIENCE_S)
    assert waiting.cancel()
    assert running.cancel()
    assert facts(shared)["pid"] == before
    with pytest.raises(CancelledError):
        running.result(0)


def test_cancelling_a_task_cancels_what_it_waits_for(shared: ProcessTorchWorker) -> None:
    async def scenario(worker: ProcessTorchWorker) -> None:
        begun, events = asyncio.Event(), asyncio.get_running_loop()

        def tell(_: Plain) -> None:
            events.call_soon_threadsafe(begun.set)

        future = worker.submit("steps", 1_000_000, timeout_s=PATIENCE_S, on_progress=tell)
        task = asyncio.ensure_future(asyncio.wrap_future(future))
        await asyncio.wait_for(begun.wait(), PATIENCE_S)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(wait_until, future.cancelled, "the call was cancelled with the task")

    asyncio.run(scenario(shared))
    assert ask(shared, "echo", 1) == ["toy", 1]


def test_a_call_past_its_deadline_fails_and_the_process_serves_the_next(shared: ProcessTorchWorker) -> None:
    before = facts(shared)["pid"]
    assert fault_of(shared.submit("steps", 1_000_000, timeout_s=0.2)) is WorkerFault.DEADLINE
    assert facts(shared)["pid"] == before


def test_a_call_that_waits_past_its_deadline_fails_without_disturbing_the_one_before(
    shared: ProcessTorchWorker,
) -> None:
    ask(shared, "echo")
    running = shared.submit("steps", 100, timeout_s=PATIENCE_S)
    assert fault_of(shared.submit("echo", 1, timeout_s=0.05)) is WorkerFault.DEADLINE
    assert running.result(PATIENCE_S) == "all"


def test_a_process_that_does_not_let_go_is_ended_and_the_next_call_starts_another() -> None:
    begun = threading.Event()
    with toy(cancel_grace_s=0.2) as worker:
        before = facts(worker)["pid"]
        deaf = worker.submit("deaf", None, timeout_s=PATIENCE_S, on_progress=lambda _: begun.set())
        assert begun.wait(PATIENCE_S)
        deaf.cancel()
        wait_until(lambda: not psutil.pid_exists(before), "the deaf process is gone")
        wait_until(lambda: worker.status() == WorkerStopped(), "its thread has left")
        assert facts(worker)["pid"] != before


def test_calls_that_wait_behind_a_process_that_does_not_let_go_are_answered_by_another() -> None:
    begun = threading.Event()
    with toy(cancel_grace_s=0.2) as worker:
        before = facts(worker)["pid"]
        deaf = worker.submit("deaf", None, timeout_s=PATIENCE_S, on_progress=lambda _: begun.set())
        assert begun.wait(PATIENCE_S)
        deaf.cancel()
        waiting = worker.submit("echo", 7, timeout_s=PATIENCE_S)
        given_up = worker.submit("echo", 8, timeout_s=PATIENCE_S)
        given_up.cancel()
        assert waiting.result(PATIENCE_S) == ["toy", 7]
        assert facts(worker)["pid"] != before


def test_a_worker_that_is_unloaded_while_it_kills_its_process_starts_no_other() -> None:
    begun = threading.Event()
    with toy(cancel_grace_s=0.0) as worker:
        deaf = worker.submit("deaf", None, timeout_s=PATIENCE_S, on_progress=lambda _: begun.set())
        assert begun.wait(PATIENCE_S)
        waiting = worker.submit("echo", 7, timeout_s=PATIENCE_S)
        deaf.cancel()
        worker.close()
        assert worker.status() == WorkerStopped()
        assert waiting.done(), "nobody will answer it"


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV"])
def test_a_death_is_a_typed_error_and_the_next_call_starts_another(name: str) -> None:
    with toy() as worker:
        before = facts(worker)["pid"]
        futures = [worker.submit("die", name, timeout_s=PATIENCE_S), worker.submit("echo", 1, timeout_s=PATIENCE_S)]
        for future in futures:
            error = future.exception(PATIENCE_S)
            assert isinstance(error, WorkerDiedError)
            assert name in str(error)
        assert facts(worker)["pid"] != before


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_process_that_dies_while_idle_is_replaced_by_the_next_call() -> None:
    with toy() as worker:
        before = facts(worker)["pid"]
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: worker.status() == WorkerStopped(), "its death was noticed")
        assert facts(worker)["pid"] != before


def test_unloading_gives_the_memory_back() -> None:
    size = 64 << 20
    with toy() as worker:
        pid = facts(worker)["pid"]
        ask(worker, "fill", size)
        assert psutil.Process(pid).memory_info().rss > size
        worker.unload()
        assert not psutil.pid_exists(pid)
        assert worker.status() == WorkerStopped()
        assert ask(worker, "echo", 1) == ["toy", 1]


def test_unloading_in_mid_run_and_in_mid_load_ends_the_process_at_once(tmp_path: Path) -> None:
    begun = threading.Event()
    with toy() as worker:
        running = worker.submit("deaf", None, timeout_s=PATIENCE_S, on_progress=lambda _: begun.set())
        assert begun.wait(PATIENCE_S)
        worker.unload()
        assert fault_of(running) is WorkerFault.UNLOADED
    started = tmp_path / "started"
    with toy("build_slow", options={"started": str(started)}) as worker:
        loading = worker.submit("echo", 1, timeout_s=PATIENCE_S)
        wait_until(started.exists, "the load began")
        status = worker.status()
        assert isinstance(status, WorkerLoading)
        worker.unload()
        assert fault_of(loading) is WorkerFault.UNLOADED
        assert status.pid
        assert not psutil.pid_exists(status.pid)


def test_an_idle_process_ends_by_itself() -> None:
    with toy(idle_s=0.1) as worker:
        pid = facts(worker)["pid"]
        wait_until(lambda: not psutil.pid_exists(pid), "the idle process ended")
        wait_until(lambda: worker.status() == WorkerStopped(), "its thread has left")
        assert ask(worker, "echo", 1) == ["toy", 1]


def test_a_closed_worker_refuses_calls() -> None:
    with toy() as worker:
        ask(worker, "echo", 1)
        worker.close()
        worker.close()
        assert fault_of(worker.submit("echo", 1, timeout_s=PATIENCE_S)) is WorkerFault.UNLOADED


def test_its_log_events_reach_the_servers_log() -> None:
    seen: list[Mapping[str, object]] = []
    undo = configure_logging("json", None, seen.append, stream=io.StringIO())
    try:
        with toy() as worker, structlog.contextvars.bound_contextvars(session_id="s7"):
            ask(worker, "log")
            fault_of(worker.submit("fail", "path", timeout_s=PATIENCE_S))
    finally:
        undo()
    by_event = {event["event"]: event for event in seen}
    assert by_event["A warning of a library"]["logger"] == "a.library"
    fields = by_event["An event with fields"]
    assert (fields["size"], fields["name"], fields["worker"], fields["level"]) == (3, "x", "toy", "info")
    assert fields["session_id"] == "s7"
    assert any("A Python warning" in str(event) for event in by_event)
    failed = by_event["The model failed"]
    assert (failed["level"], "ValueError" in str(failed["exception"])) == ("error", True)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_the_process_ends_when_the_server_is_killed() -> None:
    """It is in the middle of a call, and does not check for the server itself."""
    program = f"""
from services.torch_worker.process_torch_worker import ProcessTorchWorker
from services.torch_worker.torch_worker import WorkerReady, WorkerSpec
import threading
if __name__ == "__main__":
    worker = ProcessTorchWorker(WorkerSpec("toy", "{TOYS}:build_toy", {{"prefix": "toy"}}))
    begun = threading.Event()
    worker.submit("deaf", None, timeout_s=600, on_progress=lambda _: begun.set())
    begun.wait()
    status = worker.status()
    print(status.pid, flush=True)
    threading.Event().wait()
"""
    project = Path(__file__).resolve().parents[3]
    with subprocess.Popen([sys.executable, "-c", program], cwd=project, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)
        parent.kill()
        wait_until(lambda: not psutil.pid_exists(pid), "the worker followed its server")
