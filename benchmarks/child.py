"""Starts, measures and ends the server process of a benchmark."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from benchmarks.served import PORT_LINE

if TYPE_CHECKING:
    from collections.abc import Generator

    from benchmarks.scenery import SceneSpec

_START_LIMIT_S: Final = 60.0
_STOP_LIMIT_S: Final = 10.0
_ROOT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Child:
    """A running server process. It listens at `port`, on 127.0.0.1 at least."""

    port: int
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
def push_server(size: int, count: int) -> Generator[Child]:
    with _served("push", f"--push-bytes={size}", f"--push-count={count}") as child:
        yield child


@contextmanager
def _served(role: str, *arguments: str) -> Generator[Child]:
    with tempfile.TemporaryDirectory(prefix="terrarium-bench-") as folder:
        said = Path(folder) / "stderr.txt"
        command = [sys.executable, "-m", "benchmarks.served", role, f"--data-dir={folder}", *arguments]
        with said.open("wb") as stderr:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=_ROOT
            )
        try:
            yield Child(_port_of(process, said), psutil.Process(process.pid))
        finally:
            _end(process)


def _port_of(process: subprocess.Popen[str], said: Path) -> int:
    assert process.stdout is not None
    too_late = threading.Timer(_START_LIMIT_S, process.kill)
    too_late.start()
    try:
        name, _, port = process.stdout.readline().partition(" ")
    finally:
        too_late.cancel()
    if name != PORT_LINE:
        raise RuntimeError(f"The server did not start:\n{said.read_text(errors='replace')[-2000:]}")
    return int(port)


def _end(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(_STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
