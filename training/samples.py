"""What the stages draw from clips: views as tensors, relative poses, other colours."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from training.clips import ClipStore


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


def relative_poses_between(before: NDArray[np.float32], after: NDArray[np.float32]) -> Tensor:
    """Poses `after` as seen from those `before`, [n, 5] as `Clip.poses` -> [n, RELATIVE_POSE_DIM]."""
    change = after - before
    sin, cos = np.sin(before[:, 3]), np.cos(before[:, 3])
    right, forward = change[:, 0] * cos - change[:, 2] * sin, change[:, 0] * sin + change[:, 2] * cos
    slopes = np.tan(before[:, 4]), np.tan(after[:, 4])
    return torch.as_tensor(np.stack([right, change[:, 1], forward, change[:, 3], *slopes], axis=1)).float()


def colour_mixes(count: int, rng: np.random.Generator) -> Tensor:
    """[count, 3, 3]: ways to mix and brighten colours, at random; grey stays grey."""
    mix = np.eye(3) + rng.normal(0.0, 0.12, (count, 3, 3))
    mix /= mix.sum(axis=2, keepdims=True)
    return torch.as_tensor(mix * rng.uniform(0.75, 1.2, (count, 1, 1))).float()


def recoloured(views: Tensor, mixes: Tensor) -> Tensor:
    """Views [b, 4, h, w] in 0..1 with the colours of each mixed in its own way, [b, 3, 3]."""
    colours = torch.einsum("bij,bjhw->bihw", mixes, views[:, :3])
    return torch.cat([colours.clamp(0.0, 1.0), views[:, 3:]], dim=1)
