"""How a process is asked to stop and how it ends, with real processes and real signals."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.terminal import in_terminal, terminal, without_terminal
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent differently there")

ROOT: Final = Path(__file__).parent.parent
PREPARE: Final = """
import sys, threading, time
from pathlib import Path
from process_stop import ProcessStop, StopAskedError

stacks = Path(sys.argv[1])
stop = ProcessStop(limit_s=float(sys.argv[2]))
stop.listen()
stop.write_stacks_to(stacks)
print("ready", flush=True)
"""
# Waits in Python, where signal handlers run, until something else ends the process.
WAIT: Final = "while True: time.sleep(0.01)\n"


@contextmanager
def running(
    script: str, tmp_path: Path, *, before: str = "", limit_s: float = 0.2, has_terminal: bool = True
) -> Generator[subprocess.Popen[str]]:
    arguments = ["-c", before + PREPARE + script, str(tmp_path / "stacks.txt"), str(limit_s)]
    with (
        terminal() as its,
        subprocess.Popen(
            in_terminal(its, arguments) if has_terminal else without_terminal(arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            pass_fds=[its],
        ) as process,
    ):
        try:
            assert said(process) == "ready"
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def stacks_in(tmp_path: Path) -> str:
    return (tmp_path / "stacks.txt").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_start_sees_the_signal_between_two_steps(number: signal.Signals, tmp_path: Path) -> None:
    script = """
sys.stdin.readline()
try:
    stop.check()
except StopAskedError:
    print("seen", flush=True)
    stop.leave(0)
"""
    with running(script, tmp_path, limit_s=deadline_s()) as process:
        process.send_signal(number)
        output, errors = process.communicate("go on\n", deadline_s())
        assert (process.returncode, output, errors) == (0, "seen\n", "")


def test_a_step_that_takes_too_long_is_left(tmp_path: Path) -> None:
    with running(WAIT, tmp_path) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(deadline_s()) == 0
    assert stacks_in(tmp_path) == ""


def test_a_second_interrupt_ends_the_start_at_once(tmp_path: Path) -> None:
    with running(WAIT, tmp_path, limit_s=deadline_s()) as process:
        process.send_signal(signal.SIGINT)
        while process.poll() is None:  # one that comes too soon after the first is merged with it
            process.send_signal(signal.SIGINT)
            time.sleep(0.01)
        assert process.returncode == 130


def test_an_interrupt_is_heard_by_what_a_script_runs_in_the_background(tmp_path: Path) -> None:
    ignoring = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    with running(WAIT, tmp_path, before=ignoring) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(deadline_s()) == 0


def test_a_signal_of_the_start_reaches_the_server(tmp_path: Path) -> None:
    script = """
sys.stdin.readline()
stop.hand_over(lambda number, frame: print("told", number, flush=True))
sys.stdin.readline()
stop.leave(0)
"""
    with running(script, tmp_path, limit_s=deadline_s()) as process:
        process.send_signal(signal.SIGHUP)
        output, _ = process.communicate("\n\n", deadline_s())
        assert (process.returncode, output) == (0, f"told {signal.SIGHUP.value}\n")


def test_a_stop_that_hangs_is_cut_short_with_its_stacks(tmp_path: Path) -> None:
    with running("stop.hand_over(lambda number, frame: None)\n" + WAIT, tmp_path) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(deadline_s()) == 1
    assert "The stop took too long" in stacks_in(tmp_path)
    assert 'File "<string>"' in stacks_in(tmp_path)


def test_it_is_cut_short_while_native_code_keeps_signal_handlers_from_running(tmp_path: Path) -> None:
    script = """
import hashlib, os, signal
def compute():
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)  # minutes in one call, with the interpreter's lock released
def ask_for_a_stop(main):
    while sys._current_frames()[main].f_code is not compute.__code__:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGTERM)
sys.setswitchinterval(1000)  # other threads get a turn only while the main thread is in native code
stop.hand_over(lambda number, frame: print("told", flush=True))
threading.Thread(target=ask_for_a_stop, args=[threading.get_ident()], daemon=True).start()
compute()
"""
    with running(script, tmp_path) as process:
        output, _ = process.communicate(timeout=deadline_s())
        assert (process.returncode, output) == (1, "")


def test_time_in_which_the_process_stands_still_does_not_count(tmp_path: Path) -> None:
    script = """
stop.hand_over(lambda number, frame: None)
stop.end_within(0.2)
print("stopping", flush=True)
sys.stdin.readline()
stop.leave(0)
"""
    with running(script, tmp_path) as process:
        assert said(process) == "stopping"
        process.send_signal(signal.SIGSTOP)
        time.sleep(1.0)  # five times as much as the stop may take
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        process.send_signal(signal.SIGCONT)
        assert process.wait(deadline_s()) == 0
    assert stacks_in(tmp_path) == ""


RELOADING: Final = """
stop.hand_over(lambda number, frame: print("told", number, flush=True), lambda: print("reload", flush=True))
print("serving", flush=True)
"""


def test_a_service_reloads_when_it_is_hung_up_and_goes_on(tmp_path: Path) -> None:
    """It has no terminal that could be gone. The time that a stop may take does not run either."""
    with running(RELOADING + WAIT, tmp_path, has_terminal=False) as process:
        assert said(process) == "serving"
        for _ in range(3):
            process.send_signal(signal.SIGHUP)
            assert said(process) == "reload"
        time.sleep(0.5)  # more than a stop may take here
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert said(process) == f"told {signal.SIGTERM.value}"


def test_a_service_that_is_hung_up_while_it_starts_reloads_when_it_serves(tmp_path: Path) -> None:
    script = "sys.stdin.readline(); stop.check()\n" + RELOADING + "stop.leave(0)\n"
    with running(script, tmp_path, has_terminal=False) as process:
        process.send_signal(signal.SIGHUP)
        output, _ = process.communicate("go on\n", deadline_s())
        assert (process.returncode, output) == (0, "reload\nserving\n")


def test_whoever_ignores_hang_ups_goes_on_ignoring_them(tmp_path: Path) -> None:
    ignoring = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    with running("sys.stdin.readline(); stop.check(); stop.leave(3)", tmp_path, before=ignoring) as process:
        process.send_signal(signal.SIGHUP)
        process.communicate("go on\n", deadline_s())
        assert process.returncode == 3


def test_a_thread_in_native_code_does_not_spoil_the_end(tmp_path: Path) -> None:
    """The interpreter's own teardown would end this process with SIGABRT: 'terminate called'."""
    script = f"""
import onnxruntime
graph = next(Path({str(ROOT)!r}).glob("assets/**/*.onnx")).read_bytes()

def load():
    while True:
        onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])

for _ in range(4):
    threading.Thread(target=load, daemon=True).start()
time.sleep(0.2)
stop.leave(0)
"""
    with running(script, tmp_path) as process:
        _, errors = process.communicate(timeout=deadline_s())
        assert (process.returncode, errors) == (0, "")
