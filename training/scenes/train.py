"""Train the scene network: `python -m training.scenes.train --preset cpu --views VIEWS --out RUN`.

Interrupt it whenever you like; the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from tqdm import tqdm

from training.read_ahead import ReadAhead
from training.run import RunFolderError
from training.scenes.losses import scene_losses
from training.scenes.presets import SCENE_PRESETS, ScenePreset
from training.scenes.run import SceneCheckpoint, SceneRunFolder
from training.scenes.samples import Pairs
from training.scenes.views import ViewFolderError, ViewStore
from training.shipped import shipped_scene_net
from training.stage import Averaged, descend, learning_rate, mixed_precision, seed_torch
from world_model.layer_rendering import LayerRendering
from world_model.scene import parts_of
from world_model.scene_net import Raw, SceneNet
from world_model.weights import WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from training.scenes.samples import Batch

STAGE: Final = "scene"
_SAVE_EVERY_S: Final = 120.0
_NOTE_EVERY: Final = 10  # steps
_MOST_READERS: Final = 16
_DECAY: Final = 0.999  # of the average, in a step
_SALT: Final = 0x5CE


class SceneTraining:
    """One process's share of a run."""

    def __init__(
        self,
        preset: ScenePreset,
        views: Path,
        out: Path,
        *,
        deadline: float,
        device: torch.device,
        begin_with: Path | None = None,
    ) -> None:
        """Begin a run in the folder `out`, or take up the one that is there.

        A new run begins with nothing learnt, or with the exported weights in `begin_with`.
        `deadline` is by `time.monotonic`.

        Raises:
            ViewFolderError: there are no views to train on.
            RunFolderError: the run cannot be taken up.
            WeightsError: `begin_with` cannot be read, or holds a network of another size.
        """
        self._preset, self._deadline, self._device = preset, deadline, device
        self._folder = SceneRunFolder(out)
        self.store = ViewStore(views / "train")
        workers = min(_MOST_READERS, os.cpu_count() or 1) if device.type == "cuda" else 0
        self._pairs = Pairs(self.store, workers=workers)
        seed_torch(0)  # of the first weights
        found = self._folder.load()
        network = _new_network(preset, begin_with) if found is None else found.network(averaged=False)
        # Convolutions in bf16 are faster with the channels last, on processors and GPUs alike.
        network.to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - its stub forgets this form
        self._network = network
        self._average = Averaged(self._network, _DECAY)
        self._optimiser = torch.optim.AdamW(
            self._network.parameters(), lr=preset.plan.learning_rate, weight_decay=0.02, betas=(0.9, 0.98)
        )
        self._rendering = LayerRendering(network.config).to(device)
        self.number, self._spent_s = 0, 0.0
        if found is not None:
            self.number, self._spent_s = found.step, found.spent_s
            self._average.module.load_state_dict(found.average)
            self._optimiser.load_state_dict(found.optimiser)
        self._folder.curves.forget(STAGE, self.number)

    def run(self) -> bool:
        """Go on until everything is trained (True) or the deadline is over (False)."""
        draw: Callable[[int], Batch] = self._draw if self._device.type == "cpu" else ReadAhead(self._draw)
        saved_at = time.monotonic()
        with tqdm(total=self._preset.plan.steps, initial=self.number, desc=STAGE, mininterval=10.0) as bar:
            before = time.monotonic()
            while not self._is_done():
                losses = self.step(draw(self.number))
                bar.update()
                now = time.monotonic()
                self._spent_s, before = self._spent_s + now - before, now
                if (self.number - 1) % _NOTE_EVERY == 0:
                    bar.set_postfix_str(", ".join(f"{key}={value:.3g}" for key, value in losses.items()))
                    self._folder.curves.note(STAGE, self.number - 1, losses)
                if now - saved_at > _SAVE_EVERY_S or now > self._deadline:
                    self.save()
                    saved_at = now
                if now > self._deadline:
                    return self._is_done()
        self.save()
        return True

    def step(self, batch: Batch) -> dict[str, float]:
        """One step of the optimiser; the losses by name."""
        batch = batch.to(self._device)
        with mixed_precision(self._device):
            said = self._network(batch.given, batch.slope)
        raw = Raw(*(tensor.float() for tensor in said))
        losses = scene_losses(
            batch,
            raw,
            parts_of(raw),
            self._rendering,
            focal=self._network.config.focal,
            rendered=self._preset.rendered,
        )
        rate = learning_rate(self._preset.plan, self._steps_counted())
        descend(self._optimiser, losses["loss"], rate, [self._network.parameters()])
        self._average.update(self._network, self.number)
        self.number += 1
        return {name: loss.item() for name, loss in losses.items()}

    def _steps_counted(self) -> int:
        """The steps that are done; of a run that ends by time, those that the time spent stands for."""
        plan, minutes = self._preset.plan, self._preset.minutes
        return self.number if minutes is None else min(plan.steps, int(plan.steps * self._spent_s / (60.0 * minutes)))

    def _is_done(self) -> bool:
        return self._steps_counted() >= self._preset.plan.steps

    def save(self) -> None:
        self._folder.save(
            SceneCheckpoint(
                config=self._network.config,
                step=self.number,
                spent_s=self._spent_s,
                learning=self._network.state_dict(),
                average=self._average.module.state_dict(),
                optimiser=self._optimiser.state_dict(),
            )
        )

    def _draw(self, number: int) -> Batch:
        """The batch of a step, a function of its number and the views alone."""
        return self._pairs.batch(self._preset.plan.batch, np.random.default_rng([_SALT, number]))


def _new_network(preset: ScenePreset, begin_with: Path | None) -> SceneNet:
    if begin_with is None:
        return SceneNet(preset.model)
    shipped = shipped_scene_net(begin_with)
    if shipped.config.depth_widths != preset.model.depth_widths:
        raise WeightsError(f"The scene network in {begin_with} is of another size than this preset's.")
    return shipped


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.scenes.train", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--preset", choices=sorted(SCENE_PRESETS), default="cpu")
    parser.add_argument("--views", type=Path, required=True, help="folder with the split train")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; one that exists is gone on with")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="save and stop after so long")
    parser.add_argument("--steps", type=int, help="end after so many steps, and slow down towards that end")
    parser.add_argument("--begin-with", type=Path, help="of a new run: exported weights to go on from")
    given = parser.parse_args(arguments)
    preset, deadline = SCENE_PRESETS[given.preset], time.monotonic() + 60.0 * given.minutes
    if given.steps is not None:
        preset = replace(preset, plan=replace(preset.plan, steps=given.steps))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        training = SceneTraining(
            preset, given.views, given.out, deadline=deadline, device=device, begin_with=given.begin_with
        )
        if len(training.store) < preset.walks:
            sys.stderr.write(f"There are {len(training.store)} walks; {given.preset} is made for {preset.walks}.\n")
        done = training.run()
    except (ViewFolderError, RunFolderError, WeightsError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    told = "The run is finished." if done else "The time is over; the same command goes on from here."
    sys.stdout.write(f"{told} {training.number} steps are done.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
