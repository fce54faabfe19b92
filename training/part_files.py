"""A large value as several small files: some ways of keeping a run take no file of more than 16 MiB."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

PART_BYTES: Final = 15 * 2**20


class PartFilesError(Exception):
    """The files of a value are damaged or not all there. The message names one."""


def write_parts(folder: Path, name: str, number: int, data: bytes, *, part_bytes: int = PART_BYTES) -> None:
    """Write `data` as `NAME.NUMBER.000`, 001 and so on, and `NAME.json`, which names them and is replaced last: readers
    find the old value or the new one. The parts of older numbers are removed.

    `number` rises from call to call.
    """
    parts: list[dict[str, str]] = []
    for first in range(0, len(data), part_bytes):
        path = folder / f"{name}.{number:09}.{len(parts):03}"
        part = data[first : first + part_bytes]
        path.write_bytes(part)
        parts.append({"file": path.name, "sha256": hashlib.sha256(part).hexdigest()})
    index = folder / f"{name}.json"
    partial = index.with_suffix(".partial")
    partial.write_text(json.dumps({"parts": parts}, indent=1) + "\n", encoding="utf-8")
    partial.replace(index)
    current = {part["file"] for part in parts}
    for old in folder.glob(f"{name}.*.*"):
        if old.name not in current:
            old.unlink()


def read_parts(folder: Path, name: str) -> bytes | None:
    """The value, or None where none was ever written.

    Raises:
        PartFilesError: a file is missing or damaged.
    """
    index = folder / f"{name}.json"
    if not index.exists():
        return None
    try:
        listed: dict[str, Any] = json.loads(index.read_text(encoding="utf-8"))
        names = [(str(part["file"]), str(part["sha256"])) for part in listed["parts"]]
    except (ValueError, KeyError, TypeError) as error:
        raise PartFilesError(f"{index} is damaged.") from error
    parts: list[bytes] = []
    for file, expected in names:
        path = folder / file
        try:
            part = path.read_bytes()
        except OSError as error:
            raise PartFilesError(f"{path} cannot be read ({error.strerror}).") from error
        if hashlib.sha256(part).hexdigest() != expected:
            raise PartFilesError(f"{path} is damaged.")
        parts.append(part)
    return b"".join(parts)
