"""The folder of input logs: file names, the files beside the logs, and which are removed when the folder is full."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from services.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SIDE_FOLDERS: Final = ("pictures", "snapshots")
_PATTERN: Final = "action_stream_*.ndjson"


def log_name(ts: float, mark: str) -> str:
    """The time in UTC, and a mark that tells two logs of one second apart."""
    return f"action_stream_{datetime.fromtimestamp(ts, UTC):%Y%m%d_%H%M%S}_{mark}.ndjson"


def keep_side_file(folder: Path, kind: str, name: str, data: bytes) -> None:
    """Save a file beside the logs, named by the hash of its content. A file that is there already counts as new again.

    Raises:
        OSError: it cannot be written.
    """
    path = folder / kind / name
    try:
        os.utime(path)
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, data)


def remove_surplus(folder: Path, max_bytes: int) -> None:
    """Remove the oldest logs until the rest fits, and with each the files beside it that no later log can name."""
    logs = _oldest_first(folder.glob(_PATTERN))
    sides = _oldest_first(path for kind in SIDE_FOLDERS for path in (folder / kind).glob("*"))
    surplus = sum(size for _, size, _ in (*logs, *sides)) - max_bytes
    while surplus > 0 and logs:
        _, size, path = logs.pop(0)
        path.unlink(missing_ok=True)
        surplus -= size
        # A file beside the logs is touched whenever a log names it.
        while sides and (not logs or sides[0][0] < _began(logs[0][2])):
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
    _, _, day, clock, _ = log.name.split("_")
    return datetime.strptime(day + clock, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp() - 1.0
