"""What a person looks at during training: loss curves, and rollouts beside the truth."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from training.pictures import save_contact_sheet
from world_model.config import DISPARITY
from world_model.reprojection import refer
from world_model.sampler import DEFAULT_STEPS, sample

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from training.networks import Networks
    from training.samples import Views

_SHOWN_AT: Final = (1, 4, 16, 32, 64)  # frames after the first
_SHOWN_CLIPS: Final = 6
_ANCHOR_EVERY: Final = 15  # frames


def draw_curves(path: Path) -> None:
    """A PNG beside a stage's CSV: each loss over the steps, smoothed."""
    from matplotlib.figure import Figure  # a second to import, and only wanted here

    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if len(rows) < 2:
        return
    steps = [int(row["step"]) for row in rows]
    names = [name for name in rows[0] if name != "step"]
    figure = Figure(figsize=(4 * len(names), 3), layout="constrained")
    for place, name in enumerate(names, start=1):
        axes: Any = figure.add_subplot(1, len(names), place)
        values = np.array([float(row[name]) for row in rows])
        width = max(1, len(values) // 40)
        smooth = np.convolve(values, np.ones(width) / width, mode="valid")
        axes.plot(steps, values, alpha=0.25)
        axes.plot(steps[len(steps) - len(smooth) :], smooth)
        axes.set_title(name)
    figure.savefig(path.with_suffix(".png"), dpi=80)  # pyright: ignore[reportUnknownMemberType] - partly untyped


def draw_rollouts(networks: Networks, views: Views, path: Path) -> None:
    """A sheet: for some held-out clips the truth, and below it what the networks make of the first frame alone and the
    true poses."""
    clips = range(0, len(views.store), max(1, len(views.store) // _SHOWN_CLIPS))[:_SHOWN_CLIPS]
    shown_at = (0, *(at for at in _SHOWN_AT if at < views.store.length))
    made = rollouts(networks, views, clips, shown_at[-1])
    rows: list[list[NDArray[np.uint8]]] = []
    for row, clip in enumerate(clips):
        rows.append([_picture(views.at(clip, at)) for at in shown_at])
        rows.append([_picture(made[at][row]) for at in shown_at])
    save_contact_sheet(path, rows)


@torch.no_grad()
def rollouts(networks: Networks, views: Views, clips: Sequence[int], frames: int) -> list[Tensor]:
    """`frames` + 1 times views [len(clips), 4, h, w], bytes, made from the clips' first pictures and true poses."""
    device = next(networks.encoder.parameters()).device
    first = views.batch([(clip, 0) for clip in clips]).to(device).float() / 255.0
    view = torch.cat([first[:, :DISPARITY], networks.depth_net(first[:, :DISPARITY])], dim=1)
    made, anchor, anchored = [view], view, 0
    noises = torch.Generator().manual_seed(0)
    for at in range(1, frames + 1):
        before, then, now = ([(clip, frame) for clip in clips] for frame in (at - 1, anchored, at))
        relative_pose = views.relative_poses(before, now).to(device)
        anchor_relative_pose = views.relative_poses(then, now).to(device)
        both, relative_poses = torch.stack([anchor, view]), torch.stack([anchor_relative_pose, relative_pose])
        reference, mask = refer(networks.config, both, relative_poses)
        context: Tensor = networks.encoder(reference)
        noise = torch.randn(context.shape, generator=noises).to(device)
        latents = sample(networks.dynamics.given(context, mask, relative_pose), noise, DEFAULT_STEPS)
        view = networks.decoder(latents, reference, mask).clamp(0.0, 1.0)
        made.append(view)
        if at % _ANCHOR_EVERY == 0:
            anchor, anchored = view, at
    return [(view * 255.0).round().byte().cpu() for view in made]


def _picture(view: Tensor) -> NDArray[np.uint8]:
    return np.ascontiguousarray(view.permute(1, 2, 0).numpy())
