"""A replay as a film: every frame at its time in the world, however long it took to make."""

from __future__ import annotations

import asyncio
import json
import queue
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from replay.plan import ReplayError, ReplayPlan
from runtime_config.constants import VERSION
from services.frame_encoder.frame_encoder import EncodeTuning
from services.video_writer.video_writer import (
    Discarded,
    Failed,
    Finished,
    Incomplete,
    Postponed,
    RecordingOutcome,
    RecordingPhase,
    RecordingPlan,
    VideoError,
    VideoMetadata,
)

if TYPE_CHECKING:
    from pathlib import Path

    from replay.player import ReplayedPass
    from services.frame_encoder.frame_encoder import FrameEncoder
    from services.video_writer.video_writer import VideoWriter
    from services.world_engine.world_engine import Picture

# Nothing has to go over a wire, so quality is high; the film's own encoder halves the colour in any case.
_TUNING: Final = EncodeTuning(quality=95, subsampling="4:2:0")
_MAX_WAITING: Final = 120  # frames; the replay waits for the film's encoder, rather than fill the disk
_LOOK_S: Final = 0.01


class Film:
    """A `Sink`. `path` must be free."""

    def __init__(self, path: Path, plan: ReplayPlan, writer: VideoWriter, encoder: FrameEncoder) -> None:
        self._path = path
        self._plan = plan
        self._encoder = encoder
        self._ends: queue.SimpleQueue[RecordingOutcome] = queue.SimpleQueue()
        model = plan.model
        self._interval_s = model.frames_per_pass / model.fps
        self._passes = 0
        metadata = VideoMetadata(title=plan.title, artist=f"Terrarium v{VERSION}", comment=_comment(plan))
        shape = RecordingPlan(model.width, model.height, float(model.fps), metadata)
        self._writer = writer
        self._recording = writer.start(path, shape, self._ends.put)

    def begin(self, picture: Picture) -> None:
        """The still is no frame of the world's time."""

    def take(self, replayed: ReplayedPass) -> None:
        jpegs = asyncio.run(self._encoder.encode(replayed.frames, _TUNING))
        started_at = self._passes * self._interval_s
        self._recording.write(jpegs, started_at=started_at, shown_for_s=self._interval_s)
        self._passes += 1
        while True:
            progress = self._recording.progress()
            if progress.phase is RecordingPhase.ENDED:
                raise ReplayError(_sentence(self._ends.get()))
            if progress.waiting_frames <= _MAX_WAITING:
                return
            time.sleep(_LOOK_S)

    def finish(self) -> str:
        self._recording.finish(ended_at=self._passes * self._interval_s)
        outcome = self._ends.get()
        if isinstance(outcome, Finished):
            return f"{self._path}: {outcome.frames} frames, {outcome.duration_s:.2f} s"
        if isinstance(outcome, Incomplete):  # the replay can make it again, and nobody would complete it
            with suppress(VideoError):
                self._writer.abandon(self._path)
        raise ReplayError(_sentence(outcome))

    def abandon(self) -> None:
        self._recording.discard()


def _sentence(outcome: RecordingOutcome) -> str:
    match outcome:
        case Failed(sentence=sentence) | Incomplete(sentence=sentence):
            return sentence
        case Discarded():
            return "There was no frame to make a film of."
        case Postponed():
            return "The film was not finished."
        case Finished():
            return "The film ended before the replay did."


def _comment(plan: ReplayPlan) -> str:
    facts = {
        "biome_version": f"Terrarium {VERSION}",
        "model": plan.model.id,
        "quant": plan.model.quant,
        "seed": None,
        "scene_authoring_enabled": False,
        "model_hash": plan.model.weights_hash,
        "rng_seed": plan.rng_seed,
        "replayed": True,
    }
    return json.dumps(facts)
