"""The losses of a run on disk: a CSV for each stage, with a column for each loss."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class LossCurves:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, stage: str) -> Path:
        """The file of a stage's losses: a column each, and the step."""
        return self._folder / f"{stage}.csv"

    def note(self, stage: str, step: int, losses: Mapping[str, float]) -> None:
        """Add a line to the stage's curves."""
        path = self.path(stage)
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(["step", *losses])
            writer.writerow([step, *(f"{value:.6g}" for value in losses.values())])

    def forget(self, stage: str, step: int) -> None:
        """Take out the curves' lines from that step on: they were written after the checkpoint, and will be again."""
        path = self.path(stage)
        if path.exists():
            head, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = [line for line in lines if int(line.split(",")[0]) < step]
            path.write_text("".join([head, *kept]), encoding="utf-8", newline="")
