"""The world that a session's loop steps, with what it takes to start it over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handlers.session.journal import Stretch
    from services.world_engine.world_engine import Picture, World, WorldEngine, WorldSnapshot
    from state.app_state_types import EngineKey


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
    """`picture` is the seed at the engine's size; `origin` is the world before its first pass, where a reset leads.

    A saved world that was opened begins elsewhere: `past` is what led there, `shown` the frame that was seen there.
    """

    key: EngineKey
    engine: WorldEngine
    world: World
    seed: Seed
    picture: Picture
    rng_seed: int
    origin: WorldSnapshot
    past: Stretch | None = None
    shown: Picture | None = None

    @property
    def first_view(self) -> Picture:
        """What is seen before the first pass."""
        return self.picture if self.shown is None else self.shown

    def reopen(self) -> ActiveWorld:
        """The same world again, from its beginning. Blocks."""
        return open_active_world(self.key, self.engine, self.seed, self.picture, self.rng_seed)

    def carried_on(self, engine: WorldEngine, snapshot: WorldSnapshot, scene: Picture) -> ActiveWorld:
        """The same world at a moment of it, in its engine loaded again. `scene` is the picture that it had last gone on
        from. Blocks."""
        world = engine.open_world(self.picture, rng_seed=self.rng_seed)
        try:
            if scene is not self.picture:
                world.continue_from(scene)
            world.restore(snapshot)
        except BaseException:  # whatever ends this, the world is closed
            world.close()
            raise
        return replace(self, engine=engine, world=world)


def open_active_world(key: EngineKey, engine: WorldEngine, seed: Seed, picture: Picture, rng_seed: int) -> ActiveWorld:
    """Open a world on an engine that the session holds. Blocks."""
    world = engine.open_world(picture, rng_seed=rng_seed)
    return ActiveWorld(key, engine, world, seed, picture, rng_seed, world.snapshot())
