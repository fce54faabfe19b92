"""The engine `eloialonso/diamond`: two diffusion models paint the next picture of a game from the last ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from engines.diamond import DiamondModel, DivergedError, InputError, WorldState
from services.world_engine.diamond.controls import action_of
from services.world_engine.diamond.published import FPS, FRAMES_PER_PASS, MODEL_ID, TITLE
from services.world_engine.own_tensors import OwnTensors
from services.world_engine.own_things import check_own_snapshot, grey_picture, own_world, step_alone
from services.world_engine.world_engine import (
    NO_CONTROL,
    BadFramesError,
    ControlPayload,
    EngineFaultError,
    EngineOutOfMemoryError,
    Frames,
    Picture,
    SnapshotMismatchError,
    WorldClosedError,
    WorldSnapshot,
    WorldSpec,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.world_engine.world_engine import World

_OTHER_WEIGHTS: Final = "Other sampling steps or a graphics card in place of a processor count as other weights."
_OUT_OF_MEMORY: Final = "There was not enough memory for this step. Close another world or model, and go on."


class DiamondEngine:
    """Weights that all worlds share. It has no threads of its own: a world runs on its caller's."""

    def __init__(self, model: DiamondModel, *, weights_hash: str, exact: bool) -> None:
        """`exact`: worlds step one after the other, and so make the same frames whoever is there beside them."""
        self.model = model
        self._exact = exact
        self._tensors = OwnTensors(TITLE, model.device, model.tensors)
        self._spec = WorldSpec(
            model_id=MODEL_ID,
            title=TITLE,
            height=model.config.height,
            width=model.config.width,
            frames_per_pass=FRAMES_PER_PASS,
            fps=FPS,
            weights_hash=weights_hash,
            can_park=True,
        )

    @property
    def spec(self) -> WorldSpec:
        return self._spec

    def open_world(self, seed: Picture, *, rng_seed: int) -> DiamondWorld:
        """Stand in the picture, as if nobody had moved for as long as the model remembers.

        Raises:
            ValueError: the picture has another size or type than the spec's.
        """
        return DiamondWorld(self, self.model.begin(seed, rng_seed))

    def step_together(self, turns: Sequence[tuple[World, ControlPayload]]) -> list[Frames | EngineFaultError]:
        worlds = [(own_world(world, DiamondWorld), control) for world, control in turns]
        if self._exact:
            return [told for turn in worlds for told in self._step([turn])]
        return self._step(worlds)

    def park(self) -> None:
        self._tensors.leave()

    def resume(self) -> None:
        self._tensors.come_back()

    def close(self) -> None:
        """The weights go with the last reference to the engine."""

    def _step(self, turns: Sequence[tuple[DiamondWorld, ControlPayload]]) -> list[Frames | EngineFaultError]:
        try:
            states = [world.state for world, _ in turns]
            made = self.model.step(states, [action_of(control) for _, control in turns])
        except torch.OutOfMemoryError:  # every world is as it was
            return [EngineOutOfMemoryError(_OUT_OF_MEMORY) for _ in turns]
        return [world.go_on(state) for (world, _), state in zip(turns, made, strict=True)]


class DiamondWorld:
    """One player's world: some 150 KB of pictures."""

    def __init__(self, engine: DiamondEngine, state: WorldState) -> None:
        self._engine = engine
        self._state: WorldState | None = state

    @property
    def state(self) -> WorldState:
        """Raises: WorldClosedError."""
        if self._state is None:
            raise WorldClosedError("This world is closed.")
        return self._state

    def go_on(self, made: WorldState | DivergedError) -> Frames | EngineFaultError:
        """What the model has made is the world's state from now on. A world whose model failed stays as it was."""
        if isinstance(made, DivergedError):
            return BadFramesError(str(made))
        self._state = made
        return made.picture[np.newaxis].copy()

    def step(self, control: ControlPayload) -> Frames:
        """Raises:
        EngineFaultError: the model left the range of its numbers, or there is no memory for the step.
        """
        return step_alone(self._engine, self, control)

    def continue_from(self, picture: Picture) -> None:
        """Go on in an edited picture; what was remembered of the old one is forgotten.

        Raises:
            ValueError: the picture has another size or type than the spec's.
        """
        self._state = self._engine.model.edit(self.state, picture)

    def snapshot(self) -> WorldSnapshot:
        """Holds the pictures that the world goes on from, so it can be restored in any world of this engine."""
        spec = self._engine.spec
        return WorldSnapshot(spec.model_id, spec.weights_hash, self.state.to_bytes())

    def restore(self, snapshot: WorldSnapshot) -> None:
        spec = self._engine.spec
        _ = self.state  # a closed world stays closed
        check_own_snapshot(snapshot, spec, _OTHER_WEIGHTS)
        try:
            self._state = WorldState.from_bytes(bytes(snapshot.state), self._engine.model.config)
        except InputError as error:
            raise SnapshotMismatchError(str(error)) from error

    def close(self) -> None:
        self._state = None


def warm_up(engine: DiamondEngine) -> None:
    """Play one pass of a grey world: it loads what is loaded late, and a model that does not fit shows itself.

    Raises:
        EngineFaultError: the model cannot be played.
    """
    world = engine.open_world(grey_picture(engine.spec), rng_seed=0)
    world.step(NO_CONTROL)
    world.close()
