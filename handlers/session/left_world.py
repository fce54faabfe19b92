"""The world of a session whose connection broke: what is kept of it, and how it is opened again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from handlers.session.copied_world import reopened, seen_next

if TYPE_CHECKING:
    from handlers.session.history import Remembered
    from handlers.session.path import MomentShelf
    from handlers.session.world import ActiveWorld, Seed
    from services.world_engine.world_engine import Picture, WorldEngine, WorldSnapshot
    from services.world_files.world_file import ModelFacts
    from state.app_state_types import EngineKey

_BYTES_OF_A_PASS: Final = 36  # of a path's inputs


@dataclass(frozen=True, slots=True)
class LeftWorld:
    """A closed world and all that a session knew of it. Nothing here holds an engine.

    `snapshot` is the world as it was left, and `view` what was seen there, None where nobody knows. `lost_s` of play
    came after `snapshot`, which then is the newest that there is.
    """

    key: EngineKey
    model: ModelFacts
    seed: Seed
    picture: Picture
    rng_seed: int
    origin: WorldSnapshot
    snapshot: WorldSnapshot
    view: Picture | None
    remembered: Remembered
    moments: MomentShelf
    lost_s: float

    @property
    def size(self) -> int:
        """Bytes in memory. What several moments share counts once."""
        moments, path = self.moments.all(), self.remembered.path.moment.path()
        snapshots = [self.origin, self.snapshot, *self.remembered.rewind.snapshots]
        snapshots += [moment.snapshot for moment in moments]
        snapshots += [segment.base for segment, _ in path if segment.base is not None]
        pictures = [self.picture, self.view, self.remembered.frame]
        pictures += [moment.frame for moment in moments] + [segment.scene for segment, _ in path]
        return (
            sum({id(snapshot): snapshot.size for snapshot in snapshots}.values())
            + sum({id(picture): picture.nbytes for picture in pictures if picture is not None}.values())
            + sum(len(moment.jpeg) for moment in moments)
            + sum(length for _, length in path) * _BYTES_OF_A_PASS
            + len(self.seed.data)
        )

    def forget_ways_back(self) -> None:
        """Give up moments and rewinding, so that the place itself has room."""
        self.moments.clear()
        self.remembered.rewind.clear()

    def open(self, engine: WorldEngine) -> ActiveWorld:
        """The world, standing where it was left, as a new one. Blocks.

        Raises:
            DomainError: the engine was loaded with other weights meanwhile.
            Exception: whatever the engine raises about a state that it cannot take.
        """
        active = reopened(self.key, engine, self.seed, self.picture, self.rng_seed, self.model)
        scene, world = self.remembered.path.scene, active.world
        try:
            if scene is not self.picture:
                world.continue_from(scene)
            world.restore(self.snapshot)
            view = seen_next(world, self.snapshot) if self.view is None else self.view
        except BaseException:  # whatever ends this, the world is closed
            world.close()
            raise
        return replace(active, origin=self.origin, shown=view)
