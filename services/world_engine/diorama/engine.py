"""The engines `terrarium/diorama`, `terrarium/still` and `terrarium/stroll`: a walk through a picture, a lean towards
it, or a walk among its things. No network draws them; for the last one a network has told what the things are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import structlog

from services.world_engine.depth.depth import DepthFailedError
from services.world_engine.diorama._canvas import Canvas
from services.world_engine.diorama._close_up import leaning, on_leash
from services.world_engine.diorama._cut import NOTHING, Cut
from services.world_engine.diorama._phases import Phases, advance_phases
from services.world_engine.diorama._remembered_cuts import RememberedCuts
from services.world_engine.diorama._renderer import Renderer, View
from services.world_engine.diorama._scene import Scene, build_close_up, build_scene
from services.world_engine.diorama._snapshot import pack_state, unpack_state
from services.world_engine.diorama.constants import (
    ENGINE_VERSION,
    FPS,
    FRAMES_PER_PASS,
    HEIGHT,
    STILL_VERSION,
    STROLL_ID,
    STROLL_VERSION,
    WIDTH,
)
from services.world_engine.diorama.motion import Player, advance, look_steps
from services.world_engine.own_things import check_own_snapshot
from services.world_engine.player_keys import intent_of, tame
from services.world_engine.world_engine import (
    NO_CONTROL,
    ControlPayload,
    Frames,
    Picture,
    SceneNotTakenError,
    WorldClosedError,
    WorldSnapshot,
    WorldSpec,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.world_engine.depth.depth import DepthEstimator

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

DIORAMA_SPEC: Final = WorldSpec(
    model_id="terrarium/diorama",
    title="Diorama",
    height=HEIGHT,
    width=WIDTH,
    frames_per_pass=FRAMES_PER_PASS,
    fps=FPS,
    weights_hash=hashlib.sha256(ENGINE_VERSION.encode()).hexdigest(),
    draws_any_size=True,
)


STILL_SPEC: Final = WorldSpec(
    model_id="terrarium/still",
    title="Still",
    height=HEIGHT,
    width=WIDTH,
    frames_per_pass=FRAMES_PER_PASS,
    fps=FPS,
    weights_hash=hashlib.sha256(STILL_VERSION.encode()).hexdigest(),
    draws_any_size=True,
)


def _no_things(_: Picture) -> Cut:
    return NOTHING


@dataclass(frozen=True, slots=True)
class Manner:
    """What a picture is to its player. `cut` tells its things from the rest, `build` makes the scene of both, `guide`
    keeps the player where the picture makes sense, and `show` makes the camera."""

    spec: WorldSpec
    build: Callable[[Picture, Cut], Scene]
    guide: Callable[[Player], Player]
    show: Callable[[Player], Player]
    goes_on: bool  # whether new copies of the picture follow
    cut: Callable[[Picture], Cut] = _no_things


def _free(player: Player) -> Player:
    return player


WALK: Final = Manner(DIORAMA_SPEC, build_scene, guide=_free, show=_free, goes_on=True)
LEAN: Final = Manner(STILL_SPEC, build_close_up, guide=on_leash, show=leaning, goes_on=False)


def stroll(depth: DepthEstimator, depth_hash: str) -> Manner:
    """A walk among the things of a picture, as far as `depth` is sure of them; `depth_hash` names its weights."""
    spec = replace(
        DIORAMA_SPEC,
        model_id=STROLL_ID,
        title="Stroll",
        weights_hash=hashlib.sha256(f"{STROLL_VERSION} {depth_hash}".encode()).hexdigest(),
    )
    return replace(WALK, spec=spec, cut=RememberedCuts(depth).cut)


class DioramaEngine:
    """A `WorldEngine` whose worlds share nothing.

    It starts no threads. Each world draws on its caller's thread, and OpenCV spreads each call over its own pool. That
    was measured to be as fast as drawing several sub-frames at a time. The size of the pool does not change the frames.

    Where the depth of `manner` fails, worlds in new pictures are opened in the manner `spare` from then on, and `spec`
    is that of the spare. A picture that was seen before keeps its manner, so that its worlds can be opened again. A
    world keeps its own for good; its snapshots name it.
    """

    def __init__(
        self, manner: Manner = WALK, *, spare: Manner | None = None, release: Callable[[], None] = lambda: None
    ) -> None:
        """`release` gives back what the manners hold, at `close`."""
        self._manner = manner
        self._spare = spare
        self._release = release
        self._has_failed = False

    @property
    def spec(self) -> WorldSpec:
        return self._manner.spec if self._spare is None or not self._has_failed else self._spare.spec

    def open_world(self, seed: Picture, *, rng_seed: int) -> DioramaWorld:  # noqa: ARG002 - nothing here is random
        """Raises: DepthFailedError, the depth cannot be told, and there is no spare manner."""
        try:
            return DioramaWorld(seed, self._manner)
        except DepthFailedError as error:
            if self._spare is None:
                raise
            if not self._has_failed:
                self._has_failed = True
                logger.warning("The depth network failed; new pictures are opened without it until the engine is "
                               "loaded again", engine=self._manner.spec.title, reason=str(error))  # fmt: skip
            return DioramaWorld(seed, self._spare)

    def close(self) -> None:
        self._release()


class DioramaWorld:
    """One player's picture: a `DrawnWorld`."""

    def __init__(self, seed: Picture, manner: Manner) -> None:
        self._manner = manner
        self._scene: Scene | None = None
        self._renderers: dict[tuple[int, int], Renderer] = {}
        self._player = Player()
        self._phases = Phases()
        self._enter(seed)
        self._views = self._here()

    def step(self, control: ControlPayload) -> Frames:
        self.advance(control)
        return self.draw(width=WIDTH, height=HEIGHT)

    def advance(self, control: ControlPayload) -> None:
        self._open_scene()
        self._views = self._advance(control)

    def draw(self, *, width: int, height: int, only_last: bool = False) -> Frames:
        scene, renderer = self._open_scene(), self._renderer(width, height)
        views = self._views[-1:] if only_last else self._views
        frames = np.empty((len(views), height, width, 3), dtype=np.uint8)
        for view, frame in zip(views, frames, strict=True):
            renderer.draw(scene, view, frame)
        return frames

    def continue_from(self, picture: Picture) -> None:
        self._open_scene()
        try:
            self._enter(picture)
        except DepthFailedError as error:
            raise SceneNotTakenError(str(error)) from error
        self._views = self._here()

    def snapshot(self) -> WorldSnapshot:
        scene, spec = self._open_scene(), self._manner.spec
        return WorldSnapshot(spec.model_id, spec.weights_hash, pack_state(self._player, self._phases, scene.cut))

    def restore(self, snapshot: WorldSnapshot) -> None:
        scene, spec = self._open_scene(), self._manner.spec
        check_own_snapshot(snapshot, spec)
        player, phases, cut = unpack_state(bytes(snapshot.state), has_cut=self._manner.cut is not _no_things)
        if not np.array_equal(cut.labels, scene.cut.labels):
            self._scene = self._manner.build(self._picture, cut)
        self._player, self._phases = player, phases
        self._views = self._here()

    def close(self) -> None:
        self._scene = None
        self._renderers.clear()

    def _enter(self, picture: Picture) -> None:
        entered = _checked(picture)
        self._scene = self._manner.build(entered, self._manner.cut(entered))
        self._picture = entered

    def _renderer(self, width: int, height: int) -> Renderer:
        """One is kept beside that of large frames: a world is seldom drawn in several sizes."""
        size = (width, height)
        if size not in self._renderers:
            large = {known: each for known, each in self._renderers.items() if known == (WIDTH, HEIGHT)}
            self._renderers = large | {size: Renderer(Canvas.of(width, height))}
        return self._renderers[size]

    def _here(self) -> list[View]:
        """The view of a player who has just come here."""
        return [View(self._manner.show(self._player), self._phases)]

    def _open_scene(self) -> Scene:
        if self._scene is None:
            raise WorldClosedError("This world is closed.")
        return self._scene

    def _advance(self, control: ControlPayload) -> list[View]:
        """Move the player through one pass, and return the view of each sub-frame."""
        intent = intent_of(control)
        mouse_x, mouse_y = tame(control.mouse_dx), tame(control.mouse_dy)
        looks = zip(look_steps(mouse_x, self._player.late_dx), look_steps(mouse_y, self._player.late_dy), strict=True)
        views: list[View] = []
        for look_x, look_y in looks:
            self._player = self._manner.guide(advance(self._player, intent, look_x, look_y))
            if self._manner.goes_on:
                self._phases = advance_phases(self._phases, self._player)
            views.append(View(self._manner.show(self._player), self._phases))
        self._player = replace(self._player, late_dx=mouse_x, late_dy=mouse_y)
        return views


def _checked(picture: Picture) -> Picture:
    if picture.shape != (HEIGHT, WIDTH, 3) or picture.dtype != np.uint8:
        raise ValueError(
            f"The diorama needs a uint8 picture of {HEIGHT}x{WIDTH}x3, not {picture.dtype} {picture.shape}."
        )
    return np.ascontiguousarray(picture)


def warm_up(engine: DioramaEngine) -> None:
    """Draw one pass of a grey world, so that the first player does not wait for lazy initialisation."""
    world = engine.open_world(np.full((HEIGHT, WIDTH, 3), 128, dtype=np.uint8), rng_seed=0)
    world.step(NO_CONTROL)
    world.close()
