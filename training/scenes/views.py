"""Walks as the scene network learns from them: views at intervals, half of them with peeled truth.

A shard is a folder of arrays that are memory-mapped; it gets its name when it is whole.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from world_model.layers import PEELS_M

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

VIEWS: Final = 14  # of a walk
FRAMES_APART: Final = 5
SOURCE_EVERY: Final = 2  # of the views, one that may become a keyframe and therefore has labels
SOURCES: Final = VIEWS // SOURCE_EVERY
PEELS: Final = len(PEELS_M)
_SHARD: Final = re.compile(r"shard_(\d{5})")


class ViewFolderError(Exception):
    """A folder of views is not what was asked for; the message says what to do."""


@dataclass(frozen=True, slots=True)
class WalkViews:
    """One walk. `h` and `w` are the simulator's height and width."""

    pictures: NDArray[np.uint8]  # [VIEWS, h, w, 3]
    peeled: NDArray[np.uint8]  # [SOURCES, PEELS - 1, h, w, 3], without the near things
    layers: NDArray[np.uint8]  # [SOURCES, PEELS, h, w], which layer each pixel belongs to
    inverse_depths: NDArray[np.float16]  # [SOURCES, PEELS, h, w]
    poses: NDArray[np.float32]  # [VIEWS, 5]: x, height of the eye, z in metres; yaw and pitch in radians


def shard_path(folder: Path, shard: int) -> Path:
    return folder / f"shard_{shard:05}"


def shards_in(folder: Path) -> list[int]:
    """Numbers of the finished shards."""
    found = (_SHARD.fullmatch(path.name) for path in folder.glob("shard_*"))
    return sorted(int(match[1]) for match in found if match)


def write_shard(folder: Path, shard: int, walks: list[WalkViews]) -> None:
    """Write the walks of one shard; until its folder has its name, the shard does not exist for a reader."""
    path = shard_path(folder, shard)
    partial = path.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name in WalkViews.__dataclass_fields__:
        np.save(partial / f"{name}.npy", np.stack([getattr(walk, name) for walk in walks]))
    partial.rename(path)


class ViewStore:
    """The finished shards of a folder. Poses are in memory, all else is mapped: what is not looked at is not read."""

    poses: NDArray[np.float32]  # [walks, VIEWS, 5]

    def __init__(self, folder: Path) -> None:
        """Raises:
        ViewFolderError: there is nothing to read.
        """
        shards = shards_in(folder)
        if not shards:
            raise ViewFolderError(
                f"There are no views in {folder}; `python -m training.scenes.make_views` writes some."
            )
        paths = [shard_path(folder, shard) for shard in shards]
        poses = [np.load(path / "poses.npy") for path in paths]
        self.poses = np.concatenate(poses)
        self._places = [(path, index) for path, part in zip(paths, poses, strict=True) for index in range(len(part))]
        self._mapped: dict[tuple[Path, str], NDArray[Any]] = {}

    def __len__(self) -> int:
        return len(self._places)

    def pictures(self, walk: int) -> NDArray[np.uint8]:
        """[VIEWS, h, w, 3]."""
        return self._array(walk, "pictures")

    def peeled(self, walk: int) -> NDArray[np.uint8]:
        """[SOURCES, PEELS - 1, h, w, 3]."""
        return self._array(walk, "peeled")

    def layers(self, walk: int) -> NDArray[np.uint8]:
        """[SOURCES, PEELS, h, w]."""
        return self._array(walk, "layers")

    def inverse_depths(self, walk: int) -> NDArray[np.float16]:
        """[SOURCES, PEELS, h, w]."""
        return self._array(walk, "inverse_depths")

    def _array(self, walk: int, name: str) -> NDArray[Any]:
        path, index = self._places[walk]
        if (path, name) not in self._mapped:
            self._mapped[path, name] = np.load(path / f"{name}.npy", mmap_mode="r")
        return self._mapped[path, name][index]
