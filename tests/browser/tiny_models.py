"""Models for a server in a browser test, tiny and made on the spot: one that paints, two that judge pictures."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.browser.server_process import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class TinyModels:
    """In one folder: the image model, and two caches with a classifier that finds every picture harmless, or not."""

    folder: Path

    @property
    def image_model(self) -> Path:
        return self.folder / "flux"

    @property
    def lenient(self) -> Path:
        return self.folder / "lenient"

    @property
    def severe(self) -> Path:
        return self.folder / "severe"


def make_tiny_models(folder: Path) -> TinyModels:
    """In a process of its own: the tests' one stays free of torch."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.browser.tiny_models", str(folder)]
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=offline)
    return TinyModels(folder)


def _write(models: TinyModels) -> None:
    from tests.services.image_classifier.tiny_classifier import write_tiny_classifier
    from tests.services.image_editor.tiny_flux import write_tiny_flux

    write_tiny_flux(models.image_model)
    write_tiny_classifier(models.lenient, verdict="neutral")
    write_tiny_classifier(models.severe, verdict="high")


if __name__ == "__main__":
    from pathlib import Path

    _write(TinyModels(Path(sys.argv[1])))
