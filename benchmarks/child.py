"""Starts, measures and ends the server process of a benchmark."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx
import psutil

from benchmarks.served import PORT_LINE
from network.listening_socket import create_listening_socket

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from benchmarks.scenery import SceneSpec

_START_LIMIT_S: Final = 60.0
_STOP_LIMIT_S: Final = 10.0
_ANNOUNCEMENT: Final = "Server running on "
_FLEET_ANNOUNCEMENT: Final = "Fleet running on "
_FLEET_LIMIT_S: Final = 600.0  # Ray takes its time to start, and to stop, on a busy machine above all
_LOOK_S: Final = 0.1
_ROOT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Child:
    """A running server process. It listens at `port`, on 127.0.0.1 at least; `data_dir` is its data folder."""

    port: int
    data_dir: Path
    _process: psutil.Process

    def cpu_s(self) -> float:
        """User and system seconds so far, of the process and of all processes that it has started."""
        times = self._process.cpu_times()
        total = float(times.user + times.system + times.children_user + times.children_system)
        for helper in self._process.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                own = helper.cpu_times()
                total += float(own.user + own.system)
        return total

    def has_helpers(self) -> bool:
        """Whether a process that it has started still runs."""
        return bool(self._process.children(recursive=True))

    def rss_mb(self) -> float:
        return self._process.memory_info().rss / 1e6

    def helpers_rss_mb(self) -> float:
        """What the processes hold that it has started."""
        total = 0.0
        for helper in self._process.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                total += helper.memory_info().rss / 1e6
        return total

    def descriptors(self) -> int:
        return self._process.num_handles() if sys.platform == "win32" else self._process.num_fds()

    def threads(self) -> int:
        return self._process.num_threads()


@contextmanager
def game_server(
    scene: SceneSpec, *, host: str = "127.0.0.1", descriptors: int | None = None, per_address: int | None = None
) -> Generator[Child]:
    """The server with a null engine. `descriptors` bounds its open files, `per_address` one address's connections."""
    sizes = {
        "--width": scene.width,
        "--height": scene.height,
        "--frames-per-pass": scene.frames_per_pass,
        "--fps": scene.fps,
        "--passes": scene.passes,
        "--host": host,
    }
    limits = {"--descriptors": descriptors, "--per-address": per_address}
    sizes |= {name: value for name, value in limits.items() if value is not None}
    walk = ("--is-walk",) if scene.is_walk else ()
    with _served("game", *(f"{name}={value}" for name, value in sizes.items()), *walk) as child:
        yield child


@contextmanager
def terrarium_server(*flags: str) -> Generator[tuple[Child, Path]]:
    """The server as people start it, with a data folder of its own, which comes with it, and these further flags."""
    with tempfile.TemporaryDirectory(prefix="terrarium-bench-") as folder:
        command = [sys.executable, str(_ROOT / "ltx2_server.py"), "--data-dir", folder, "--port", "0"]
        with _running([*command, "--parent-pid", str(os.getpid()), *flags], Path(folder), _ANNOUNCEMENT) as child:
            yield child, Path(folder)


@contextmanager
def fleet_server(database_url: str, port: int, *flags: str, python_path: str | None = None) -> Generator[Child]:
    """A fleet behind Ray's proxy, on a PostgreSQL: of one server, unless further flags say otherwise.

    `python_path` is where it finds packages that are not installed.
    """
    with tempfile.TemporaryDirectory(prefix="terrarium-bench-") as folder:
        command = [
            *(sys.executable, str(_ROOT / "ltx2_server.py"), "fleet", "--replicas", "1", "--port", str(port)),
            *("--own-dirs", f"{folder}/own", "--shared-dir", f"{folder}/shared", "--drain-s", "1"),
            *("--database-url", database_url, *flags),
        ]
        environment = None if python_path is None else {**os.environ, "PYTHONPATH": python_path}
        with _running(command, Path(folder), _FLEET_ANNOUNCEMENT, _FLEET_LIMIT_S, environment) as child:
            yield child


def wait_for_fleet(url: str, *, places: int) -> None:
    """Until its servers have so many places together, and nobody plays."""

    def is_whole() -> bool:
        try:
            told = httpx.get(f"{url}/api/sessions", timeout=_FLEET_LIMIT_S).json()
        except (httpx.TransportError, ValueError):  # whoever kept the door has died
            return False
        return told == {"max_sessions": places, "sessions": []}

    wait_until(is_whole, f"a fleet with {places} free places")


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Raises: TimeoutError."""
    deadline = time.monotonic() + _FLEET_LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"There was no sign of {what} within {_FLEET_LIMIT_S:.0f} s.")
        time.sleep(_LOOK_S)


def free_port() -> int:
    with create_listening_socket("127.0.0.1", 0) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def push_server(size: int, count: int) -> Generator[Child]:
    with _served("push", f"--push-bytes={size}", f"--push-count={count}") as child:
        yield child


@contextmanager
def _served(role: str, *arguments: str) -> Generator[Child]:
    with tempfile.TemporaryDirectory(prefix="terrarium-bench-") as folder:
        command = [sys.executable, "-m", "benchmarks.served", role, f"--data-dir={folder}", *arguments]
        with _running(command, Path(folder), PORT_LINE) as child:
            yield child


@contextmanager
def _running(
    command: Sequence[str],
    folder: Path,
    announcement: str,
    limit_s: float = _START_LIMIT_S,
    environment: Mapping[str, str] | None = None,
) -> Generator[Child]:
    """`announcement` is what comes before the port, or the URL that ends with it, in the first line of output."""
    said = folder / "stderr.txt"
    with said.open("wb") as stderr:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            cwd=_ROOT,
            env=environment,
        )
    try:
        yield Child(_port_of(process, said, announcement, limit_s), folder, psutil.Process(process.pid))
    finally:
        _end(process, max(_STOP_LIMIT_S, limit_s - _START_LIMIT_S))


def _port_of(process: subprocess.Popen[str], said: Path, announcement: str, limit_s: float) -> int:
    assert process.stdout is not None
    too_late = threading.Timer(limit_s, process.kill)
    too_late.start()
    try:
        line = process.stdout.readline()
    finally:
        too_late.cancel()
    if not line.startswith(announcement):
        raise RuntimeError(f"The server did not start:\n{said.read_text(errors='replace')[-2000:]}")
    return int(line.removeprefix(announcement).rpartition(":")[2])


def _end(process: subprocess.Popen[str], limit_s: float) -> None:
    """The servers of `benchmarks.served` end with their standard input; the other one by a signal."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.terminate()
    try:
        process.wait(limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
