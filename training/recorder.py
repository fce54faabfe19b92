"""From a split and a clip's number to the clip: which world, which place, which policy, and what was seen."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from simulator.config import WorldConfig
from simulator.player import Action, PlayerState, advance
from simulator.renderer import Renderer
from simulator.surroundings import Surroundings
from simulator.world import make_world
from training.clips import STATE_FIELDS, Clip, disparity_of
from training.policies import POLICIES, PolicyName, draw_policy
from training.starts import start_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

Split: TypeAlias = Literal["train", "heldout"]

CLIPS_PER_WORLD: Final = 4  # making a world costs as much as drawing half a clip
FIRST_HELDOUT_SEED: Final = 1_000_000
HELDOUT_SEEDS: Final = tuple(range(FIRST_HELDOUT_SEED, FIRST_HELDOUT_SEED + 128))
_STARTS: Final = 6  # that are tried
_IN_THE_FACE_M: Final = 1.5
_SALTS: Final[Mapping[Split, int]] = MappingProxyType({"train": 0xC11B, "heldout": 0x8E1D})


@dataclass(frozen=True, slots=True)
class Recipe:
    """What clips are made by. Two folders of one recipe hold the same clips."""

    split: Split
    frames: int = 96
    biomes: tuple[str, ...] = ()  # empty for all
    config: WorldConfig = field(default_factory=WorldConfig)

    def __post_init__(self) -> None:
        if self.frames < 2:
            raise ValueError(f"A clip of {self.frames} frames is too short.")

    def seed_of(self, clip: int) -> int:
        """The seed of the world in which a clip plays; held-out worlds are none that trains."""
        number = clip // CLIPS_PER_WORLD
        if self.split == "heldout":
            return HELDOUT_SEEDS[number % len(HELDOUT_SEEDS)]
        if number >= FIRST_HELDOUT_SEED:
            raise ValueError(f"There are training worlds for {FIRST_HELDOUT_SEED * CLIPS_PER_WORLD} clips only.")
        return number


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk before it is drawn: `actions[i]` led from `states[i - 1]` to `states[i]`, and actions[0] is none."""

    around: Surroundings
    policy: PolicyName
    actions: tuple[Action, ...]
    states: tuple[PlayerState, ...]


class Recorder:
    """Records clips, and keeps the world of the last one. Used by one thread at a time."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._around: Surroundings | None = None

    def record(self, clip: int, frames: NDArray[np.uint8]) -> Clip:
        """The clip of that number, a function of it and the recipe alone; `frames` [L, height, width, 4] is filled."""
        walk = self.walk(clip)
        _draw(Renderer(walk.around), walk.states, frames)
        return Clip(
            frames=frames,
            states=_state_rows(walk.states),
            eye=np.array([state.eye for state in walk.states], dtype=np.float32),
            actions=np.array([astuple(action) for action in walk.actions], dtype=np.float32),
            seed=walk.around.world.seed,
            biome=walk.around.world.biome,
            policy=walk.policy,
        )

    def walk(self, clip: int) -> Walk:
        """What happens in the clip of that number, without drawing it."""
        around = self._world_of(self._recipe.seed_of(clip))
        rng = np.random.default_rng([clip, _SALTS[self._recipe.split]])
        policy = draw_policy(rng)
        return _walk(around, open_start(around, policy, rng), policy, rng, self._recipe.frames)

    def _world_of(self, seed: int) -> Surroundings:
        if self._around is None or self._around.world.seed != seed:
            config, names = self._recipe.config, self._recipe.biomes
            if names:
                config = replace(config, biome=names[int(np.random.default_rng([seed, 0xB10]).integers(len(names)))])
            self._around = Surroundings(make_world(seed, config))
        return self._around


def open_start(around: Surroundings, policy: PolicyName, rng: np.random.Generator) -> PlayerState:
    """A start with something to see: the crown of a tree bars nobody's way, and fills the picture from inside."""
    renderer, config = Renderer(around), around.world.config
    picture = np.empty((config.height, config.width, 3), dtype=np.uint8)
    depth = np.empty((config.height, config.width), dtype=np.float32)
    state = start_for(policy, around, rng)
    for _ in range(_STARTS - 1):
        renderer.draw(state, picture, depth)
        if (depth < _IN_THE_FACE_M).mean() < 0.5:
            break
        state = start_for(policy, around, rng)
    return state


def _walk(around: Surroundings, state: PlayerState, policy: PolicyName, rng: np.random.Generator, frames: int) -> Walk:
    """`frames` states of a walk by `policy`, after some that are left out."""
    lead = _lead(rng, policy)
    _, make_script = POLICIES[policy]
    script = make_script(rng, state)
    actions, states = [Action()], [state]
    action = next(script)
    for _ in range(lead + frames - 1):
        state = advance(around, state, action)
        actions.append(action)
        states.append(state)
        action = script.send(state)
    return Walk(around, policy, (Action(), *actions[lead + 1 :]), tuple(states[lead:]))


def _lead(rng: np.random.Generator, policy: PolicyName) -> int:
    """Frames that are walked before the clip: often none, as somebody who enters a world stands still."""
    if rng.random() < 0.4:
        return 0
    # A look away and a bump belong into the clip.
    return int(rng.integers(5, 20 if policy in ("look_and_return", "wall_hugging") else 90))


def _draw(renderer: Renderer, states: Sequence[PlayerState], frames: NDArray[np.uint8]) -> None:
    """Fill `frames` [L, height, width, 4]."""
    picture = np.empty((*frames.shape[1:3], 3), dtype=np.uint8)
    depth = np.empty(frames.shape[1:3], dtype=np.float32)
    for state, frame in zip(states, frames, strict=True):
        renderer.draw(state, picture, depth)
        frame[..., :3] = picture
        frame[..., 3] = disparity_of(depth)


def _state_rows(states: Sequence[PlayerState]) -> NDArray[np.float32]:
    """[L, 11], relative to the first place and without jumps of yaw; subtracted in double precision."""
    rows = np.array([astuple(state) for state in states])
    for name in ("x", "z"):
        column = STATE_FIELDS.index(name)
        rows[:, column] -= rows[0, column]
    yaw = STATE_FIELDS.index("yaw")
    rows[:, yaw] = np.unwrap(rows[:, yaw])
    return rows.astype(np.float32)
