"""The folder of input logs: file names, the files beside the logs, and which are removed when the folder is full."""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from services.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SIDE_FOLDERS: Final = ("pictures", "snapshots")
_LOG_NAME: Final = re.compile(r"action_stream_(\d{8}_\d{6})_[0-9a-f]+\.ndjson")


def log_name(ts: float, mark: str) -> str:
    """The time in UTC, and a mark that tells two logs of one second apart."""
    return f"action_stream_{datetime.fromtimestamp(ts, UTC):%Y%m%d_%H%M%S}_{mark}.ndjson"


def keep_side_file(folder: Path, kind: str, name: str, data: bytes | memoryview, *, not_before: float) -> None:
    """Save a file beside the logs, named by the hash of its content. A file that is there already counts as new again.

    `not_before`: when the log began that names it. Its date is never before that of any such log, whatever becomes of
    the clock, since `remove_surplus` goes by it.

    Raises:
        OSError: it cannot be written.
    """
    path = folder / kind / name
    try:
        dated = path.stat().st_mtime
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, data)
        dated = 0.0
    newest = max(time.time(), not_before, dated)
    os.utime(path, (newest, newest))


def remove_surplus(folder: Path, max_bytes: int, *, being_written: Iterable[Path] = ()) -> None:
    """Remove the oldest logs until the rest fits, and with each the files beside it that no later log can name.

    Logs that are being written stay, with all that they name.
    """
    open_logs = frozenset(being_written)
    began_first = min(map(_began, open_logs), default=float("inf"))
    found = (path for path in folder.iterdir() if _LOG_NAME.fullmatch(path.name))
    logs = [log for log in _oldest_first(found) if log[2] not in open_logs]
    sides = _oldest_first(path for kind in SIDE_FOLDERS for path in (folder / kind).glob("*"))
    surplus = sum(size for _, size, _ in (*logs, *sides)) - max_bytes
    while surplus > 0 and logs:
        _, size, path = logs.pop(0)
        path.unlink(missing_ok=True)
        surplus -= size
        # A file beside the logs is touched whenever a log names it.
        needed_from = min(began_first, *(_began(log) for _, _, log in logs), float("inf"))
        while sides and sides[0][0] < needed_from:
            _, size, path = sides.pop(0)
            path.unlink(missing_ok=True)
            surplus -= size


def _oldest_first(paths: Iterable[Path]) -> list[tuple[float, int, Path]]:
    found: list[tuple[float, int, Path]] = []
    for path in paths:
        try:
            facts = path.stat()
        except OSError:
            continue
        found.append((facts.st_mtime, facts.st_size, path))
    return sorted(found)


def _began(log: Path) -> float:
    """When a log began, at the earliest: its name is rounded down to a second."""
    match = _LOG_NAME.fullmatch(log.name)
    try:
        return datetime.strptime(match[1] if match else "", "%Y%m%d_%H%M%S").replace(tzinfo=UTC).timestamp() - 1.0
    except ValueError:  # no such day
        return 0.0
