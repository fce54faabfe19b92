"""Who plays a walk again from its first picture: an engine, and what it is compared with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Protocol

import cv2
import numpy as np

from services.world_engine.player_keys import LOOK_PER_PIXEL
from services.world_engine.world_engine import ControlPayload
from simulator.config import FPS as FRAMES_PER_S
from wire_protocol import KEY_CODES
from world_model.config import ModelConfig

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.world_engine.world_engine import WorldEngine, WorldSpec
    from simulator.player import Action
    from training.evaluation.trials import Picture, Trial

_SIZE: Final = ModelConfig()


class Subject(Protocol):
    @property
    def name(self) -> str: ...

    def play(self, trial: Trial) -> Iterator[Picture]:
        """The trial's first picture, and what is there after each of its actions. May be called by several threads at a
        time."""
        ...


class EnginePlayer:
    """Any engine that takes the keys and the mouse of a person, at 30 frames a second or a multiple.

    A walk begins with what the simulator shows to the engine's own camera. What is judged is the middle of its frames,
    as far as the camera of the trials sees.
    """

    def __init__(self, engine: WorldEngine, half_view: float) -> None:
        """`half_view` is half the angle of view of the engine's width, rad."""
        self._engine, self._half_view, spec = engine, half_view, engine.spec
        self.name: str = spec.model_id
        self._subframes = spec.fps // FRAMES_PER_S  # of the engine in one frame of ours
        self._frames = spec.frames_per_pass // self._subframes  # of ours in one pass of the engine

    def play(self, trial: Trial) -> Iterator[Picture]:
        spec = self._engine.spec
        seed = trial.first_seen(spec.height, spec.width, math.degrees(2.0 * self._half_view))
        world = self._engine.open_world(seed, rng_seed=trial.number)
        yield trial.picture(0)
        try:
            for at in range(0, len(trial.actions), self._frames):
                taken = trial.actions[at : at + self._frames]
                frames = world.step(control_of(taken))
                for number in range(len(taken)):
                    yield self._middle(frames[(number + 1) * self._subframes - 1], trial)
        finally:
            world.close()

    def _middle(self, frame: Picture, trial: Trial) -> Picture:
        """What the camera of the trials sees, at their size."""
        config = trial.around.world.config
        share = math.tan(math.radians(0.5 * config.fov_deg)) / math.tan(self._half_view)
        width = min(frame.shape[1], round(share * frame.shape[1]))
        height = min(frame.shape[0], round(width * config.height / config.width))
        if (height, width) == (config.height, config.width) == frame.shape[:2]:
            return frame
        top, left = (frame.shape[0] - height) // 2, (frame.shape[1] - width) // 2
        middle = frame[top : top + height, left : left + width]
        size = config.width, config.height
        return np.asarray(cv2.resize(middle, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


class Still:
    """The first picture, again and again: what any change has to be better than."""

    name = "first picture"

    def play(self, trial: Trial) -> Iterator[Picture]:
        first = trial.picture(0)
        for _ in range(len(trial.actions) + 1):
            yield first


def size_of_trials(spec: WorldSpec, half_view: float) -> ModelConfig:
    """The size at which an engine is judged: its own, where its pictures are those of the simulator, enlarged."""
    times = spec.height // _SIZE.height
    is_large = times > 0 and (spec.height, spec.width) == (times * _SIZE.height, times * _SIZE.width)
    is_like = is_large and math.isclose(2.0 * half_view, _SIZE.fov)
    return ModelConfig(height=spec.height, width=spec.width) if is_like else _SIZE


def control_of(actions: Sequence[Action]) -> ControlPayload:
    """A person's hands in one pass: keys that were down in any frame, and the mouse's whole way."""
    held: set[int] = set()
    for action in actions:
        pressed = {
            "W": action.forward > 0.0,
            "S": action.forward < 0.0,
            "D": action.strafe > 0.0,
            "A": action.strafe < 0.0,
            "SHIFT": action.run,
            "SPACE": action.jump,
            "CTRL": action.crouch,
        }
        held |= {KEY_CODES[key] for key, down in pressed.items() if down}
    return ControlPayload(
        buttons=frozenset(held),
        mouse_dx=sum(action.yaw for action in actions) / LOOK_PER_PIXEL,
        mouse_dy=-sum(action.pitch for action in actions) / LOOK_PER_PIXEL,
    )
