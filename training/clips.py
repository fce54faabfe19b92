"""Clips on disk: a folder for a split, shards of frames that are memory-mapped, and what led from frame to frame."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from simulator.player import Action, PlayerState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

CLIPS_PER_SHARD: Final = 16
STATE_FIELDS: Final = tuple(field.name for field in fields(PlayerState))
ACTION_FIELDS: Final = tuple(field.name for field in fields(Action))
_SHARD: Final = re.compile(r"shard_(\d{5})\.npz")


class ClipFolderError(Exception):
    """A folder of clips is not what was asked for; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A walk of L frames at 30 Hz. What has no frame before it has a zero action."""

    frames: NDArray[np.uint8]  # [L, height, width, 4]: red, green, blue and disparity, round(255 / (1 + metres))
    states: NDArray[np.float32]  # [L, 11] by STATE_FIELDS; x and z from those of frame 0, yaw without jumps
    eye: NDArray[np.float32]  # [L], metres of the eye above the water
    actions: NDArray[np.float32]  # [L, 7] by ACTION_FIELDS; actions[i] led from frame i - 1 to frame i
    seed: int
    biome: str
    policy: str

    @property
    def poses(self) -> NDArray[np.float32]:
        """[L, 5]: x, height of the eye, z in metres; yaw and pitch in radians."""
        return poses_of(self.states, self.eye)


def poses_of(states: NDArray[np.float32], eye: NDArray[np.float32]) -> NDArray[np.float32]:
    """[..., 5] of states [..., 11] and eyes [...]: x, height of the eye, z, yaw, pitch."""
    x, z, yaw, pitch = (states[..., STATE_FIELDS.index(name)] for name in ("x", "z", "yaw", "pitch"))
    return np.stack([x, eye, z, yaw, pitch], axis=-1)


def disparity_of(depth: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Bytes of distances in metres: 255 at the eye, 128 at one metre, 0 from half a kilometre on, as for the sky."""
    return np.rint(255.0 / (1.0 + depth)).astype(np.uint8)


def shard_paths(folder: Path, shard: int) -> tuple[Path, Path]:
    """The files of a shard: its frames, and the rest, which is written last."""
    return folder / f"shard_{shard:05}_frames.npy", folder / f"shard_{shard:05}.npz"


def shards_in(folder: Path) -> list[int]:
    """Numbers of the finished shards."""
    found = (_SHARD.fullmatch(path.name) for path in folder.glob("shard_*.npz"))
    return sorted(int(match[1]) for match in found if match)


class ShardWriter:
    """Gathers the clips of one shard in a temporary file; `close` gives it its name."""

    def __init__(self, folder: Path, shard: int, *, clips: int, frame_shape: tuple[int, int, int]) -> None:
        """`frame_shape` is (frames in a clip, height, width)."""
        self._frames_path, self._rest_path = shard_paths(folder, shard)
        self._partial = self._frames_path.with_suffix(".partial")
        self._frames = np.lib.format.open_memmap(  # pyright: ignore[reportUnknownMemberType] - numpy leaves it untyped
            self._partial, mode="w+", dtype=np.uint8, shape=(clips, *frame_shape, 4)
        )
        self._clips: list[Clip] = []

    def room(self) -> NDArray[np.uint8]:
        """Where the next clip's frames go: [L, height, width, 4]."""
        return self._frames[len(self._clips)]

    def add(self, clip: Clip) -> None:
        """`clip.frames` is `room()`, filled."""
        self._clips.append(clip)

    def close(self) -> None:
        """Flush and rename. Until the second file has its name, the shard does not exist for a reader."""
        if len(self._clips) != len(self._frames):
            raise ValueError(f"A shard for {len(self._frames)} clips holds {len(self._clips)}.")
        self._frames.flush()
        rest = self._rest_path.with_suffix(".partial")
        with rest.open("wb") as file:
            np.savez(
                file,
                states=np.stack([clip.states for clip in self._clips]),
                eye=np.stack([clip.eye for clip in self._clips]),
                actions=np.stack([clip.actions for clip in self._clips]),
                seeds=np.array([clip.seed for clip in self._clips], dtype=np.int64),
                biomes=np.array([clip.biome for clip in self._clips]),
                policies=np.array([clip.policy for clip in self._clips]),
            )
        self._partial.replace(self._frames_path)
        rest.replace(self._rest_path)


class ClipStore:
    """The finished shards of a folder. Everything but the frames is in memory; it is cheap to send to a worker."""

    states: NDArray[np.float32]  # [clips, L, 11]
    eye: NDArray[np.float32]  # [clips, L]
    actions: NDArray[np.float32]  # [clips, L, 7]
    poses: NDArray[np.float32]  # [clips, L, 5]
    seeds: NDArray[np.int64]  # [clips]
    biomes: tuple[str, ...]
    policies: tuple[str, ...]

    def __init__(self, folder: Path) -> None:
        """Raises:
        ClipFolderError: there is nothing to read.
        """
        shards = shards_in(folder)
        if not shards:
            raise ClipFolderError(f"There are no clips in {folder}; `python -m training.make_clips` writes some.")
        parts: list[dict[str, NDArray[Any]]] = []
        self._places: list[tuple[Path, int]] = []
        for shard in shards:
            frames_path, rest_path = shard_paths(folder, shard)
            with np.load(rest_path) as rest:
                parts.append(dict(rest))
            self._places += [(frames_path, index) for index in range(len(parts[-1]["seeds"]))]
        self.states, self.eye, self.actions, self.seeds = (
            np.concatenate([part[name] for part in parts]) for name in ("states", "eye", "actions", "seeds")
        )
        self.biomes, self.policies = (_strings(parts, name) for name in ("biomes", "policies"))
        self.poses = poses_of(self.states, self.eye)

    def __len__(self) -> int:
        return len(self._places)

    @property
    def length(self) -> int:
        """Frames in each clip."""
        return self.states.shape[1]

    def frames(self, clip: int) -> NDArray[np.uint8]:
        """[L, height, width, 4], read-only and mapped: what is not looked at is not read."""
        path, index = self._places[clip]
        return np.load(path, mmap_mode="r")[index]

    def __getitem__(self, clip: int) -> Clip:
        return Clip(
            frames=self.frames(clip),
            states=self.states[clip],
            eye=self.eye[clip],
            actions=self.actions[clip],
            seed=int(self.seeds[clip]),
            biome=self.biomes[clip],
            policy=self.policies[clip],
        )


def _strings(parts: Sequence[dict[str, NDArray[Any]]], name: str) -> tuple[str, ...]:
    return tuple(str(value) for part in parts for value in part[name])
