"""An engine whose answers are known: it pans its picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from services.world_engine.world_engine import WorldSnapshot, WorldSpec

if TYPE_CHECKING:
    from services.world_engine.world_engine import ControlPayload, Frames, Picture

H, W = 48, 84
SPEC = WorldSpec("test/pan", "Pan", H, W, 2, 30, "00", max_worlds=3)


@dataclass
class PanWorld:
    """Shows the seed, moved by a part of the mouse's way, `delay` passes late, in equal steps for a pass's frames."""

    seed: Picture
    delay: int
    reach: float
    frames: int
    waiting: list[float] = field(default_factory=list[float])
    place: float = 0.0

    def step(self, control: ControlPayload) -> Frames:
        self.waiting.append(self.reach * control.mouse_dx)
        step = self.waiting.pop(0) / self.frames if len(self.waiting) > self.delay else 0.0
        shown: list[Picture] = []
        for _ in range(self.frames):
            self.place += step
            shown.append(np.roll(self.seed, -round(self.place), axis=1))
        return np.stack(shown)

    def continue_from(self, picture: Picture) -> None:
        self.seed = picture

    def snapshot(self) -> WorldSnapshot:
        return WorldSnapshot(SPEC.model_id, SPEC.weights_hash, bytes(100))

    def restore(self, snapshot: WorldSnapshot) -> None:
        del snapshot

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class PanEngine:
    delay: int = 0
    reach: float = 0.2
    spec: WorldSpec = SPEC

    def open_world(self, seed: Picture, *, rng_seed: int) -> PanWorld:
        del rng_seed
        return PanWorld(seed, self.delay, self.reach, self.spec.frames_per_pass)

    def close(self) -> None:
        pass
