from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from services.parent_watchdog.parent_watchdog import ParentWatchdog, ProcessIdentity, identify, is_alive
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def a_process() -> Generator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def identity_of(pid: int) -> ProcessIdentity:
    identity = identify(pid)
    assert identity is not None
    return identity


def test_a_process_is_alive_until_it_ends() -> None:
    with a_process() as process:
        identity = identity_of(process.pid)
        assert is_alive(identity)
        process.kill()
        process.wait()
        assert not is_alive(identity)
        assert identify(process.pid) is None


@pytest.mark.skipif(sys.platform == "win32", reason="no such processes there")
def test_a_zombie_process_counts_as_gone() -> None:
    with a_process() as process:
        identity = identity_of(process.pid)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not is_alive(identity)


def test_a_reused_process_id_is_not_the_parent() -> None:
    own = identity_of(os.getpid())
    assert own.created_at is not None
    assert is_alive(ProcessIdentity(own.pid, own.created_at + 0.9))
    assert not is_alive(ProcessIdentity(own.pid, own.created_at + 1.5))


def test_an_unknown_creation_time_counts_as_alive() -> None:
    assert is_alive(ProcessIdentity(os.getpid(), None))


def test_the_callback_comes_when_the_parent_has_gone() -> None:
    gone = threading.Event()
    with a_process() as process:
        watchdog = ParentWatchdog(identity_of(process.pid), gone.set, poll_s=0.01)
        watchdog.start()
        process.kill()
        process.wait()
        assert gone.wait(deadline_s())
        watchdog.stop()


def test_it_stops_while_the_parent_lives() -> None:
    calls: list[str] = []
    watchdog = ParentWatchdog(identity_of(os.getpid()), lambda: calls.append("gone"), poll_s=deadline_s())
    watchdog.start()
    watchdog.stop()
    assert calls == []
