"""Train depth and motion: `python -m training.train --preset cpu --clips CLIPS --out RUN`.

From clips to a checkpoint whose networks `training.export` turns into what ships; the scene network has a training of
its own (`training.scenes.train`), which may begin with the depth learnt here. Interrupt it whenever you like; the same
command goes on where it was.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import torch
from tqdm import tqdm

from training.clips import ClipFolderError, ClipStore
from training.depth_stage import DepthStage
from training.figures import draw_curves, draw_depth
from training.motion_stage import MotionStage
from training.networks import make_networks
from training.presets import PRESETS, Preset
from training.run import Progress, RunFolder, RunFolderError
from training.samples import Views
from training.stage import STAGES, seed_torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.stage import Stage, StageName

_SAVE_EVERY_S: Final = 120.0
_NOTE_EVERY: Final = 10  # steps
_PICTURE_EVERY: Final = 500  # steps, and in a long stage
_PICTURES: Final = 40  # at most
_MOST_READERS: Final = 8


class Training:
    """One process's share of a run."""

    def __init__(
        self,
        preset: Preset,
        clips: Path,
        out: Path,
        *,
        deadline: float,
        device: torch.device,
        workers: int,
    ) -> None:
        """Begin a run in the folder `out`, or take up the one that is there.

        `clips` has the splits train and heldout. `deadline` is by `time.monotonic`. `workers` threads read clips beside
        the training; the result does not depend on them.

        Raises:
            ClipFolderError: a split is missing.
            RunFolderError: the run cannot be taken up.
        """
        self._preset, self._deadline, self._device = preset, deadline, device
        self._folder = RunFolder(out)
        self._taken_up = self._folder.load()
        seed_torch(0)  # of the first weights
        if self._taken_up is not None:
            self._networks = self._taken_up.restored(device, averaged=False)
            self._progress = self._taken_up.progress
        else:
            self._networks, self._progress = make_networks(preset.model, device), Progress()
        size = (self._networks.config.height, self._networks.config.width)
        self._views = Views(ClipStore(clips / "train"), size, workers=workers)
        self._held_out = Views(ClipStore(clips / "heldout"), size)

    @property
    def clips(self) -> int:
        """How many there are to train on."""
        return len(self._views.store)

    def run(self) -> bool:
        """Go on until everything is trained (True) or the time is over (False)."""
        for name in STAGES:
            if name in self._progress.finished:
                continue
            stage = self._stage(name)
            if not self._run_stage(stage):
                return False
            self._progress = Progress((*self._progress.finished, name))
            self._folder.save(self._networks, self._progress, None)
        return True

    def _stage(self, name: StageName) -> Stage:
        networks, preset = self._networks, self._preset
        match name:
            case "motion":
                return MotionStage(networks, preset.motion, self._views, self._device)
            case "depth":
                return DepthStage(networks, preset.depth, self._views, self._device)

    def _run_stage(self, stage: Stage) -> bool:
        first = self._progress.step
        self._folder.curves.forget(stage.name, first)
        if self._taken_up is not None and first > 0:
            self._taken_up.take_up(stage)
        self._taken_up = None
        with tqdm(total=stage.plan.steps, initial=first, desc=stage.name, mininterval=2.0) as bar:
            saved_at = time.monotonic()
            for number in range(first, stage.plan.steps):
                self._step(stage, number, bar)
                now = time.monotonic()
                if now - saved_at > _SAVE_EVERY_S or now > self._deadline:
                    self._folder.save(self._networks, self._progress, stage)
                    saved_at = now
                if now > self._deadline:
                    return False
        stage.finish()
        self._look(stage, stage.plan.steps)
        return True

    def _step(self, stage: Stage, number: int, bar: tqdm[NoReturn]) -> None:
        seed_torch(number)
        losses = stage.step(number)
        self._progress = replace(self._progress, step=number + 1)
        bar.update()
        if number % _NOTE_EVERY == 0:
            bar.set_postfix_str(", ".join(f"{key}={value:.4g}" for key, value in losses.items()))
            self._folder.curves.note(stage.name, number, losses)
        if (number + 1) % max(_PICTURE_EVERY, stage.plan.steps // _PICTURES) == 0:
            self._look(stage, number + 1)

    def _look(self, stage: Stage, number: int) -> None:
        """Draw what a person wants to see; the motion has no pictures."""
        draw_curves(self._folder.curves.path(stage.name))
        if stage.name != "motion":
            sheet = self._folder.path / f"{stage.name}_{number:06}.png"
            draw_depth(self._networks.averaged(stage.averages), self._held_out, sheet)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.train", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--preset", choices=sorted(PRESETS), default="cpu")
    parser.add_argument("--clips", type=Path, required=True, help="folder with the splits train and heldout")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; one that exists is gone on with")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="save and stop after so long")
    parser.add_argument("--workers", type=int, help="threads that read clips (default: none without a GPU)")
    given = parser.parse_args(arguments)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    workers = given.workers
    if workers is None:
        workers = min(_MOST_READERS, os.cpu_count() or 1) if device.type == "cuda" else 0
    preset, deadline = PRESETS[given.preset], time.monotonic() + 60.0 * given.minutes
    try:
        training = Training(
            preset,
            given.clips,
            given.out,
            deadline=deadline,
            device=device,
            workers=workers,
        )
        if training.clips < preset.clips:
            sys.stderr.write(f"There are {training.clips} clips; {given.preset} is made for {preset.clips}.\n")
        done = training.run()
    except (ClipFolderError, RunFolderError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(
        f"Trained. Now: python -m training.export --run {given.out}\n"
        if done
        else "Stopped in time; the same command goes on.\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
