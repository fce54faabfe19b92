"""Rollouts that are under way: what the model made last of many clips, and what it is to make next.

What the model has invented differs from the truth and cannot be corrected: views carry along which of their pixels stem
from the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch.nn import functional

from training.samples import colour_mixes, recoloured
from world_model.memory import anchor_strain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from training.samples import Views

_LEAST_TRUTH: Final = 0.45  # fraction of a view below which a rollout is given up
_STRIDES: Final = (1, 1, 1, 2, 3, 5)  # frames in a step: long ones uncover more at once
_LONGEST_AGO: Final = 12  # frames between a view and its anchor, at first
_LOOSE: Final = (0.6, 1.5)  # of play's reach of an anchor: how far training's reaches, at random
_UNMIXED: Final = 0.5  # fraction of the rollouts in the clip's own colours
_AT_ONCE: Final = 256  # rollouts that begin anew together; all of a large pool would not fit


@dataclass(frozen=True, slots=True)
class Drawn:
    """A batch of rollouts and their next frames."""

    rows: NDArray[np.int64]  # [b], which they are
    at: NDArray[np.int64]  # [b], frame in the clip that comes next
    now: Tensor  # [b, 5, h, w], 0..1: the last view, and where it stems from the truth
    relative_pose: Tensor  # [b, RELATIVE_POSE_DIM] from there to the next
    anchor: Tensor  # [b, 5, h, w], the view that is preferred while it is near
    anchor_relative_pose: Tensor
    truth: Tensor  # [b, 4, h, w], 0..1: the next view

    @property
    def count(self) -> int:
        return len(self.rows)


class Rollouts:
    """A pool of them. Views are bytes [n, 5, h, w] on the device: a view, and 255 where it stems from the truth."""

    def __init__(self, views: Views, count: int, longest: int, device: torch.device) -> None:
        """`longest` is how many steps a rollout goes on, at the end of training."""
        self._views, self._longest, self._device = views, longest, device
        self._now = torch.zeros((count, 5, *views.size), dtype=torch.uint8, device=device)
        self._anchor = torch.zeros_like(self._now)
        self._mixes = torch.zeros((count, 3, 3))  # how each clip's colours are mixed
        self._clip, self._now_at, self._anchor_at = (np.zeros(count, dtype=np.int64) for _ in range(3))
        self._age = np.full(count, -1)  # steps since the truth; -1 for one that never began

    @property
    def ages(self) -> NDArray[np.int64]:
        return self._age

    def draw(self, count: int, grown: float, rng: np.random.Generator) -> Drawn:
        """`count` rollouts. Those that are over begin anew; they get longer while `grown` goes from 0 to 1."""
        if self._age[0] < 0:
            self._begin(np.arange(len(self._age)), rng)
        rows = rng.choice(len(self._age), size=count, replace=False)
        self._begin(rows[self._over(rows, grown, rng)], rng)
        clip, now_at, anchor_at = self._clip[rows], self._now_at[rows], self._anchor_at[rows]
        at = now_at + np.minimum(rng.choice(_STRIDES, size=count), self._views.store.length - 1 - now_at)
        target, device = _places(clip, at), self._device
        picked = torch.as_tensor(rows, device=device)
        truth = self._views.batch(target).to(device).float() / 255.0
        return Drawn(
            rows=rows,
            at=at,
            now=self._now[picked].float() / 255.0,
            relative_pose=self._views.relative_poses(_places(clip, now_at), target).to(device),
            anchor=self._anchor[picked].float() / 255.0,
            anchor_relative_pose=self._views.relative_poses(_places(clip, anchor_at), target).to(device),
            truth=recoloured(truth, self._mixes[rows].to(device)),
        )

    def advance(self, drawn: Drawn, made: Tensor, true: Tensor, rng: np.random.Generator) -> None:
        """Go on from what was made, [b, 4, h, w], and from where that stems from the truth, [b, 1, h, w]."""
        rows = drawn.rows
        made = (torch.cat([made, true], dim=1).clamp(0.0, 1.0) * 255.0).round().byte()
        self._now[torch.as_tensor(rows, device=self._device)] = made
        far = anchor_strain(drawn.anchor_relative_pose.cpu().numpy()) > rng.uniform(*_LOOSE, drawn.count)
        self._anchor[torch.as_tensor(rows[far], device=self._device)] = made[torch.as_tensor(far, device=self._device)]
        self._anchor_at[rows[far]] = drawn.at[far]
        self._now_at[rows] = drawn.at
        self._age[rows] += 1
        # Little to learn where little is true: such rollouts begin anew when they are next drawn.
        lost = true.mean(dim=(1, 2, 3)).cpu().numpy() < _LEAST_TRUTH
        self._age[rows[lost]] = self._longest

    def tensors(self) -> Mapping[str, Tensor]:
        """All that there is to know; no copies."""
        plain = {"clip": self._clip, "now_at": self._now_at, "anchor_at": self._anchor_at, "age": self._age}
        return {
            "now": self._now,
            "anchor": self._anchor,
            "mixes": self._mixes,
            **{name: torch.as_tensor(value) for name, value in plain.items()},
        }

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Become what `tensors` told of others; those of a pool of another size are left."""
        mine = self.tensors()
        if all(name in tensors and tensors[name].shape == value.shape for name, value in mine.items()):
            for name, value in mine.items():
                value.copy_(tensors[name])

    def _over(self, rows: NDArray[np.int64], grown: float, rng: np.random.Generator) -> NDArray[np.bool_]:
        longest = 2 + (self._longest - 2) * grown
        over = (self._age[rows] >= longest) | (self._now_at[rows] >= self._views.store.length - 1)
        return over | (rng.random(len(rows)) < 1.0 / (2.0 * longest))

    def _begin(self, rows: NDArray[np.int64], rng: np.random.Generator) -> None:
        """Let rollouts begin anew: from the truth, somewhere in a clip, from there and a moment before."""
        store = self._views.store
        for first in range(0, len(rows), _AT_ONCE):
            some = rows[first : first + _AT_ONCE]
            for row in some:
                self._clip[row] = rng.integers(len(store))
                self._now_at[row] = rng.integers(0, store.length - 4)
                self._anchor_at[row] = max(0, int(self._now_at[row]) - int(rng.integers(0, _LONGEST_AGO)))
                self._mixes[row] = torch.eye(3) if rng.random() < _UNMIXED else colour_mixes(1, rng)[0]
            self._age[some] = 0
            picked = torch.as_tensor(some, device=self._device)
            self._now[picked] = self._true_views(some, self._now_at[some])
            self._anchor[picked] = self._true_views(some, self._anchor_at[some])

    def _true_views(self, rows: NDArray[np.int64], at: NDArray[np.int64]) -> Tensor:
        """[len(rows), 5, h, w], bytes, in the colours of those rollouts."""
        views = self._views.batch(_places(self._clip[rows], at)).to(self._device).float() / 255.0
        views = (recoloured(views, self._mixes[rows].to(self._device)) * 255.0).round().byte()
        return functional.pad(views, (0, 0, 0, 0, 0, 1), value=255)


def _places(clips: NDArray[np.int64], frames: NDArray[np.int64]) -> Sequence[tuple[int, int]]:
    return [(int(clip), int(frame)) for clip, frame in zip(clips, frames, strict=True)]
