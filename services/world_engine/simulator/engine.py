"""The engine `terrarium/simulator`: walks through procedural worlds, without a neural network."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np

from services.world_engine.own_things import check_own_snapshot
from services.world_engine.simulator._constants import (
    ENGINE_VERSION,
    FPS,
    FRAMES_PER_PASS,
    HEIGHT,
    MODEL_ID,
    TITLE,
    WIDTH,
)
from services.world_engine.simulator._keys import action_of
from services.world_engine.simulator._origin import Origin, origin_of
from services.world_engine.simulator._snapshot import pack_state, unpack_state
from services.world_engine.world_engine import (
    NO_CONTROL,
    ControlPayload,
    Frames,
    Picture,
    WorldClosedError,
    WorldSnapshot,
    WorldSpec,
)
from simulator.config import WorldConfig
from simulator.player import PlayerState, advance, initial_state
from simulator.renderer import Renderer
from simulator.surroundings import Surroundings
from simulator.world import make_world

SIMULATOR_SPEC: Final = WorldSpec(
    model_id=MODEL_ID,
    title=TITLE,
    height=HEIGHT,
    width=WIDTH,
    frames_per_pass=FRAMES_PER_PASS,
    fps=FPS,
    weights_hash=hashlib.sha256(ENGINE_VERSION.encode()).hexdigest(),
)


class SimulatorEngine:
    """A `WorldEngine` whose worlds share nothing but compiled code. They draw on their callers' threads."""

    @property
    def spec(self) -> WorldSpec:
        return SIMULATOR_SPEC

    def open_world(self, seed: Picture, *, rng_seed: int) -> SimulatorWorld:
        """Open the procedural world that the picture selects. The picture itself does not appear in it."""
        return SimulatorWorld(origin_of(seed, rng_seed), rng_seed)

    def close(self) -> None:
        """Do nothing: the engine holds no resources."""


class _Place:
    """A procedural world with the player's surroundings and a renderer. Takes about 15 MB."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        config = WorldConfig(height=HEIGHT, width=WIDTH, tint=(origin.red, origin.green, origin.blue))
        self.around = Surroundings(make_world(origin.number, config))
        self.renderer = Renderer(self.around)


class SimulatorWorld:
    """One player's walk."""

    def __init__(self, origin: Origin, rng_seed: int) -> None:
        self._rng_seed = rng_seed
        self._place: _Place | None = _Place(origin)
        self._player = initial_state(self._place.around)

    def step(self, control: ControlPayload) -> Frames:
        place = self._open_place()
        action = action_of(control)
        frames = np.empty((FRAMES_PER_PASS, HEIGHT, WIDTH, 3), dtype=np.uint8)
        player = self._player
        for frame in frames:
            player = advance(place.around, player, action)
            place.renderer.draw(player, frame)
        self._player = player
        return frames

    def continue_from(self, picture: Picture) -> None:
        """Go on in the world of `picture`, at a free spot near the same coordinates.

        The exact position cannot be kept, because the new world may have a wall or a lake there.
        """
        self._open_place()
        self._place = _Place(origin_of(picture, self._rng_seed))
        self._player = initial_state(self._place.around, self._player.x, self._player.z)

    def snapshot(self) -> WorldSnapshot:
        place = self._open_place()
        return WorldSnapshot(
            SIMULATOR_SPEC.model_id, SIMULATOR_SPEC.weights_hash, pack_state(place.origin, self._player)
        )

    def restore(self, snapshot: WorldSnapshot) -> None:
        """Return to a snapshot. It contains its world's origin, so it may come from the world of another picture."""
        place = self._open_place()
        check_own_snapshot(snapshot, SIMULATOR_SPEC)
        origin, player = unpack_state(bytes(snapshot.state))
        if origin != place.origin:
            self._place = _Place(origin)
        self._player = player

    def close(self) -> None:
        self._place = None

    @property
    def player(self) -> PlayerState:
        return self._player

    def _open_place(self) -> _Place:
        if self._place is None:
            raise WorldClosedError("This world is closed.")
        return self._place


def warm_up(engine: SimulatorEngine) -> None:
    """Draw one pass, so that the kernels are compiled or their machine code is read from disk."""
    world = engine.open_world(np.full((HEIGHT, WIDTH, 3), 128, dtype=np.uint8), rng_seed=0)
    world.step(NO_CONTROL)
    world.close()
