"""What a person looks at during training: loss curves, and depth beside the truth."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from training.pictures import save_contact_sheet
from world_model.config import DISPARITY

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from training.networks import Networks
    from training.samples import Views

_SHOWN_CLIPS: Final = 6


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


@torch.no_grad()
def draw_depth(networks: Networks, views: Views, path: Path) -> None:
    """A sheet: of some held-out clips a picture, its disparity, and below it what the depth network says of it."""
    rows: list[list[NDArray[np.uint8]]] = []
    device = next(networks.depth_net.parameters()).device
    for clip in range(0, len(views.store), max(1, len(views.store) // _SHOWN_CLIPS))[:_SHOWN_CLIPS]:
        view = views.at(clip, 0)
        guessed = networks.depth_net(view[None, :DISPARITY].to(device).float() / 255.0)[0].clamp(0.0, 1.0)
        rows.append([_picture(part) for part in (view[:DISPARITY], view[DISPARITY:], (255.0 * guessed).byte().cpu())])
    save_contact_sheet(path, rows)


def _picture(view: Tensor) -> NDArray[np.uint8]:
    return np.ascontiguousarray(view.permute(1, 2, 0).numpy())
