"""The server as a person starts it: a process of its own that can be stopped and started again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).resolve().parents[2]
_ANNOUNCEMENT: Final = "Server running on "


class ServerProcess:
    """At most one running process at a time; the port of the first one is kept for those that follow."""

    def __init__(self, data_dir: Path, environment: Mapping[str, str]) -> None:
        """`environment` replaces whatever TERRARIUM_ variables this machine has set."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TERRARIUM_")}
        self._environment = {**inherited, **environment}
        self._data_dir = data_dir
        self._stderr = data_dir / "stderr.txt"
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self) -> None:
        """Returns once it accepts connections."""
        port = self.url.rpartition(":")[2] or "0"
        command = [sys.executable, str(ROOT / "ltx2_server.py"), "--port", port, "--data-dir", str(self._data_dir)]
        with self._stderr.open("a", encoding="utf-8") as stderr:
            self._process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=stderr,
                stdin=subprocess.DEVNULL,
                text=True,
                env=self._environment,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith(_ANNOUNCEMENT), f"{line!r} instead of an address\n{self.log()}"
        self.url = line.removeprefix(_ANNOUNCEMENT).strip()

    def stop(self) -> None:
        """As `kill` and service managers do it: SIGTERM, and patience."""
        if self._process is None:
            return
        process, self._process = self._process, None
        with process:  # closes the pipe
            process.terminate()
            try:
                status = process.wait(deadline_s())
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        assert sys.platform == "win32" or status == 0, f"The server ended with status {status}.\n{self.log()}"

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """As a power cut does it."""
        assert self._process is not None
        process, self._process = self._process, None
        with process:
            process.kill()

    def log(self) -> str:
        """The end of what it wrote."""
        return self._stderr.read_text(encoding="utf-8")[-8000:]
