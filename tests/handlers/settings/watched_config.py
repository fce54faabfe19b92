"""A configuration that notes which of its fields are read, and by whom."""

from __future__ import annotations

import traceback
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

Config = TypeVar("Config")
_PROJECT: Final = Path(__file__).resolve().parents[3]


class Readings:
    """`paths` has every path that was read since `begin`, with the line of ours that read it."""

    def __init__(self) -> None:
        self.paths: dict[tuple[str, ...], str] = {}
        self._is_on = False

    def begin(self) -> None:
        self._is_on = True

    def note(self, path: tuple[str, ...]) -> None:
        if not self._is_on:
            return
        ours = [
            frame
            for frame in traceback.extract_stack()
            if Path(frame.filename).is_relative_to(_PROJECT) and "/tests/" not in frame.filename
        ]
        if ours and not any(frame.filename.endswith(("settings/view.py", "config_paths.py")) for frame in ours):
            self.paths.setdefault(path, f"{ours[-1].filename}:{ours[-1].lineno}")


def watched(config: Config, readings: Readings, path: tuple[str, ...] = ()) -> Config:
    """A copy of a dataclass, and of those that it holds, whose reading is noted."""
    kind: Any = type(config)
    names = frozenset(field.name for field in fields(kind))

    def read(self: Any, name: str) -> Any:
        if name in names:
            readings.note((*path, name))
        return object.__getattribute__(self, name)

    copy = object.__new__(type(kind.__name__, (kind,), {"__getattribute__": read}))
    for name in names:
        value = getattr(config, name)
        is_config = is_dataclass(value) and not isinstance(value, type)
        object.__setattr__(copy, name, watched(value, readings, (*path, name)) if is_config else value)
    return copy
