"""What the stages draw from clips: views as tensors, relative poses, pictures from outside the simulator."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from training.clips import ClipStore


_PAINTER: Final = "assets/make_seeds.py"


class Views:
    """Views of a clip store at the model's size (height, width), as bytes [4, h, w]."""

    def __init__(self, store: ClipStore, size: tuple[int, int], *, workers: int = 0) -> None:
        """`workers` threads read the views of a batch side by side; none where the processor has other things to do."""
        self.store, self.size, self.workers = store, size, workers
        self._frames: dict[int, NDArray[np.uint8]] = {}  # of the clips that were opened, mapped
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="views") if workers else None

    def at(self, clip: int, frame: int) -> Tensor:
        if clip not in self._frames:
            self._frames[clip] = self.store.frames(clip)  # two threads may do so at once; both are right
        view = torch.as_tensor(np.array(self._frames[clip][frame])).permute(2, 0, 1)
        if view.shape[1:] != self.size:
            view = functional.interpolate(view[None].float(), size=self.size, mode="area")[0].round().byte()
        return view

    def batch(self, places: Sequence[tuple[int, int]]) -> Tensor:
        """[len(places), 4, h, w], bytes, of (clip, frame) pairs."""
        clips, frames = zip(*places, strict=True)
        views = map(self.at, clips, frames) if self._threads is None else self._threads.map(self.at, clips, frames)
        return torch.stack(list(views))

    def relative_poses(self, before: Sequence[tuple[int, int]], after: Sequence[tuple[int, int]]) -> Tensor:
        """[n, RELATIVE_POSE_DIM] of each place after as seen from the one before."""
        poses = self.store.poses
        return relative_poses_between(
            np.stack([poses[clip, frame] for clip, frame in before]),
            np.stack([poses[clip, frame] for clip, frame in after]),
        )


def relative_poses_between(before: NDArray[np.float32], after: NDArray[np.float32]) -> Tensor:
    """Poses `after` as seen from those `before`, [n, 5] as `Clip.poses` -> [n, RELATIVE_POSE_DIM] for `reproject`."""
    change = after - before
    sin, cos = np.sin(before[:, 3]), np.cos(before[:, 3])
    right, forward = change[:, 0] * cos - change[:, 2] * sin, change[:, 0] * sin + change[:, 2] * cos
    slopes = np.tan(before[:, 4]), np.tan(after[:, 4])
    return torch.as_tensor(np.stack([right, change[:, 1], forward, change[:, 3], *slopes], axis=1)).float()


class Paintings:
    """The gallery's painted pictures, cropped at random: a person may start from any picture."""

    def __init__(self, folder: Path, size: tuple[int, int]) -> None:
        self._size = size
        self._pictures: list[Tensor] = []
        for entry in json.loads((folder / "seeds.json").read_text(encoding="utf-8")):
            if entry["made_by"] != _PAINTER:  # a view of the simulator, and from a held-out world
                continue
            with Image.open(folder / entry["file"]) as picture:
                self._pictures.append(torch.as_tensor(np.array(picture.convert("RGB"))).permute(2, 0, 1))

    def batch(self, count: int, rng: np.random.Generator) -> Tensor:
        """[count, 4, h, w], bytes; the disparity, which nobody knows, is 0."""
        crops = [self._crop(self._pictures[rng.integers(len(self._pictures))], rng) for _ in range(count)]
        return functional.pad(torch.stack(crops), (0, 0, 0, 0, 0, 1))

    def _crop(self, picture: Tensor, rng: np.random.Generator) -> Tensor:
        h, w = self._size
        most = min(picture.shape[1] / h, picture.shape[2] / w)
        scale = rng.uniform(min(1.0, most), most)
        height, width = int(h * scale), int(w * scale)
        top = rng.integers(picture.shape[1] - height + 1)
        left = rng.integers(picture.shape[2] - width + 1)
        crop = picture[:, top : top + height, left : left + width].float()
        return functional.interpolate(crop[None], size=self._size, mode="area")[0].round().byte()


def colour_mixes(count: int, rng: np.random.Generator) -> Tensor:
    """[count, 3, 3]: ways to mix and brighten colours, at random; grey stays grey."""
    mix = np.eye(3) + rng.normal(0.0, 0.12, (count, 3, 3))
    mix /= mix.sum(axis=2, keepdims=True)
    return torch.as_tensor(mix * rng.uniform(0.75, 1.2, (count, 1, 1))).float()


def recoloured(views: Tensor, mixes: Tensor) -> Tensor:
    """Views [b, 4, h, w] in 0..1 with the colours of each mixed in its own way, [b, 3, 3]."""
    colours = torch.einsum("bij,bjhw->bihw", mixes, views[:, :3])
    return torch.cat([colours.clamp(0.0, 1.0), views[:, 3:]], dim=1)
