"""Who plays a walk again from its first picture: the world models, and what they are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import cv2
import numpy as np

from services.world_engine.diorama.constants import FOCAL, FPS, FRAMES_PER_PASS, HEIGHT, WIDTH
from services.world_engine.diorama.engine import DioramaEngine
from services.world_engine.diorama.motion import LOOK_PER_PIXEL
from services.world_engine.world_engine import ControlPayload
from simulator.config import FPS as FRAMES_PER_S
from wire_protocol import KEY_CODES
from world_model.certainty import CertainSeer
from world_model.keyframe_walker import KeyframeWalker
from world_model.keyframes import KeyframeKeeper
from world_model.layer_renderer import LayerRenderer
from world_model.motion_step import WalkerIntent
from world_model.sampler import DEFAULT_STEPS
from world_model.walker import Walker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from simulator.player import Action
    from training.evaluation.trials import Picture
    from world_model.config import ModelConfig
    from world_model.runtime import Runtime
    from world_model.scene_runtime import SceneRuntime

_SUBFRAMES: Final = FPS // FRAMES_PER_S  # of the diorama in one frame of ours
_FRAMES: Final = FRAMES_PER_PASS // _SUBFRAMES  # of ours in one pass of the diorama


class Subject(Protocol):
    @property
    def name(self) -> str: ...

    def play(self, first: Picture, actions: Sequence[Action], *, rng_seed: int) -> Iterator[Picture]:
        """`first`, and the picture after each action. May be called by several threads at a time."""
        ...


class Moss:
    """The world model, with its own idea of where the keys lead."""

    name = "Moss"

    def __init__(self, runtime: Runtime, *, steps: int = DEFAULT_STEPS) -> None:
        self._runtime, self._steps = runtime, steps

    def play(self, first: Picture, actions: Sequence[Action], *, rng_seed: int) -> Iterator[Picture]:
        walker = Walker(self._runtime, first, rng_seed=rng_seed, steps=self._steps)
        yield first
        for action in actions:
            yield walker.step(intent_of(action))


class Layers:
    """Moss's next generation: soft layers of keyframes, with Moss's own idea of where the keys lead."""

    name = "layers"

    def __init__(self, runtime: Runtime, scene: SceneRuntime) -> None:
        size = runtime.config
        self._runtime, self._keeper = runtime, KeyframeKeeper(size, CertainSeer(size, scene), LayerRenderer(size))

    def play(self, first: Picture, actions: Sequence[Action], *, rng_seed: int) -> Iterator[Picture]:  # noqa: ARG002 - nothing here is random
        walker = KeyframeWalker(self._runtime, self._keeper, first)
        yield first
        for action in actions:
            yield walker.step(intent_of(action))


class Still:
    """The last frame that was seen, again and again: what any change has to be better than."""

    name = "last frame"

    def play(self, first: Picture, actions: Sequence[Action], *, rng_seed: int) -> Iterator[Picture]:  # noqa: ARG002 - nothing here is random
        for _ in range(len(actions) + 1):
            yield first


class Diorama:
    """The engine `terrarium/diorama`, whose wider camera sees our picture in the middle of a larger one."""

    name = "diorama"

    def __init__(self, size: ModelConfig) -> None:
        self._engine, scale = DioramaEngine(), FOCAL / size.focal
        # What the larger picture does not hold, of pictures of another form, is cut off and put back as a border.
        self._height = min(HEIGHT, 2 * round(0.5 * size.height * scale))
        self._width = min(WIDTH, 2 * round(0.5 * size.width * scale))
        self._shown = min(size.height, round(self._height / scale)), min(size.width, round(self._width / scale))
        self._size = size.height, size.width

    def play(self, first: Picture, actions: Sequence[Action], *, rng_seed: int) -> Iterator[Picture]:
        world = self._engine.open_world(self._embedded(first), rng_seed=rng_seed)
        yield first
        try:
            for at in range(0, len(actions), _FRAMES):
                taken = actions[at : at + _FRAMES]
                frames = world.step(control_of(taken))
                for number in range(len(taken)):
                    yield self._ours(frames[(number + 1) * _SUBFRAMES - 1], first)
        finally:
            world.close()

    def _embedded(self, picture: Picture) -> Picture:
        """Ours in the middle of a picture of the diorama's, at its focal length; mirrored around it."""
        top, left = self._margins()
        height, width = self._shown
        middle = picture[top : top + height, left : left + width]
        large = cv2.resize(middle, (self._width, self._height), interpolation=cv2.INTER_CUBIC)
        above, beside = (HEIGHT - self._height) // 2, (WIDTH - self._width) // 2
        return cv2.copyMakeBorder(large, above, above, beside, beside, cv2.BORDER_REFLECT_101).astype(np.uint8)

    def _ours(self, frame: Picture, first: Picture) -> Picture:
        above, beside = (HEIGHT - self._height) // 2, (WIDTH - self._width) // 2
        middle = frame[above : above + self._height, beside : beside + self._width]
        height, width = self._shown
        small = cv2.resize(middle, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
        if self._shown == self._size:
            return small
        top, left = self._margins()
        ours = first.copy()
        ours[top : top + height, left : left + width] = small
        return ours

    def _margins(self) -> tuple[int, int]:
        return (self._size[0] - self._shown[0]) // 2, (self._size[1] - self._shown[1]) // 2


def intent_of(action: Action) -> WalkerIntent:
    return WalkerIntent(
        forward=action.forward,
        strafe=action.strafe,
        run=action.run,
        jump=action.jump,
        crouch=action.crouch,
        turn=action.yaw,
        look_up=action.pitch,
    )


def control_of(actions: Sequence[Action]) -> ControlPayload:
    """A person's hands in one pass of the diorama: keys that were down in any frame, and the mouse's whole way."""
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
