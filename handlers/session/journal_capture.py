"""Between a world in play and a world file: what is captured of the one, and how the other becomes the one again."""

from __future__ import annotations

import hashlib
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from handlers.session.active_world import ActiveWorld, Seed, open_active_world
from handlers.session.journal import JournalMoment, Stretch
from services.input_log.columns import InputColumns
from services.input_log.pictures import encode_pixels, pixels_hash
from services.world_files.world_file import (
    Check,
    Continued,
    ModelFacts,
    Origins,
    SeedFacts,
    Tolerance,
    WorldFilePayload,
    WorldMoment,
)

if TYPE_CHECKING:
    from services.world_engine.world_engine import Picture, WorldEngine, WorldSnapshot
    from state.app_state_types import EngineKey


@dataclass(frozen=True, slots=True)
class CopiedPath:
    """A path that no longer changes. `base` is its beginning, None: the seed; `changes` and `checks` by passes.

    A change is a picture that the world went on from, and the words that it was made of.
    """

    first_pass: int
    base: WorldSnapshot | None
    base_scene: Picture
    scene: Picture
    inputs: InputColumns
    changes: tuple[tuple[int, Picture, str | None], ...]
    checks: tuple[tuple[int, Future[str]], ...]


def copy_path(moment: JournalMoment) -> CopiedPath:
    """Quick: columns are copied whole."""
    path = moment.path()
    inputs, checks = InputColumns(), list[tuple[int, "Future[str]"]]()
    for stretch, length in path:
        inputs.extend(stretch.inputs, length)
        checks += [(stretch.passes_before + at, digest) for at, digest in stretch.checks if at <= length]
    first = path[0][0]
    return CopiedPath(
        first_pass=first.passes_before,
        base=first.base,
        base_scene=first.scene,
        scene=moment.stretch.scene,
        inputs=inputs,
        changes=tuple((stretch.passes_before, stretch.scene, stretch.wish) for stretch, _ in path if stretch.continues),
        checks=tuple(checks),
    )


@dataclass(frozen=True, slots=True)
class WorldCapture:
    """A moment of a world in play, taken between two passes."""

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
        passes = path.first_pass + len(path.inputs)
        return WorldFilePayload(
            title=title,
            created_at=created_at,
            model=model_facts(active.engine, active.key.quant),
            rng_seed=active.rng_seed,
            seed=SeedFacts(picture=name(active.picture), file=active.seed.hash),
            base=base,
            place=WorldMoment(passes, self.snapshot, name(path.scene)),
            place_picture=None if self.frame is None else name(self.frame),
            inputs=path.inputs,
            changes=tuple(Continued(at, name(picture), wish) for at, picture, wish in path.changes),
            checks=tuple(Check(at, digest.result()) for at, digest in path.checks),
            pictures=pictures,
            made_with=origins,
            tolerance=Tolerance(),
        )


def model_facts(engine: WorldEngine, quant: str) -> ModelFacts:
    spec = engine.spec
    return ModelFacts(
        id=spec.model_id,
        quant=quant,
        weights_hash=spec.weights_hash,
        frames_per_pass=spec.frames_per_pass,
        fps=spec.fps,
        width=spec.width,
        height=spec.height,
    )


def open_saved_world(key: EngineKey, engine: WorldEngine, world: WorldFilePayload) -> ActiveWorld:
    """A saved world, standing where it was saved. Blocks. The engine is the one that it was made with.

    Raises:
        Exception: whatever the engine raises about a state that it cannot take.
    """
    seed_picture, scene = world.pictures[world.seed.picture], world.pictures[world.place.scene]
    # The file's word for the hash of its seed is not taken: what passes for a shipped picture must be one.
    file = encode_pixels(seed_picture)
    seed = Seed(hashlib.sha256(file).hexdigest(), file, world.title)
    active = open_active_world(key, engine, seed, seed_picture, world.rng_seed)
    try:
        if world.place.scene != world.seed.picture:
            active.world.continue_from(scene)
        active.world.restore(world.place.snapshot)
    except BaseException:  # whatever ends this, the world is closed
        active.world.close()
        raise
    shown = None if world.place_picture is None else world.pictures[world.place_picture]
    return replace(active, past=past_of(world), shown=shown)


def past_of(world: WorldFilePayload) -> Stretch:
    """The path that led to the place, to be played on."""
    base = world.base
    first_scene = world.seed.picture if base is None else base.scene
    now = Stretch(
        None,
        0,
        world.pictures[first_scene],
        base=None if base is None else base.snapshot,
        passes_before=world.first_pass,
        last_base=world.first_pass,
    )
    changes, checks = list(world.changes), {check.passes: check.sha256 for check in world.checks}
    for given in world.inputs:
        now = _turned(now, changes, world)
        now.inputs.append(given)
        digest = checks.get(now.passes_before + now.length)
        if digest is not None:
            now.checks.append((now.length, _known(digest)))
    return _turned(now, changes, world)


def _known(digest: str) -> Future[str]:
    future: Future[str] = Future()
    future.set_result(digest)
    return future


def _turned(now: Stretch, changes: list[Continued], world: WorldFilePayload) -> Stretch:
    passes = now.passes_before + now.length
    while changes and changes[0].passes == passes:
        change = changes.pop(0)
        scene = world.pictures[change.picture]
        now = Stretch(
            now,
            now.length,
            scene,
            continues=True,
            wish=change.prompt,
            passes_before=passes,
            last_base=now.last_base,
        )
    return now
