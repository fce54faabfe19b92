"""A server process that runs in slices, so that a test can reach any moment of its start and play, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
import uuid
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from tests.terminal import in_terminal, terminal, without_terminal
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

ROOT: Final = Path(__file__).parent.parent
_MARK: Final = "ENDS_MARK"  # an environment variable, by which a process that has lost its parent is still found
_ADDRESS: Final = "Server running on "


class Throttled:
    """Runs for `run_s`, stands still for `stop_s`, and so on. `ran_s` is how long it has run.

    `step` is one such slice; between two of them the process stands still. Its output is collected all the while.
    """

    def __init__(
        self,
        data_dir: Path,
        *arguments: str,
        run_s: float = 0.010,
        stop_s: float = 0.020,
        has_terminal: bool = False,
    ) -> None:
        """`has_terminal`: it belongs to a terminal, as what a person has started."""
        self._run_s, self._stop_s = run_s, stop_s
        self._mark = uuid.uuid4().hex
        self._errors = data_dir / "stderr.txt"
        self.port: int | None = None
        self.ran_s = 0.0
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TERRARIUM_")}
        asked = [str(ROOT / "ltx2_server.py"), "--data-dir", str(data_dir), "--port", "0", *arguments]
        self._terminal = ExitStack()
        inherited = [self._terminal.enter_context(terminal())] if has_terminal else []
        with self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                in_terminal(inherited[0], asked) if inherited else without_terminal(asked),
                pass_fds=inherited,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                # The compiled code of the simulator starts empty, so that its compiler runs.
                env={**environment, _MARK: self._mark, "NUMBA_CACHE_DIR": str(data_dir / "numba")},
            )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Throttled:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None) -> None:
        self.process.kill()  # also ends one that stands still
        self.process.wait()
        self._terminal.close()
        self._reader.join()

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def handles_signals(self) -> bool:
        """Whether it has come to its first lines, and SIGTERM no longer ends it at once (on Linux)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (caught,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")]
        return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)

    def run_until(self, condition: Callable[[], bool], what: str) -> None:
        """Run without a pause until `condition` holds, and then stand still."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGCONT)
        wait_until(lambda: condition() or self.has_ended, what)
        self.process.send_signal(signal.SIGSTOP)
        self.ran_s += time.monotonic() - began
        assert not self.has_ended, f"It ended too early:\n{self.errors()}"

    def run_for(self, seconds: float) -> None:
        """Run without a pause for so long, and then stand still."""
        until = time.monotonic() + seconds
        self.run_until(lambda: time.monotonic() >= until, f"{seconds} s have passed")

    def step(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        began = time.monotonic()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(self._run_s)
        self.ran_s += time.monotonic() - began
        self.process.send_signal(signal.SIGSTOP)
        if not self.has_ended:
            time.sleep(self._stop_s)

    def end(self) -> float:
        """Go on in slices to the end of the process. Returns for how many seconds it ran from here on."""
        before, until = self.ran_s, time.monotonic() + deadline_s()
        while not self.has_ended:
            assert time.monotonic() < until, f"It did not end:\n{self.errors()}"
            self.step()
        return self.ran_s - before

    def errors(self) -> str:
        return self._errors.read_text(encoding="utf-8", errors="replace")

    def await_no_orphans(self) -> None:
        """Wait until no process is left that it has started, directly or through others."""
        wait_until(lambda: not self._descendants(), "every process that the server started has ended")

    def _descendants(self) -> list[psutil.Process]:
        found: list[psutil.Process] = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.environ().get(_MARK) == self._mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                if line.startswith(_ADDRESS):
                    self.port = int(line.rpartition(":")[2])
