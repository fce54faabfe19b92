"""The world of a session whose server is gone: what is copied of it in play, and how another server opens the copy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from handlers.session.path import PathSegment
from handlers.session.world import Seed, open_same_world
from services.world_copies.world_copies import WorldCopy
from services.world_engine.world_engine import NO_CONTROL
from services.world_files.world_file import ModelFacts

if TYPE_CHECKING:
    from handlers.session.history import WorldHistory
    from handlers.session.world import ActiveWorld
    from services.world_engine.world_engine import Picture, World, WorldEngine, WorldSnapshot
    from state.app_state_types import EngineKey


def copy_of(active: ActiveWorld, history: WorldHistory, every_s: float) -> WorldCopy:
    """The newest snapshot that was taken for going back, so that a copy costs the engine nothing."""
    place = history.newest_kept
    return WorldCopy(
        model=ModelFacts.of(active.spec, active.key.quant),
        rng_seed=active.rng_seed,
        seed=active.seed.data,
        seed_hash=active.seed.hash,
        seed_name=active.seed.name,
        picture=active.picture,
        scene=active.picture if place is None else place.moment.segment.scene,
        words="" if place is None else place.moment.segment.words,
        snapshot=active.origin if place is None else place.snapshot,
        passes=0 if place is None else place.moment.passes,
        passes_made=history.passes_made_at(0 if place is None else place.moment.passes),
        every_s=every_s,
    )


def open_copied_world(key: EngineKey, engine: WorldEngine, copy: WorldCopy) -> ActiveWorld:
    """A copied world, standing where it was copied, as a new one. Blocks.

    Raises:
        DomainError: the engine has other weights here.
        Exception: whatever the engine raises about a state that it cannot take.
    """
    seed = Seed(copy.seed_hash, copy.seed, copy.seed_name)
    active = reopened(key, engine, seed, copy.picture, copy.rng_seed, copy.model)
    world = active.world
    try:
        if copy.scene is not copy.picture:
            world.continue_from(copy.scene)
        world.restore(copy.snapshot)
        view = seen_next(world, copy.snapshot)
    except BaseException:  # whatever ends this, the world is closed
        world.close()
        raise
    past = PathSegment(
        None,
        0,
        copy.scene,
        words=copy.words,
        base=copy.snapshot,
        passes_before=copy.passes,
        last_base=copy.passes,
    )
    return replace(active, past=past, shown=view)


def reopened(
    key: EngineKey, engine: WorldEngine, seed: Seed, picture: Picture, rng_seed: int, model: ModelFacts
) -> ActiveWorld:
    """The world before its first pass, as `model` has made it. Blocks. Raises: DomainError, it would be another one."""
    refusal = f"{engine.spec.title} has other weights now than when you left, and your world would differ."
    return open_same_world(key, engine, seed, picture, rng_seed, model=model, refusal=refusal)


def seen_next(world: World, here: WorldSnapshot) -> Picture:
    """What is seen in a world that stands `here`, where nobody knows it any more. Blocks.

    The frame after it looks nearly the same, so the world makes that one and takes it back.
    """
    view = world.step(NO_CONTROL)[0].copy()
    world.restore(here)
    return view
