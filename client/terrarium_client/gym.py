"""Worlds as Gymnasium environments: `gymnasium.make("Terrarium-v0", url=...)`, and many of them at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeAlias

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space, iterate
from numpy.typing import NDArray

from terrarium_client.gallery import gallery
from terrarium_client.passes import Picture
from terrarium_client.sync import LoopThread
from terrarium_client.world import World, connect

if TYPE_CHECKING:
    from pathlib import Path

ENV_ID: Final = "Terrarium-v0"
KEYS: Final = ("W", "A", "S", "D", "SHIFT", "SPACE")

# The picture before a step, the action as the environment was given it, and the picture after the step.
Reward: TypeAlias = Callable[[Picture, Any, Picture], float]
Info: TypeAlias = dict[str, Any]
Actions: TypeAlias = Literal["dict", "box"]

_RANDOM_SEEDS: Final = 2**32
_OPTIONS: Final = frozenset({"moment", "picture", "seed", "world"})


def no_reward(before: Picture, action: object, after: Picture) -> float:
    """0 for every step: what is worth something is for the experiment to say."""
    del before, action, after
    return 0.0


@dataclass(frozen=True, slots=True)
class Start:
    """Where an episode begins: in a picture, a seed of the gallery (SHA-256 of its file) or a saved world (its id)."""

    picture: bytes | str | Path | None = None
    seed: str | None = None
    world: str | None = None


@dataclass(frozen=True, slots=True)
class Controls:
    """What an action means. 1 of the mouse stands for `mouse_pixels`; a key of a Box is down where it is above 0."""

    kind: Actions
    keys: tuple[str, ...]
    mouse_pixels: float

    def space(self) -> spaces.Space[Any]:
        mouse = spaces.Box(-1.0, 1.0, (2,), dtype=np.float32)
        if self.kind == "dict":
            return spaces.Dict({"keys": spaces.MultiBinary(len(self.keys)), "mouse": mouse})
        return spaces.Box(-1.0, 1.0, (len(self.keys) + 2,), dtype=np.float32)

    def read(self, action: Any) -> tuple[list[str], tuple[float, float]]:
        """The keys that are down, and the mouse in pixels."""
        held, mouse = (
            (action["keys"], action["mouse"]) if self.kind == "dict" else (action[: len(self.keys)], action[-2:])
        )
        x, y = (float(np.clip(side, -1.0, 1.0)) * self.mouse_pixels for side in mouse)
        return [key for key, is_down in zip(self.keys, held, strict=True) if is_down > 0], (x, y)


class Episode:
    """One world of the server, from reset to reset."""

    def __init__(self, world: World, engine: str | None, start: Start, controls: Controls, reward: Reward) -> None:
        self._world = world
        self._engine = engine
        self._start = start
        self._controls = controls
        self._reward = reward
        self._has_begun = False
        self.picture: Picture | None = None
        self.steps = 0

    async def reset(self, rng_seed: int | None, options: Mapping[str, Any] | None) -> tuple[Picture, Info]:
        """Begin anew: with `rng_seed` in another world, else where the last episode began, or where `options` say."""
        chosen = dict(options or {})
        if unknown := set(chosen) - _OPTIONS:
            raise ValueError(f"reset knows no option {sorted(unknown)}, only {sorted(_OPTIONS)}.")
        moment = chosen.pop("moment", None)
        if moment is not None:
            await self._world.moments.restore(moment)
        elif chosen or rng_seed is not None or not self._has_begun:
            self._start = Start(**chosen) if chosen else self._start
            start = self._start
            await self._world.init(
                start.picture, model=self._engine, seed=start.seed, world=start.world, rng_seed=rng_seed
            )
            self._has_begun = True
        else:
            await self._world.reset()
        self.picture, self.steps = await self._world.look(), 0
        return self.picture, {}

    async def step(self, action: Any) -> tuple[Picture, float, Info]:
        before = self.picture
        if before is None:
            raise gymnasium.error.ResetNeeded("Call reset before step: there is no world yet.")
        keys, mouse = self._controls.read(action)
        made = await self._world.step(*keys, mouse=mouse)
        self.picture = made.picture
        self.steps += 1
        return made.picture, self._reward(before, action, made.picture), {"frame_id": made.header.frame_id}


class TerrariumEnv(gymnasium.Env[Picture, Any]):
    """One world, a pass of frames for each step, in lock step with the server: the same seeds give the same pictures.

    Observation: the newest picture, uint8 [height, width, 3], RGB.

    Action: as `actions` says. `dict`: `keys`, 0 or 1 for each of `keys`, and `mouse`, right and down, from -1 to 1.
    `box`: the same as one float32 vector, each from -1 to 1.

    Reward: what `reward` says of the picture before, the action and the picture after. An episode never terminates; it
    is truncated after `max_steps`.

    `reset(seed=...)` begins a world in which all that is random follows from the seed. Options of `reset`: `moment`, an
    id from `take_moment`; `seed`, a picture of the server's gallery; `picture`, the bytes or the path of a file;
    `world`, the id of a saved world.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 15}  # pyright: ignore[reportIncompatibleVariableOverride] - it is one there, too

    def __init__(
        self,
        url: str,
        engine: str | None = None,
        *,
        token: str | None = None,
        size: tuple[int, int] = (224, 128),
        actions: Actions = "dict",
        keys: Sequence[str] = KEYS,
        mouse_pixels: float = 60.0,
        reward: Reward = no_reward,
        max_steps: int = 1000,
        picture: bytes | str | Path | None = None,
        seed: str | None = None,
        world: str | None = None,
        render_mode: str | None = None,
    ) -> None:
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"There is no render mode '{render_mode}', only 'rgb_array'.")
        self.render_mode = render_mode
        self._max_steps = max_steps
        controls = Controls(actions, tuple(keys), mouse_pixels)
        self.action_space = controls.space()
        self.observation_space = _pictures(size)
        self._crew: _Crew | None = _Crew(
            url,
            1,
            token=token,
            size=size,
            engine=engine,
            start=_start_of(url, token, picture, seed, world),
            controls=controls,
            reward=reward,
        )

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Picture, Info]:
        """Begin an episode. Raises: ValueError, an option is unknown; RefusedError, the server says why."""
        super().reset(seed=seed)
        rng_seed = None if seed is None else int(self.np_random.integers(_RANDOM_SEEDS))
        [(picture, info)] = self._open_crew.reset([rng_seed], options)
        return picture, info

    def step(self, action: Any) -> tuple[Picture, float, bool, bool, Info]:
        """One pass of the world."""
        [(picture, reward, info)] = self._open_crew.step([action])
        return picture, reward, False, self._open_crew.episodes[0].steps >= self._max_steps, info

    def take_moment(self) -> str:
        """Keep this moment: `reset(options={"moment": ...})` returns to it, as often as wanted."""
        return self._open_crew.take_moment()

    def render(self) -> Picture | None:  # pyright: ignore[reportIncompatibleMethodOverride] - narrower, as in Gymnasium's own
        """The newest picture, if the mode is `rgb_array`."""
        return None if self.render_mode is None else self._open_crew.episodes[0].picture

    def close(self) -> None:
        crew, self._crew = self._crew, None
        if crew is not None:
            crew.close()

    @property
    def _open_crew(self) -> _Crew:
        if self._crew is None:
            raise gymnasium.error.ClosedEnvironmentError("This environment is closed.")
        return self._crew


class TerrariumVectorEnv(VectorEnv[NDArray[np.uint8], Any, NDArray[Any]]):
    """Many worlds of one server, stepped together: their steps are on their way at the same time.

    Observations are uint8 [num_envs, height, width, 3]. The options are those of `TerrariumEnv`. An episode that was
    truncated begins anew with the next step, whose action for it is ignored.
    """

    metadata: ClassVar[dict[str, Any]] = {"autoreset_mode": AutoresetMode.NEXT_STEP, "render_modes": []}  # pyright: ignore[reportIncompatibleVariableOverride] - it is one there, too

    def __init__(
        self,
        url: str,
        engine: str | None = None,
        *,
        num_envs: int = 1,
        token: str | None = None,
        size: tuple[int, int] = (224, 128),
        actions: Actions = "dict",
        keys: Sequence[str] = KEYS,
        mouse_pixels: float = 60.0,
        reward: Reward = no_reward,
        max_steps: int = 1000,
        picture: bytes | str | Path | None = None,
        seed: str | None = None,
        world: str | None = None,
    ) -> None:
        controls = Controls(actions, tuple(keys), mouse_pixels)
        self.num_envs = num_envs
        action, seen = controls.space(), _pictures(size)
        self.single_action_space, self.single_observation_space = action, seen
        self._actions: Any = batch_space(action, num_envs)
        self.action_space, self.observation_space = self._actions, batch_space(seen, num_envs)
        self._max_steps = max_steps
        self._is_over = np.zeros(num_envs, dtype=np.bool_)
        self._crew = _Crew(
            url,
            num_envs,
            token=token,
            size=size,
            engine=engine,
            start=_start_of(url, token, picture, seed, world),
            controls=controls,
            reward=reward,
        )

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], Info]:
        """Begin all episodes; a number as `seed` counts up from world to world."""
        super().reset(seed=seed if isinstance(seed, int) else None)
        if isinstance(seed, list):
            seeds = seed
        else:
            seeds = [None if seed is None else (seed + at) % _RANDOM_SEEDS for at in range(self.num_envs)]
        self._is_over[:] = False
        return np.stack([picture for picture, _ in self._crew.reset(seeds, options)]), {}

    def step(
        self, actions: Any
    ) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], Info]:
        each: list[Any] = list(iterate(self._actions, actions))
        made = self._crew.step([None if over else action for over, action in zip(self._is_over, each, strict=True)])
        self._is_over = np.array([episode.steps >= self._max_steps for episode in self._crew.episodes])
        rewards = np.array([reward for _, reward, _ in made], dtype=np.float64)
        never = np.zeros(self.num_envs, dtype=np.bool_)
        return np.stack([picture for picture, _, _ in made]), rewards, never, self._is_over.copy(), {}

    def close_extras(self, **kwargs: Any) -> None:
        del kwargs
        self._crew.close()


class _Crew:
    """The episodes of an environment, on one event loop. Connects when the first ones begin."""

    def __init__(
        self,
        url: str,
        count: int,
        *,
        token: str | None,
        size: tuple[int, int],
        engine: str | None,
        start: Start,
        controls: Controls,
        reward: Reward,
    ) -> None:
        self._loop = LoopThread()
        self._worlds = [connect(url, token=token, size=size) for _ in range(count)]
        self.episodes = [Episode(world, engine, replace(start), controls, reward) for world in self._worlds]
        self._is_connected = False

    def reset(self, rng_seeds: Sequence[int | None], options: Mapping[str, Any] | None) -> list[tuple[Picture, Info]]:
        async def reset() -> list[tuple[Picture, Info]]:
            if not self._is_connected:
                await asyncio.gather(*(world.__aenter__() for world in self._worlds))
                self._is_connected = True
            begun = (
                episode.reset(rng_seed, options) for episode, rng_seed in zip(self.episodes, rng_seeds, strict=True)
            )
            return list(await asyncio.gather(*begun))

        return self._loop.run(reset())

    def step(self, actions: Sequence[Any]) -> list[tuple[Picture, float, Info]]:
        """Step each episode by its action; one without an action begins anew instead."""

        async def begin(episode: Episode) -> tuple[Picture, float, Info]:
            picture, info = await episode.reset(None, None)
            return picture, 0.0, info

        async def step() -> list[tuple[Picture, float, Info]]:
            pairs = zip(self.episodes, actions, strict=True)
            made = (begin(episode) if action is None else episode.step(action) for episode, action in pairs)
            return list(await asyncio.gather(*made))

        return self._loop.run(step())

    def take_moment(self) -> str:
        return self._loop.run(self._worlds[0].moments.take())

    def close(self) -> None:
        async def leave() -> None:
            await asyncio.gather(*(world.__aexit__() for world in self._worlds))

        try:
            self._loop.run(leave())
        finally:
            self._loop.close()


def register() -> None:
    """Make the environments known to Gymnasium, which calls this by itself where the package is installed."""
    if ENV_ID not in gymnasium.registry:
        gymnasium.register(  # pyright: ignore[reportUnknownMemberType] - a dict without types
            id=ENV_ID,
            entry_point="terrarium_client.gym:TerrariumEnv",
            vector_entry_point="terrarium_client.gym:TerrariumVectorEnv",
        )


def _pictures(size: tuple[int, int]) -> spaces.Space[Picture]:
    return spaces.Box(0, 255, (size[1], size[0], 3), dtype=np.uint8)


def _start_of(
    url: str, token: str | None, picture: bytes | str | Path | None, seed: str | None, world: str | None
) -> Start:
    """Where episodes begin; the first picture of the gallery if nothing was said."""
    if picture is None and seed is None and world is None:
        seed = gallery(url, token=token)[0].hash
    return Start(picture, seed, world)
