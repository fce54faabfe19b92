"""The simulator as a Gymnasium environment: pictures out, a box of seven numbers in, no reward."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from simulator.config import FPS, WorldConfig
from simulator.player import Action, advance, initial_state
from simulator.renderer import Renderer
from simulator.surroundings import Surroundings
from simulator.world import make_world
from training.clips import ACTION_FIELDS

if TYPE_CHECKING:
    from simulator.player import PlayerState

ENV_ID: Final = "Terrarium/Simulator-v0"
LARGEST_LOOK: Final = 0.25  # rad of yaw or pitch that 1 stands for: 7.5 rad/s, a quick flick of the wrist
_LOOKS: Final = ("yaw", "pitch")
_PRESSES: Final = ("run", "jump", "crouch")
_WORLDS: Final = 2**31
_OPTIONS: Final = frozenset({"biome", "daylight", "near", "world"})

Observation = NDArray[np.uint8]
BoxAction = NDArray[np.float32]


class SimulatorEnv(gymnasium.Env[Observation, BoxAction]):
    """One player in a procedural world, at 30 steps a second.

    Observation: Box uint8 [height, width, 3], RGB.

    Action: Box float32 [7], each from -1 to 1:

    =  =======  ==========================================================
    0  forward  share of the pace, negative backwards
    1  strafe   the same, positive to the right
    2  run      pressed where above 0
    3  jump     pressed where above 0
    4  crouch   pressed where above 0
    5  yaw      turn of this step in `LARGEST_LOOK`, positive to the right
    6  pitch    look of this step in `LARGEST_LOOK`, positive upwards
    =  =======  ==========================================================

    The reward is 0 and an episode never terminates; it is truncated after `max_frames` steps.

    Info: `position`, float64 [3]: x, height of the eye above the water, and z in metres; `yaw` and `pitch` in radians;
    `depth`, float32 [height, width]: horizontal metres to what a pixel shows, infinite for the sky; `world`, `biome`
    and `daylight`: where the player is.

    Options of `reset`: `biome` and `daylight` by name; `near`, a pair of metres around which the walk begins; `world`,
    the number of a world. What is not given is drawn from the environment's generator, or, for `near`, the origin.
    """

    metadata: ClassVar[dict[str, Any]] = {  # pyright: ignore[reportIncompatibleVariableOverride] - it is one there, too
        "render_modes": ["rgb_array"],
        "render_fps": FPS,
    }

    def __init__(
        self, config: WorldConfig | None = None, *, max_frames: int = 1800, render_mode: str | None = None
    ) -> None:
        if max_frames < 1:
            raise ValueError(f"An episode of {max_frames} frames is too short.")
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"There is no render mode '{render_mode}', only 'rgb_array'.")
        self._config = config or WorldConfig()
        self._max_frames = max_frames
        self._place: tuple[Surroundings, Renderer] | None = None
        self._player: PlayerState | None = None
        self._picture: Observation | None = None
        self._steps = 0
        self.render_mode = render_mode
        shape = (self._config.height, self._config.width, 3)
        self.observation_space = spaces.Box(0, 255, shape, dtype=np.uint8)
        self.action_space = spaces.Box(-1.0, 1.0, (len(ACTION_FIELDS),), dtype=np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin a walk.

        Raises:
            ValueError: an option is unknown, or names a biome or a daylight that does not exist.
        """
        super().reset(seed=seed)
        chosen = options or {}
        if unknown := set(chosen) - _OPTIONS:
            raise ValueError(f"reset knows no option {sorted(unknown)}, only {sorted(_OPTIONS)}.")
        drawn = int(self.np_random.integers(_WORLDS))  # in any case, so that options leave later episodes as they were
        config = replace(
            self._config,
            biome=chosen.get("biome", self._config.biome),
            daylight=chosen.get("daylight", self._config.daylight),
        )
        near_x, near_z = chosen.get("near", (0.0, 0.0))
        place = self._place = self._place_of(int(chosen.get("world", drawn)), config)
        self._player, self._steps = initial_state(place[0], float(near_x), float(near_z)), 0
        return self._see(place, self._player)

    def step(self, action: BoxAction) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """One thirtieth of a second."""
        if self._place is None or self._player is None:
            raise gymnasium.error.ResetNeeded("Call reset before step: nobody is in the world yet.")
        self._player = advance(self._place[0], self._player, action_of(action))
        self._steps += 1
        observation, info = self._see(self._place, self._player)
        return observation, 0.0, False, self._steps >= self._max_frames, info

    def render(self) -> Observation | None:  # pyright: ignore[reportIncompatibleMethodOverride] - narrower, as in Gymnasium's own
        """The latest picture, if the mode is `rgb_array`."""
        if self.render_mode is None or self._picture is None:
            return None
        return self._picture.copy()

    def _place_of(self, seed: int, config: WorldConfig) -> tuple[Surroundings, Renderer]:
        """A world with its renderer; the one that is there already, if it is the same."""
        if self._place is not None:
            world = self._place[0].world
            if world.seed == seed and world.config == config:
                return self._place
        around = Surroundings(make_world(seed, config))
        return around, Renderer(around)

    def _see(self, place: tuple[Surroundings, Renderer], player: PlayerState) -> tuple[Observation, dict[str, Any]]:
        around, renderer = place
        picture = np.empty((self._config.height, self._config.width, 3), dtype=np.uint8)
        depth = np.empty(picture.shape[:2], dtype=np.float32)
        renderer.draw(player, picture, depth)
        self._picture = picture
        info: dict[str, Any] = {
            "position": np.array([player.x, player.eye, player.z]),
            "yaw": player.yaw,
            "pitch": player.pitch,
            "depth": depth,
            "world": around.world.seed,
            "biome": around.world.biome,
            "daylight": around.world.daylight,
        }
        return picture, info


def action_of(box: BoxAction) -> Action:
    """The player's action that seven numbers stand for."""
    values = dict(zip(ACTION_FIELDS, (float(value) for value in box), strict=True))
    return Action(
        forward=values["forward"],
        strafe=values["strafe"],
        run=values["run"] > 0.0,
        jump=values["jump"] > 0.0,
        crouch=values["crouch"] > 0.0,
        yaw=LARGEST_LOOK * _within_one(values["yaw"]),
        pitch=LARGEST_LOOK * _within_one(values["pitch"]),
    )


def box_of(action: Action) -> BoxAction:
    """The seven numbers for an action, a script's for example; what is not pressed is -1."""
    values: list[float] = []
    for name in ACTION_FIELDS:
        value = float(getattr(action, name))
        if name in _PRESSES:
            value = 1.0 if value else -1.0
        elif name in _LOOKS:
            value = _within_one(value / LARGEST_LOOK)
        values.append(value)
    return np.array(values, dtype=np.float32)


def register() -> None:
    """Make the environment known to `gymnasium.make` as `ENV_ID`."""
    if ENV_ID not in gymnasium.registry:
        gymnasium.register(id=ENV_ID, entry_point="training.gym_env:SimulatorEnv")  # pyright: ignore[reportUnknownMemberType] - a dict without types


def _within_one(value: float) -> float:
    return 0.0 if math.isnan(value) else max(-1.0, min(1.0, value))
