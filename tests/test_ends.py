"""A stop is clean at any moment, also of a server that gets little time to run. tests/trials/ has many more moments."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.ends import Playing, Starting, Stop, assert_stops_cleanly
from tests.throttled import ROOT
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.trial,
    pytest.mark.skipif(sys.platform != "linux", reason="asks /proc whether the process handles signals"),
]

MOMENTS = [
    Stop(Starting(0.0), "SIGTERM"),
    Stop(Starting(0.1), "SIGHUP"),
    Stop(Starting(0.2), "SIGINT"),
    Stop(Starting(0.3), "SIGTERM"),
    Stop(Starting(0.4), "SIGTERM"),
    Stop(Starting(0.5), "SIGHUP"),
    Stop(Playing("terrarium/moss", 0.03), "SIGTERM", 0.003, 0.030),
    Stop(Playing("terrarium/moss", 0.08), "POST /shutdown", 0.003, 0.030),
    Stop(Playing("terrarium/moss", 0.12), "SIGHUP", 0.003, 0.030),
    Stop(Playing("terrarium/diorama", 0.05), "SIGTERM", 0.003, 0.030),
    Stop(Playing("terrarium/diorama", 0.3), "SIGHUP"),
    Stop(Playing("terrarium/moss", 0.6), "POST /shutdown"),
]


# Makes the terminal that it is given its own, as a shell's child has it, and becomes the server.
IN_TERMINAL = (
    "import os, sys; os.login_tty(int(sys.argv[1])); os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
)


def test_a_terminal_that_is_closed_stops_it_cleanly(tmp_path: Path) -> None:
    """It gets SIGHUP, and can say nothing any more: its output is gone with the terminal."""
    mine, its = os.openpty()
    server = [str(ROOT / "ltx2_server.py"), "--port", "0", "--data-dir", str(tmp_path)]
    with subprocess.Popen([sys.executable, "-c", IN_TERMINAL, str(its), *server], pass_fds=[its]) as process:
        try:
            os.close(its)
            said = b""
            while b"Server running on" not in said:
                said += os.read(mine, 65536)
            os.close(mine)
            assert process.wait(deadline_s()) == 0
        finally:
            process.kill()
    assert (tmp_path / "logs" / "crash.log").read_text() == ""


@pytest.mark.parametrize("stop", MOMENTS, ids=lambda stop: f"{stop.way}-{stop.moment}")
def test_it_stops_cleanly(stop: Stop, tmp_path: Path) -> None:
    assert_stops_cleanly(stop, tmp_path)
