"""From nothing to weights while a machine is lent: `python -m training.scenes.lease --out FOLDER`.

Views for two minutes on all cores, six minutes of training, and the export: nine minutes by the clock on a machine with
16 cores and a large GPU. Needs Python packages only. Interrupted, or with more time to spend, the same command goes on.
To go on elsewhere take the folder `run` along, whose files have 16 MiB at most; views are made again.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import torch

from training.export import ExportError, export_scene, scene_net_of
from training.run import RunFolderError
from training.scenes.make_views import make_views
from training.scenes.presets import SCENE_PRESETS
from training.scenes.train import SceneTraining
from training.scenes.views import ViewFolderError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.config import WorldConfig
    from training.scenes.presets import ScenePreset

_VIEWS_MINUTES: Final = 2.0


def lease(
    preset: ScenePreset, out: Path, *, views_minutes: float, workers: int, config: WorldConfig | None = None
) -> None:
    """Make views, train and export to `out / "weights"`. The preset says how many minutes are trained.

    Raises:
        ViewFolderError: no views were made in that time.
        RunFolderError: the run in `out` cannot be taken up.
        ExportError: the exported graph does not do what the network does.
    """
    deadline = time.monotonic() + 60.0 * views_minutes
    make_views(out / "views" / "train", "train", preset.walks, workers=workers, deadline=deadline, config=config)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    SceneTraining(preset, out / "views", out / "run", deadline=math.inf, device=device).run()
    export_scene(scene_net_of(out / "run"), out / "weights")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.scenes.lease", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for views, run and weights")
    parser.add_argument("--views-minutes", type=float, default=_VIEWS_MINUTES, help="begin no views after so long")
    parser.add_argument("--minutes", type=float, help="of training (default 6)")
    given = parser.parse_args(arguments)
    preset = SCENE_PRESETS["lease"]
    if given.minutes is not None:
        preset = replace(preset, minutes=given.minutes)
    try:
        lease(preset, given.out, views_minutes=given.views_minutes, workers=os.cpu_count() or 1)
    except (ViewFolderError, RunFolderError, ExportError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"The weights are in {given.out / 'weights'}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
