"""The engine `terrarium/moss`: a small neural network generates the next picture from the last ones and the keys."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import numpy as np

from services.world_engine.moss.constants import FPS, FRAMES_PER_PASS, MODEL_ID, TITLE
from services.world_engine.moss.keys import walker_intent
from services.world_engine.moss.snapshot import pack_state, unpack_state
from services.world_engine.own_things import check_own_snapshot
from services.world_engine.world_engine import (
    NO_CONTROL,
    ControlPayload,
    Frames,
    Picture,
    WorldClosedError,
    WorldSnapshot,
    WorldSpec,
)
from world_model.walker import Walker

if TYPE_CHECKING:
    from world_model.runtime import Runtime

_SEEDS: Final = 2**64  # noise is drawn from the seed's lowest 64 bits


class MossEngine:
    """Weights that all worlds share. It has no threads of its own: a world runs on its caller's."""

    def __init__(self, runtime: Runtime, steps: int) -> None:
        """`steps` is how often the network is asked for a frame: 1, 2 or 4."""
        self._runtime, self._steps = runtime, steps
        self._spec = _spec_of(runtime, steps)

    @property
    def spec(self) -> WorldSpec:
        return self._spec

    def open_world(self, seed: Picture, *, rng_seed: int) -> MossWorld:
        """Stand in the picture.

        Raises:
            ValueError: the picture has another size or type than the spec's.
        """
        walker = Walker(self._runtime, seed, rng_seed=rng_seed % _SEEDS, steps=self._steps)
        return MossWorld(walker, self._runtime, self._spec)

    def close(self) -> None:
        """Nothing to give back: the weights go with the last reference to the engine."""


class MossWorld:
    """One player's world."""

    def __init__(self, walker: Walker, runtime: Runtime, spec: WorldSpec) -> None:
        self._walker: Walker | None = walker
        self._config = runtime.config
        self._spec = spec

    def step(self, control: ControlPayload) -> Frames:
        return self._open_walker().step(walker_intent(control))[np.newaxis]

    def continue_from(self, picture: Picture) -> None:
        """Go on in an edited picture of the same place; what was remembered of the old one is forgotten."""
        self._open_walker().continue_from(picture)

    def snapshot(self) -> WorldSnapshot:
        """Holds the pictures that the world goes on from, so it can be restored in any world of this engine."""
        return WorldSnapshot(self._spec.model_id, self._spec.weights_hash, pack_state(self._open_walker().state))

    def restore(self, snapshot: WorldSnapshot) -> None:
        walker = self._open_walker()
        check_own_snapshot(snapshot, self._spec, "Other sampling steps count as others.")
        walker.state = unpack_state(bytes(snapshot.state), self._config)

    def close(self) -> None:
        self._walker = None

    def _open_walker(self) -> Walker:
        if self._walker is None:
            raise WorldClosedError("This world is closed.")
        return self._walker


def _spec_of(runtime: Runtime, steps: int) -> WorldSpec:
    return WorldSpec(
        model_id=MODEL_ID,
        title=TITLE,
        height=runtime.config.height,
        width=runtime.config.width,
        frames_per_pass=FRAMES_PER_PASS,
        fps=FPS,
        # The steps make other frames of the same weights: what replays and snapshots compare must tell them apart.
        weights_hash=hashlib.sha256(f"{runtime.weights_hash} in {steps} steps".encode()).hexdigest(),
    )


def warm_up(engine: MossEngine) -> None:
    """Play one pass of a grey world: it loads what is loaded late, and shows that the graphs fit together."""
    world = engine.open_world(np.full((engine.spec.height, engine.spec.width, 3), 128, dtype=np.uint8), rng_seed=0)
    world.step(NO_CONTROL)
    world.close()
