"""What is wrong with the settings file, for the person who wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class SettingsFault:
    """Something wrong with a file. `reason` is a sentence, `line` counts from 1, `setting` is the one it is about."""

    file: str
    reason: str
    line: int | None = None
    setting: str | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        return f"{place}: {self.reason}"


class SettingsFaultsError(Exception):
    """The files cannot be used. `faults` has at least one."""

    def __init__(self, faults: Sequence[SettingsFault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = tuple(faults)
