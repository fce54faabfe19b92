"""What a step of the scene network is given: keyframes with labels, and the same places seen from elsewhere."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, NamedTuple

import cv2
import numpy as np
import torch
from torch.nn import functional

from training.samples import colour_mixes, relative_poses_between
from training.scenes.textures import textured
from training.scenes.views import SOURCE_EVERY

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from training.scenes.views import ViewStore

_FARTHEST_M: Final = 2.5  # from a keyframe to a target
_LARGEST_TURN: Final = math.radians(26.0)
_LARGEST_CLIMB_M: Final = 0.6
_STILL_M: Final = 0.05
_STILL_TURN: Final = 0.02
_UNMIXED: Final = 0.4  # fraction of the samples in the simulator's own colours
_TEXTURED: Final = 0.4  # fraction of the samples whose input has textures of its own
_SOFTENED: Final = 0.3  # fraction of the samples whose input is blurred, as after resampling
_COMPRESSED: Final = 0.3  # fraction of the samples whose input went through JPEG


class Batch(NamedTuple):
    """Colours are 0..1. Peels are those of `PEELS_M`, the first of which is the view itself."""

    given: Tensor  # [b, 3, h, w], the keyframes as the network sees them
    pictures: Tensor  # [b, peels, 3, h, w]
    layers: Tensor  # [b, peels, h, w], int64
    inverse_depths: Tensor  # [b, peels, h, w]
    targets: Tensor  # [b, 3, h, w], seen from elsewhere
    relative_pose: Tensor  # [b, 6]

    @property
    def slope(self) -> Tensor:
        """[b], tangent of looking up, of the keyframes."""
        return self.relative_pose[:, 4]

    def to(self, device: torch.device) -> Batch:
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in self))


class Pairs:
    """Keyframes and targets of a store."""

    def __init__(self, store: ViewStore, *, workers: int = 0) -> None:
        """`workers` threads draw the samples of a batch side by side; they do not show in it."""
        self.store = store
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="pairs") if workers else None
        self._pairs = _pairs_of(store.poses)  # [n, 3]: walk, view of the keyframe, view of the target

    def __len__(self) -> int:
        return len(self._pairs)

    def batch(self, count: int, rng: np.random.Generator) -> Batch:
        chosen = self._pairs[rng.integers(len(self._pairs), size=count)]
        walks, sources, targets = chosen.T.tolist()
        arguments = walks, sources, targets, rng.spawn(count)
        if self._threads is None:
            return _collated(list(map(self._sample, *arguments)))
        return _collated(list(self._threads.map(self._sample, *arguments)))

    def _sample(self, walk: int, source: int, target: int, rng: np.random.Generator) -> Batch:
        """A batch of one."""
        store, number = self.store, source // SOURCE_EVERY
        views = store.pictures(walk)
        pictures = np.stack([views[source], *store.peeled(walk)[number], views[target]])
        mixed = _remixed(pictures, rng)
        layers = torch.as_tensor(store.layers(walk)[number].astype(np.int64))
        given = textured(mixed[:1], layers[:1], rng) if rng.random() < _TEXTURED else mixed[:1]
        sample = Batch(
            given=_given(given, rng),
            pictures=mixed[None, :-1],
            layers=layers[None],
            inverse_depths=torch.as_tensor(store.inverse_depths(walk)[number].astype(np.float32))[None],
            targets=mixed[-1:],
            relative_pose=relative_poses_between(store.poses[walk, [source]], store.poses[walk, [target]]),
        )
        return _mirrored(sample) if rng.random() < 0.5 else sample


def _pairs_of(poses: NDArray[np.float32]) -> NDArray[np.int64]:
    """Walk, keyframe and target of all pairs of views [walks, VIEWS, 5] that are near each other, but not the same."""
    between = poses[:, ::SOURCE_EVERY, None] - poses[:, None]  # [walks, sources, views, 5]
    away = np.hypot(between[..., 0], between[..., 2])
    turned = np.abs((between[..., 3] + np.pi) % (2.0 * np.pi) - np.pi)
    near = (away < _FARTHEST_M) & (turned < _LARGEST_TURN) & (np.abs(between[..., 1]) < _LARGEST_CLIMB_M)
    apart = (away > _STILL_M) | (turned > _STILL_TURN)
    walks, sources, targets = np.nonzero(near & apart)
    return np.stack([walks, sources * SOURCE_EVERY, targets], axis=1)


def _remixed(pictures: NDArray[np.uint8], rng: np.random.Generator) -> Tensor:
    """Pictures [n, h, w, 3] as [n, 3, h, w] in 0..1, all with their colours mixed in the same way."""
    colours = torch.as_tensor(pictures).permute(0, 3, 1, 2).float() / 255.0
    if rng.random() < _UNMIXED:
        return colours
    mix = colour_mixes(1, rng)[0]
    gamma = float(rng.uniform(0.8, 1.25))
    return torch.einsum("ij,njhw->nihw", mix, colours).clamp(0.0, 1.0) ** gamma


def _given(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """A picture [1, 3, h, w] as a person may bring it: sometimes soft, sometimes compressed."""
    if rng.random() < _SOFTENED:
        padded = functional.pad(picture, (1, 1, 1, 1), mode="replicate")
        picture = torch.lerp(picture, functional.avg_pool2d(padded, 3, stride=1), float(rng.uniform(0.2, 0.8)))
    if rng.random() < _COMPRESSED:
        plain = (picture[0].permute(1, 2, 0).numpy() * 255.0).round().astype(np.uint8)
        _, data = cv2.imencode(".jpg", plain, (cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 95))))
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
        picture = torch.as_tensor(decoded).permute(2, 0, 1)[None].float() / 255.0
    return picture


def _mirrored(sample: Batch) -> Batch:
    """Left and right exchanged."""
    sign = torch.tensor([-1.0, 1.0, 1.0, -1.0, 1.0, 1.0])
    flipped = (tensor.flip(-1) for tensor in sample[:-1])
    return Batch(*flipped, relative_pose=sample.relative_pose * sign)


def _collated(samples: list[Batch]) -> Batch:
    return Batch(*(torch.cat(parts) for parts in zip(*samples, strict=True)))
