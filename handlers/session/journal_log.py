"""The input log of a session: segments that begin on start, unpause, and each turn of the world, and end before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.input_log.lines import SessionEnd, SessionStart, StartsFrom, frame_input
from services.input_log.pictures import pixels_hash, snapshot_hash

if TYPE_CHECKING:
    from handlers.session.active_world import ActiveWorld
    from handlers.session.context import PlayContext
    from services.input_log.columns import PassInput
    from services.input_log.input_log import InputLog
    from services.input_log.lines import GenerateScene, LogLine, SceneEdit
    from services.world_engine.world_engine import Picture, WorldSnapshot


class SegmentLog:
    """At most one segment is open. Without `wanted` nothing is written.

    What was said while none was open stands at the beginning of the next one: play rests while a wish comes true in a
    pause, but the log says why the world goes on from where it does.
    """

    def __init__(self, context: PlayContext) -> None:
        self._context = context
        self._log: InputLog | None = None
        self._hashes: dict[int, tuple[Picture, str]] = {}
        self._said: list[SceneEdit | GenerateScene] = []
        self.wanted = False

    @property
    def is_due(self) -> bool:
        """A pass is about to be played, and no segment is open for it."""
        return self.wanted and self._log is None

    def begin(self, active: ActiveWorld, scene: Picture, passes: int, snapshot: WorldSnapshot | None) -> None:
        """`snapshot`: the world as it is; None before its first pass."""
        spec = active.engine.spec
        starts_from = None
        if snapshot is not None:
            starts_from = StartsFrom(snapshot=snapshot_hash(snapshot), scene=self._hash(scene))
        self._log = self._context.input_logs.start(
            SessionStart(
                ts=self._context.clock.wall(),
                frame_id=passes,
                model=spec.model_id,
                seed=active.seed.hash,
                n_frames=spec.frames_per_pass,
                seed_target_size=(spec.height, spec.width),
                quant=active.key.quant,
                weights_hash=spec.weights_hash,
                fps=spec.fps,
                rng_seed=active.rng_seed,
                picture=self._hash(active.picture),
                starts_from=starts_from,
                versions=self._context.world_files.origins.versions,
            )
        )
        self._log.keep_picture(active.picture)
        if snapshot is not None:
            self._log.keep_picture(scene)
            self._log.keep_snapshot(snapshot)
        for line in self._said:
            self._log.write(line)
        self._said.clear()

    @property
    def id(self) -> str | None:
        """Of the open segment."""
        return None if self._log is None else self._log.id

    def sink(self) -> InputLog | None:
        """The open segment, for a line that comes later."""
        return self._log

    def passed(self, number: int, given: PassInput) -> None:
        if self._log is not None:
            self._log.write(frame_input(number, given))

    def event(self, line: LogLine) -> None:
        if self._log is not None:
            self._log.write(line)

    def say(self, line: SceneEdit | GenerateScene) -> None:
        """Words about the world as it is now."""
        if self._log is not None:
            self._log.write(line)
        elif self.wanted:
            self._said.append(line)

    def forget_words(self) -> None:
        """The world is no longer where the words that wait had brought it."""
        self._said.clear()

    def keep_picture(self, picture: Picture) -> None:
        if self._log is not None:
            self._log.keep_picture(picture)

    def end(self, passes: int) -> None:
        if self._log is not None:
            self._log.write(SessionEnd(ts=self._context.clock.wall(), frame_id=passes))
            self._log.end()
            self._log = None

    def _hash(self, picture: Picture) -> str:
        """Each picture of a world is hashed once."""
        known = self._hashes.get(id(picture))
        if known is None or known[0] is not picture:
            known = self._hashes[id(picture)] = (picture, pixels_hash(picture))
        return known[1]

    def forget_pictures(self) -> None:
        self._hashes.clear()
