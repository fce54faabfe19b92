"""Films by `terrarium replay` in a process of its own, so that play keeps its share of the processor."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import structlog

from runtime_config.constants import SERVER_FILE
from services.film_maker.film_maker import FilmError, FilmReport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_NICENESS: Final = 10
_LONGEST_LINE: Final = 1 << 20  # bytes


class ReplayFilmMaker:
    """A `FilmMaker`. `environment` is what the process sees beside the server's own variables."""

    def __init__(self, data_dir: Path, environment: Mapping[str, str] | None = None) -> None:
        self._data_dir = data_dir
        self._environment = dict(environment or {})

    async def make(self, world: Path, film: Path, on_progress: Callable[[float], None]) -> FilmReport:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(SERVER_FILE), "replay", str(world)),
            *("--out", str(film), "--data-dir", str(self._data_dir), "--json"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **self._environment},
            limit=_LONGEST_LINE,
        )
        _step_back(process.pid)
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            report, complaints = await asyncio.gather(
                _follow(process.stdout, on_progress), process.stderr.read(_LONGEST_LINE)
            )
            await process.wait()
        finally:
            await _end(process)
        if report is None:
            lines = complaints.decode(errors="replace").strip().splitlines()
            logger.warning("A film was not made", exit_status=process.returncode, complaints=lines[-20:])
            raise FilmError(lines[-1] if process.returncode == 2 and lines else "The replay ended without a word.")
        return report


def _step_back(pid: int) -> None:
    with suppress(OSError, AttributeError):  # it has ended already, or this system has no such call
        os.setpriority(os.PRIO_PROCESS, pid, _NICENESS)


async def _follow(lines: asyncio.StreamReader, on_progress: Callable[[float], None]) -> FilmReport | None:
    """What the process says in the end; None: it ended without saying."""
    report: FilmReport | None = None
    async for line in lines:
        told: dict[str, Any] = json.loads(line)
        if told["event"] == "progress":
            on_progress(told["passes"] / max(1, told["of"]))
        else:
            report = FilmReport(told["passes"], told["digest"], told["is_exact"], tuple(told["sentences"]))
    return report


async def _end(process: asyncio.subprocess.Process) -> None:
    """What it has written so far lies in the folder of the film, and goes with it."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await asyncio.shield(process.wait())  # a killed process ends at once
