"""The film of a replay, made in pieces: the engine may be given back, or die, between two passes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from replay.engines import require_same
from replay.film import Film
from replay.player import Replay
from replay.telling import sentences_of

if TYPE_CHECKING:
    from pathlib import Path

    from replay.plan import ReplayPlan
    from services.frame_encoder.frame_encoder import FrameEncoder
    from services.video_writer.video_writer import VideoWriter
    from services.world_engine.world_engine import WorldEngine


@dataclass(frozen=True, slots=True)
class FilmReport:
    """`is_exact`: everything that the file lets compare came out the same; None: it holds nothing to compare with."""

    passes: int
    digest: str  # SHA-256 (hex) over every frame
    is_exact: bool | None
    sentences: tuple[str, ...]


class FilmRun:
    """Used like a `Replay`, by one thread at a time. Whoever stops halfway calls `close`, which leaves no film."""

    def __init__(self, plan: ReplayPlan, path: Path, writer: VideoWriter, encoder: FrameEncoder) -> None:
        """`path` must be free."""
        self._plan = plan
        self._replay = Replay(plan)
        self._film = Film(path, plan, writer, encoder)
        self._film.begin(self._replay.picture)
        self._died_after: int | None = None  # so many passes
        self._taken_s = 0.0

    @property
    def passes(self) -> int:
        return len(self._plan.inputs)

    @property
    def made(self) -> int:
        return self._replay.made

    @property
    def is_done(self) -> bool:
        return self._replay.is_done

    def open(self, engine: WorldEngine) -> None:
        """Raises: ReplayError, the engine is not the one that the world was made with, or cannot take its state."""
        require_same(engine.spec, self._plan.model)
        self._replay.open(engine)

    def step(self) -> None:
        """Raises: ReplayError, the film cannot be written, or no words are heard."""
        began = time.perf_counter()
        replayed = self._replay.step()
        if replayed is not None:
            self._film.take(replayed)
        self._taken_s += time.perf_counter() - began

    def park(self) -> None:
        self._replay.park()

    def lose_engine(self) -> bool:
        """The engine has died. Whether the film can go on in a new one: it cannot if it always ends at this pass."""
        self._replay.close()
        before, self._died_after = self._died_after, self.made
        return before != self.made

    def finish(self) -> FilmReport:
        """Raises: ReplayError, the film cannot be written."""
        findings = self._replay.finish()
        made = self._film.finish()
        told = sentences_of(self._plan, findings, self._taken_s)
        return FilmReport(findings.passes, findings.digest, findings.verdict, (made, *told))

    def close(self) -> None:
        """Idempotent."""
        try:
            self._film.abandon()
        finally:
            self._replay.close()
