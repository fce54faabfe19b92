"""What crashes of real processes leave in the logs and in the crash log."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.test_ltx2_server import port_of, started
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.trial

ROOT: Final = Path(__file__).parent.parent
CRASHES: Final = """
import ctypes, faulthandler, os, sys, threading
from pathlib import Path
from crash_hooks import install_crash_hooks
from logging_policy import configure_logging

folder, how = Path(sys.argv[1]), sys.argv[2]
configure_logging("json", folder / "server.log", None)
install_crash_hooks(folder / "crash.log")

class Unlucky:
    def __del__(self):
        raise LookupError("in a finaliser")

def fail():
    raise LookupError("in a thread")

match how:
    case "thread":
        thread = threading.Thread(target=fail, name="worker")
        thread.start()
        thread.join()
    case "finaliser":
        Unlucky()
    case "fault":
        faulthandler._sigsegv()
    case "abort":
        os.abort()
    case "main":
        raise LookupError("in the main thread")
"""


class Crash:
    def __init__(self, folder: Path, how: str) -> None:
        command = [sys.executable, "-c", CRASHES, str(folder), how]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=deadline_s(), cwd=ROOT)
        self.status = done.returncode
        lines = (folder / "server.log").read_text().splitlines()
        self.events: Sequence[dict[str, Any]] = [json.loads(line) for line in lines]
        self.stderr = done.stderr
        self.file = folder / "crash.log"
        self.log = self.file.read_text()


def test_the_path_is_printed_at_the_start(tmp_path: Path) -> None:
    crash = Crash(tmp_path, "none")
    (event,) = crash.events
    assert (crash.status, crash.log, event["crash_log"]) == (0, "", str(crash.file))
    assert str(crash.file) in crash.stderr


def test_a_crash_of_the_main_thread(tmp_path: Path) -> None:
    crash = Crash(tmp_path, "main")
    assert crash.status == 1
    assert "The server crashed:\nTraceback" in crash.log
    assert "LookupError: in the main thread" in crash.log
    event = crash.events[-1]
    assert (event["level"], event["event"], event["crash_log"]) == ("critical", "Uncaught exception", str(crash.file))
    assert "LookupError: in the main thread" in event["exception"]
    assert str(crash.file) in crash.stderr


def test_a_crash_of_a_thread(tmp_path: Path) -> None:
    crash = Crash(tmp_path, "thread")
    assert "The thread 'worker' crashed:\nTraceback" in crash.log
    assert "LookupError: in a thread" in crash.log
    event = crash.events[-1]
    assert (event["event"], event["thread"], event["crash_log"]) == ("A thread crashed", "worker", str(crash.file))
    assert "LookupError: in a thread" in event["exception"]


def test_an_exception_in_a_finaliser_is_logged_and_is_no_crash(tmp_path: Path) -> None:
    crash = Crash(tmp_path, "finaliser")
    assert "LookupError: in a finaliser" in crash.events[-1]["exception"]
    assert (crash.status, crash.log) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="faults are reported differently there")
@pytest.mark.parametrize(
    ("how", "number", "words"),
    [("fault", signal.SIGSEGV, "Segmentation fault"), ("abort", signal.SIGABRT, "Aborted")],
)
def test_a_fault_leaves_its_stacks(how: str, number: int, words: str, tmp_path: Path) -> None:
    crash = Crash(tmp_path, how)
    assert crash.status == -number
    assert words in crash.log
    assert 'File "<string>"' in crash.log


@pytest.mark.skipif(sys.platform == "win32", reason="files have no modes there")
def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    assert Crash(tmp_path, "main").file.stat().st_mode & 0o077 == 0


def test_the_next_start_says_where_the_reason_is(tmp_path: Path) -> None:
    crash = Crash(tmp_path, "main")
    after = Crash(tmp_path, "none")
    aside = tmp_path / "crash.earlier.log"
    warning = after.events[len(crash.events)]
    assert (warning["level"], warning["crash_log"]) == ("warning", str(aside))
    assert (aside.read_text(), after.log) == (crash.log, "")
    assert not [event for event in Crash(tmp_path, "none").events[len(after.events) :] if event["level"] == "warning"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent differently there")
def test_a_fault_of_the_whole_server(tmp_path: Path) -> None:
    crash_log = tmp_path / "logs" / "crash.log"
    with started(tmp_path, "--port", "0") as process:
        port_of(process)
        process.send_signal(signal.SIGSEGV)
        _, errors = process.communicate(timeout=deadline_s())
        assert process.returncode == -signal.SIGSEGV
    assert "Segmentation fault" in crash_log.read_text()
    assert str(crash_log) in errors


def test_a_start_that_fails_for_a_reason_nobody_foresaw(tmp_path: Path) -> None:
    """Here a library that the installation has in a broken state."""
    broken, data_dir = tmp_path / "broken", tmp_path / "data"
    broken.mkdir()
    (broken / "uvicorn.py").write_text("raise LookupError('half installed')\n")
    command = [sys.executable, str(ROOT / "ltx2_server.py"), "--data-dir", str(data_dir), "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(broken)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=deadline_s())
    assert (done.returncode, done.stdout) == (1, "")
    crash_log = data_dir / "logs" / "crash.log"
    assert "The server crashed:\nTraceback" in crash_log.read_text()
    assert "LookupError: half installed" in crash_log.read_text()
    assert str(crash_log) in done.stderr
