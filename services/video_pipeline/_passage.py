"""Which frames of a source the model sees, which it makes, and how the film is put together from both."""

from __future__ import annotations

from dataclasses import dataclass

from services.video_pipeline.film_order import Side
from services.video_pipeline.video_specs import CONTEXT_S, FRAME_STEP
from services.video_reader.source_media import SourceError

_LEAST: int = FRAME_STEP + 1


@dataclass(frozen=True, slots=True)
class Passage:
    """A window of `frames` frames, which the model works on at once. It makes those from `begin` to `end` (exclusive).

    What the window shows of sources: `before` frames up to `begin`, and `after` frames from `end` on. `source_begin` is
    the first frame of the first source that is in the window; `after_begin` the first one behind what is made, in the
    source that goes on there.
    """

    frames: int
    begin: int
    end: int
    source_begin: int
    after_begin: int

    @property
    def before(self) -> int:
        return self.begin

    @property
    def after(self) -> int:
        return self.frames - self.end


def retake(source_frames: int, fps: float, start_s: float, end_s: float, frames: int) -> Passage:
    """Raises: SourceError, the source is too short, or the retake is outside of it."""
    _check_length(source_frames)
    start, end = round(start_s * fps), round(end_s * fps)
    if end > source_frames or start >= end:
        raise SourceError(
            f"The part from {start_s:.2f} to {end_s:.2f} seconds is not within the source, which lasts"
            f" {source_frames / fps:.2f} seconds."
        )
    window = min(frames, _whole(source_frames))
    if end - start > window:
        raise SourceError(f"The part has {end - start} frames, and the source leaves room for {window} at once.")
    context = (window - (end - start)) // 2
    first = min(max(0, start - context), source_frames - window)
    first = max(first, end - window)
    return Passage(window, start - first, end - first, first, end)


def extension(source_frames: int, fps: float, side: Side, seconds: float, frames: int) -> Passage:
    """Raises: SourceError, the source is too short."""
    _check_length(source_frames)
    made = min(max(1, round(seconds * fps)), frames - 1)
    context = min(frames - made, source_frames)
    window = frames if context == frames - made else _whole_above(made + context)
    match side:
        case Side.END:
            return Passage(window, context, context + made, source_frames - context, source_frames)
        case Side.START:
            return Passage(window, window - context - made, window - context, 0, 0)


def joining(before_frames: int, after_frames: int, fps: float, seconds: float, frames: int) -> Passage:
    """Raises: SourceError, a source is too short."""
    _check_length(before_frames)
    _check_length(after_frames)
    made = min(max(1, round(seconds * fps)), frames - 2)
    seen = min(round(CONTEXT_S * fps), before_frames, (frames - made + 1) // 2)
    seen_after = min(frames - made - seen, after_frames)
    window = _whole_above(seen + made + seen_after)
    made += window - seen - made - seen_after  # a little longer, so that the frames can be made
    return Passage(window, seen, seen + made, before_frames - seen, 0)


def _check_length(source_frames: int) -> None:
    if source_frames < _LEAST:
        raise SourceError(f"The source has {source_frames} frames at this rate, and {_LEAST} are needed.")


def _whole(frames: int) -> int:
    """The longest window that is not longer."""
    return (frames - 1) // FRAME_STEP * FRAME_STEP + 1


def _whole_above(frames: int) -> int:
    return -(-(frames - 1) // FRAME_STEP) * FRAME_STEP + 1
