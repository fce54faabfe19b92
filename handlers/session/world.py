"""A world that is open in an engine: how it is opened, from a picture or a file, and how it is captured for one."""

from __future__ import annotations

import hashlib
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import structlog

from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from handlers.session.path import Moment, PathSegment
from services.input_log.columns import InputColumns
from services.input_log.pictures import pixels_hash
from services.outlasting import unstoppable
from services.picture_decoder.png_pixels import encode_pixels
from services.world_engine.own_things import spec_of
from services.world_engine.prompt_words import takes_words
from services.world_files.world_file import (
    Check,
    Continued,
    ModelFacts,
    Origins,
    Prompted,
    SeedFacts,
    Tolerance,
    WorldFilePayload,
    WorldMoment,
)

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from contextlib import AsyncExitStack

    from handlers.engines.lease import EngineLease
    from services.world_engine.world_engine import Picture, World, WorldEngine, WorldSnapshot, WorldSpec
    from services.world_files.world_file import Change
    from state.app_state_types import EngineKey

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Seed:
    """A seed as the client gave it: SHA-256 (hex) of the file, and the file itself, for engines of another size.

    `name` is what the client or the gallery calls it.
    """

    hash: str
    data: bytes
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ActiveWorld:
    """An open world with what it takes to start it over.

    `picture` is the seed at the engine's size. `origin` is the world before its first pass, where a reset leads. A
    saved world begins elsewhere: `past` is the path that led there, `shown` the frame that was seen there.
    """

    key: EngineKey
    spec: WorldSpec
    world: World
    seed: Seed
    picture: Picture
    rng_seed: int
    origin: WorldSnapshot
    past: PathSegment | None = None
    shown: Picture | None = None

    @property
    def first_view(self) -> Picture:
        """What is seen before the first pass."""
        return self.picture if self.shown is None else self.shown

    def reopened(self, engine: WorldEngine, words: str) -> ActiveWorld:
        """The same world from its beginning, as a new one; `words` steer it. Blocks."""
        opened = open_world(self.key, engine, self.seed, self.picture, self.rng_seed)
        try:
            steer(opened.world, words)
        except BaseException:  # whatever ends this, the world is closed
            opened.world.close()
            raise
        return opened

    def restored(self, engine: WorldEngine, snapshot: WorldSnapshot, scene: Picture) -> ActiveWorld:
        """The same world at a moment of it, as a new one. `scene` is what it had last gone on from. Blocks."""
        world = engine.open_world(self.picture, rng_seed=self.rng_seed)
        try:
            if scene is not self.picture:
                world.continue_from(scene)
            world.restore(snapshot)
        except BaseException:  # whatever ends this, the world is closed
            world.close()
            raise
        return replace(self, spec=spec_of(engine, snapshot), world=world)


class LeasedWorld:
    """An open world together with the lease on its engine. `aclose` closes the one and gives back the other.

    `active` is replaced when the world is opened anew in the same engine. Whoever opened it closes it, unless
    `is_in_play`: then the session's actor does.
    """

    def __init__(
        self, active: ActiveWorld, lease: EngineLease, give_back: AsyncExitStack, engine_threads: Executor
    ) -> None:
        self.active = active
        self.lease = lease
        self.is_in_play = False
        self._give_back = give_back
        self._engine_threads = engine_threads

    async def aclose(self) -> None:
        """Idempotent, and not to be stopped halfway."""
        await unstoppable(self._close())

    async def _close(self) -> None:
        try:
            await in_thread(self._engine_threads, self.active.world.close)
        finally:
            await self._give_back.aclose()


def open_world(key: EngineKey, engine: WorldEngine, seed: Seed, picture: Picture, rng_seed: int) -> ActiveWorld:
    """Open a world in a picture of the engine's size. Blocks."""
    world = engine.open_world(picture, rng_seed=rng_seed)
    try:
        origin = world.snapshot()
    except BaseException:  # whatever ends this, the world is closed
        world.close()
        raise
    return ActiveWorld(key, spec_of(engine, origin), world, seed, picture, rng_seed, origin)


def open_same_world(
    key: EngineKey, engine: WorldEngine, seed: Seed, picture: Picture, rng_seed: int, *, model: ModelFacts, refusal: str
) -> ActiveWorld:
    """Open a world anew that `model` has made. Blocks.

    Raises:
        DomainError: it would be another one, which `refusal` says.
    """
    if ModelFacts.of(replace(engine.spec, weights_hash=model.weights_hash), key.quant) != model:
        raise DomainError(refusal, ErrorCode.WORLD_OTHER_MODEL)
    active = open_world(key, engine, seed, picture, rng_seed)
    if active.spec.weights_hash != model.weights_hash:  # which may depend on the picture
        active.world.close()
        raise DomainError(refusal, ErrorCode.WORLD_OTHER_MODEL)
    return active


def steer(world: World, words: str) -> None:
    """Give words to a world that stands at its beginning. Blocks.

    A saved world may bring words that the engine hears no longer, because its text encoder is gone.
    """
    if not words:
        return
    if takes_words(world):
        world.set_prompt(words)
    else:
        logger.warning("The prompt of this world is not used: its engine hears no words here")


# ------------------------------------------------------------------------------------------------- into a file


@dataclass(frozen=True, slots=True)
class CopiedScene:
    """After `passes` passes the world went on from a picture; `prompt` is what that was made for."""

    passes: int
    scene: Picture
    prompt: str | None


CopiedChange: TypeAlias = CopiedScene | Prompted


@dataclass(frozen=True, slots=True)
class CopiedPath:
    """A path that no longer changes. `base` is its beginning, None: the seed; `changes` and `checks` by passes.

    `segments` are its inputs, each with how many passes of it count: play may append more.
    """

    first_pass: int
    base: WorldSnapshot | None
    base_scene: Picture
    scene: Picture
    segments: tuple[tuple[InputColumns, int], ...]
    changes: tuple[CopiedChange, ...]
    checks: tuple[tuple[int, Future[str]], ...]

    @property
    def inputs(self) -> InputColumns:
        """All of them in a row, copied. Blocks."""
        joined = InputColumns()
        for columns, length in self.segments:
            joined.extend(columns, 0, length)
        return joined


def copy_path(moment: Moment) -> CopiedPath:
    """Quick, however long the path: it is copied where that may take time."""
    path = moment.path()
    checks = list[tuple[int, "Future[str]"]]()
    for segment, length in path:
        checks += [(segment.passes_before + at, digest) for at, digest in segment.checks if at <= length]
    first = path[0][0]
    return CopiedPath(
        first_pass=first.passes_before,
        base=first.base,
        base_scene=first.scene,
        scene=moment.segment.scene,
        segments=tuple((segment.inputs, length) for segment, length in path),
        changes=tuple(change for segment, _ in path if (change := _change_of(segment)) is not None),
        checks=tuple(checks),
    )


def _change_of(segment: PathSegment) -> CopiedChange | None:
    """What happened to the world where the segment begins. A path may begin with words that were said before it."""
    if segment.continues:
        return CopiedScene(segment.passes_before, segment.scene, segment.prompt)
    if segment.rewords or (segment.parent is None and segment.words):
        return Prompted(segment.passes_before, segment.words)
    return None


@dataclass(frozen=True, slots=True)
class WorldCapture:
    """A moment of a world in play, taken between two steps."""

    active: ActiveWorld
    path: CopiedPath
    snapshot: WorldSnapshot
    frame: Picture | None

    def payload(self, title: str, created_at: float, origins: Origins) -> WorldFilePayload:
        """What goes into the file. Blocks: pictures are hashed."""
        active, path = self.active, self.path
        pictures: dict[str, Picture] = {}

        def name(picture: Picture) -> str:
            named = pixels_hash(picture)
            pictures[named] = picture
            return named

        base = None
        if path.base is not None:
            base = WorldMoment(path.first_pass, path.base, name(path.base_scene))
        inputs = path.inputs
        passes = path.first_pass + len(inputs)
        return WorldFilePayload(
            title=title,
            created_at=created_at,
            model=ModelFacts.of(active.spec, active.key.quant),
            rng_seed=active.rng_seed,
            seed=SeedFacts(picture=name(active.picture), file=active.seed.hash),
            base=base,
            place=WorldMoment(passes, self.snapshot, name(path.scene)),
            place_picture=None if self.frame is None else name(self.frame),
            inputs=inputs,
            changes=tuple(
                Continued(change.passes, name(change.scene), change.prompt)
                if isinstance(change, CopiedScene)
                else change
                for change in path.changes
            ),
            checks=tuple(Check(at, digest.result()) for at, digest in path.checks),
            pictures=pictures,
            made_with=origins,
            tolerance=Tolerance(),
        )


# ------------------------------------------------------------------------------------------------ out of a file


def open_saved_world(key: EngineKey, engine: WorldEngine, saved: WorldFilePayload) -> ActiveWorld:
    """A saved world, standing where it was saved. Blocks.

    Raises:
        DomainError: it was made with other weights than the engine has.
        Exception: whatever the engine raises about a state that it cannot take.
    """
    seed_picture, scene = saved.pictures[saved.seed.picture], saved.pictures[saved.place.scene]
    # The file's own word for the hash of its seed is not trusted: only a shipped picture may pass for one.
    file = encode_pixels(seed_picture)
    seed = Seed(hashlib.sha256(file).hexdigest(), file, saved.title)
    refusal = f"This world was made with other weights of {saved.model.id} than the server has, and would differ."
    active = open_same_world(key, engine, seed, seed_picture, saved.rng_seed, model=saved.model, refusal=refusal)
    try:
        if saved.place.scene != saved.seed.picture:
            active.world.continue_from(scene)
        active.world.restore(saved.place.snapshot)
    except BaseException:  # whatever ends this, the world is closed
        active.world.close()
        raise
    shown = None if saved.place_picture is None else saved.pictures[saved.place_picture]
    return replace(active, past=past_of(saved), shown=shown)


def past_of(saved: WorldFilePayload) -> PathSegment:
    """The path that led to the place, to be played on."""
    base = saved.base
    first_scene = saved.seed.picture if base is None else base.scene
    now = PathSegment(
        None,
        0,
        saved.pictures[first_scene],
        base=None if base is None else base.snapshot,
        passes_before=saved.first_pass,
        last_base=saved.first_pass,
    )
    ends = [*(change.passes for change in saved.changes), saved.place.passes]
    for change, end in zip((None, *saved.changes), ends, strict=True):
        if change is not None:
            now = _branched(now, change, saved)
        began = now.passes_before - saved.first_pass
        now.inputs.extend(saved.inputs, began, end - saved.first_pass)
    _place_checks(now, saved)
    return now


def _place_checks(last: PathSegment, saved: WorldFilePayload) -> None:
    """A check belongs to the segment of its pass."""
    segments = [segment for segment, _ in Moment(last, last.length).path()]
    for check in saved.checks:
        while len(segments) > 1 and check.passes > segments[0].passes_before + segments[0].length:
            segments.pop(0)
        segments[0].checks.append((check.passes - segments[0].passes_before, _known(check.sha256)))


def _known(digest: str) -> Future[str]:
    future: Future[str] = Future()
    future.set_result(digest)
    return future


def _branched(now: PathSegment, change: Change, saved: WorldFilePayload) -> PathSegment:
    segment = PathSegment(
        now, now.length, now.scene, words=now.words, passes_before=change.passes, last_base=now.last_base
    )
    match change:
        case Continued(picture=picture, prompt=prompt):
            segment.scene, segment.continues, segment.prompt = saved.pictures[picture], True, prompt
        case Prompted(words=words):
            segment.words, segment.rewords = words, True
    return segment
