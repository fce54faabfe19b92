"""The engine `terrarium/moss`: a small neural network takes pictures apart into soft layers, which make the frames."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import numpy as np

from services.world_engine.moss.constants import FPS, FRAMES_PER_PASS, MODEL_ID, TITLE
from services.world_engine.moss.keys import walker_intent
from services.world_engine.moss.snapshot import pack_state, unpack_state
from services.world_engine.own_things import check_own_snapshot, grey_picture
from services.world_engine.world_engine import (
    NO_CONTROL,
    ControlPayload,
    EngineFaultError,
    EngineOutOfMemoryError,
    Frames,
    Picture,
    WorldClosedError,
    WorldSnapshot,
    WorldSpec,
)
from world_model.certainty import CertainSeer
from world_model.keyframe_work import KeyframeFailedError
from world_model.keyframes import KeyframeKeeper
from world_model.layer_renderer import LayerRenderer
from world_model.layers import FINE
from world_model.scene_source import SceneSource
from world_model.walker import Walker

if TYPE_CHECKING:
    from runtime_config.runtime_config import MossFrames
    from world_model.runtime import Runtime

_MOST_THREADS: Final = 8


class MossEngine:
    """Weights that all worlds share, and the threads on which their keyframes are made; a frame is drawn on the thread
    of its caller."""

    def __init__(self, runtime: Runtime, frames: MossFrames) -> None:
        height = runtime.config.height * (FINE if frames == "large" else 1)
        seer = CertainSeer(runtime.config, SceneSource(runtime))
        self._runtime, self._seer = runtime, seer
        self._keeper = KeyframeKeeper(runtime.config, seer, LayerRenderer(runtime.config, height))
        self._threads = ThreadPoolExecutor(
            max(1, min(_MOST_THREADS, os.cpu_count() or 1)), thread_name_prefix="moss-keyframes"
        )
        self._spec = _spec_of(runtime, height)

    @property
    def spec(self) -> WorldSpec:
        return self._spec

    def open_world(self, seed: Picture, *, rng_seed: int) -> MossWorld:  # noqa: ARG002 - nothing here is random
        """Stand in the picture.

        Raises:
            ValueError: the picture has another size or type than the spec's.
        """
        return MossWorld(seed, self._runtime, self._keeper, self._seer, self._threads, self._spec)

    def close(self) -> None:
        """Ends the threads; what one has begun is waited for."""
        self._threads.shutdown(cancel_futures=True)


class MossWorld:
    """One player's world."""

    def __init__(
        self,
        seed: Picture,
        runtime: Runtime,
        keeper: KeyframeKeeper,
        seer: CertainSeer,
        threads: Executor,
        spec: WorldSpec,
    ) -> None:
        self._spec, self._seer = spec, seer
        self._walker: Walker | None = Walker(runtime, keeper, self._checked(seed), threads)

    def step(self, control: ControlPayload) -> Frames:
        """Raises: EngineFaultError, a keyframe could not be made. The world is as it was."""
        try:
            return self._open_walker().step(walker_intent(control))[np.newaxis]
        except KeyframeFailedError as error:
            if isinstance(error.__cause__, MemoryError):
                raise EngineOutOfMemoryError(f"{TITLE} found no memory for the next part of the world.") from error
            raise EngineFaultError(f"{TITLE} could not make the next part of the world.") from error

    def continue_from(self, picture: Picture) -> None:
        """Go on in an edited picture of the same place; what was remembered of the old one is forgotten."""
        self._open_walker().continue_from(self._checked(picture))

    def snapshot(self) -> WorldSnapshot:
        """Holds the pictures of all keyframes, so it can be restored in any world of this engine."""
        return WorldSnapshot(self._spec.model_id, self._spec.weights_hash, pack_state(self._open_walker().state))

    def restore(self, snapshot: WorldSnapshot) -> None:
        walker = self._open_walker()
        check_own_snapshot(snapshot, self._spec, "Another size of its frames counts as other weights.")
        walker.state = unpack_state(snapshot.state, self._seer, walker.state.keyframes)

    def close(self) -> None:
        if self._walker is not None:
            self._walker.close()
            self._walker = None

    def _open_walker(self) -> Walker:
        if self._walker is None:
            raise WorldClosedError("This world is closed.")
        return self._walker

    def _checked(self, picture: Picture) -> Picture:
        """A copy: the caller may write to its own, and the world draws from this one for as long as it lives."""
        shape = (self._spec.height, self._spec.width, 3)
        if picture.shape != shape or picture.dtype != np.uint8:
            raise ValueError(f"{TITLE} needs a uint8 picture of {shape}, not {picture.dtype} {picture.shape}.")
        return picture.copy()


def _spec_of(runtime: Runtime, height: int) -> WorldSpec:
    return WorldSpec(
        model_id=MODEL_ID,
        title=TITLE,
        height=height,
        width=height * runtime.config.width // runtime.config.height,
        frames_per_pass=FRAMES_PER_PASS,
        fps=FPS,
        # Replays and snapshots must tell frames of another size apart.
        weights_hash=hashlib.sha256(f"{runtime.weights_hash} in {height} rows".encode()).hexdigest(),
    )


def warm_up(engine: MossEngine) -> None:
    """Play one pass of a grey world: it loads what is loaded late, and shows that the graphs fit together."""
    world = engine.open_world(grey_picture(engine.spec), rng_seed=0)
    world.step(NO_CONTROL)
    world.close()
