"""What an order gives the model to work with: the window of a source, and what of it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from services.video_pipeline import _passage
from services.video_pipeline.film_order import Extension, Joining, Retake, RetakenPart, Side
from services.video_reader.source_media import count_frames, read_frames, read_sound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy.typing as npt

    from services.video_pipeline._passage import Passage
    from services.video_pipeline.film_order import FilmOrder

    Frames = npt.NDArray[np.uint8]
    Sound = npt.NDArray[np.float32]

MOST_SOURCE_S = 600.0


@dataclass(frozen=True, slots=True)
class SourcePart:
    """Frames of a source, from one to another, and its sound there, as long as these frames."""

    path: Path
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Material:
    """A passage between what goes before it and what goes after, either of which may be None.

    The film is `before`, the passage's new frames, `after`. `window` shows the frames that the model sees, with the
    nearest one where there is none yet. `keeps_picture` and `keeps_sound`: that side of the passage is not made anew.
    """

    passage: Passage
    before: SourcePart | None
    after: SourcePart | None
    retaken: SourcePart | None
    window: Frames
    keeps_picture: bool = False
    keeps_sound: bool = False


def material_of(order: FilmOrder, way: Retake | Extension | Joining, check: Callable[[], None]) -> Material:
    """Reads the sources as far as the model sees them. `check` is called now and then, and may raise.

    Raises:
        SourceError: a source cannot be read, or is too short.
    """
    match way:
        case Retake(source, start_s, end_s, what):
            total = _length(source, order)
            passage = _passage.retake(total, order.fps, start_s, end_s, order.frames)
            first = passage.source_begin
            return Material(
                passage,
                SourcePart(source, 0, first + passage.begin),
                SourcePart(source, passage.after_begin, total),
                SourcePart(source, first + passage.begin, passage.after_begin),
                _frames(source, order, first, passage.frames, check),
                keeps_picture=what is RetakenPart.SOUND,
                keeps_sound=what is RetakenPart.PICTURE,
            )
        case Extension(source, side, seconds):
            total = _length(source, order)
            passage = _passage.extension(total, order.fps, side, seconds, order.frames)
            whole = SourcePart(source, 0, total)
            if side is Side.END:
                seen = _frames(source, order, passage.source_begin, passage.before, check)
                return Material(passage, whole, None, None, _filled(seen, passage, None))
            seen = _frames(source, order, 0, passage.after, check)
            return Material(passage, None, whole, None, _filled(None, passage, seen))
        case Joining(before, after, seconds):
            lengths = _length(before, order), _length(after, order)
            passage = _passage.joining(*lengths, order.fps, seconds, order.frames)
            ending = _frames(before, order, passage.source_begin, passage.before, check)
            beginning = _frames(after, order, 0, passage.after, check)
            return Material(
                passage,
                SourcePart(before, 0, lengths[0]),
                SourcePart(after, 0, lengths[1]),
                None,
                _filled(ending, passage, beginning),
            )


def frames_of_part(part: SourcePart, order: FilmOrder) -> Iterator[Frames]:
    """One by one, in the size and at the rate of the film."""
    frames = read_frames(part.path, width=order.width, height=order.height, fps=order.fps, most=part.end)
    for index, frame in enumerate(frames):
        if index >= part.begin:
            yield frame


def sound_of_part(part: SourcePart, order: FilmOrder, rate: int) -> Sound:
    """Samples (2, count), as long as the frames; silence where the source has no sound."""
    start_s, seconds = part.begin / order.fps, (part.end - part.begin) / order.fps
    sound = read_sound(part.path, rate=rate, start_s=start_s, seconds=seconds)
    return fitted(sound, round(seconds * rate))


def has_sound(path: Path) -> bool:
    return read_sound(path, rate=8000, seconds=1.0).size > 0


def fitted(sound: Sound, count: int) -> Sound:
    """Cut, or continued with silence, to `count` samples."""
    return np.pad(sound[:, :count], ((0, 0), (0, max(0, count - sound.shape[1]))))


def window_sound(material: Material, way: Retake | Extension | Joining, order: FilmOrder, rate: int) -> Sound:
    """The sound of the window, silent where nothing is known yet."""
    passage, first = material.passage, material.passage.source_begin
    if isinstance(way, Retake):
        return sound_of_part(SourcePart(way.source, first, first + passage.frames), order, rate)
    parts = [np.zeros((2, round((passage.end - passage.begin) / order.fps * rate)), np.float32)]
    if material.before is not None:
        parts.insert(0, sound_of_part(SourcePart(material.before.path, first, first + passage.before), order, rate))
    if material.after is not None:
        parts.append(sound_of_part(SourcePart(material.after.path, 0, passage.after), order, rate))
    return fitted(np.concatenate(parts, axis=1), round(passage.frames / order.fps * rate))


def _length(source: Path, order: FilmOrder) -> int:
    return count_frames(source, fps=order.fps, most=int(MOST_SOURCE_S * order.fps))


def _frames(source: Path, order: FilmOrder, begin: int, count: int, check: Callable[[], None]) -> Frames:
    part, seen = SourcePart(source, begin, begin + count), np.empty((count, order.height, order.width, 3), np.uint8)
    found = 0
    for found, frame in enumerate(frames_of_part(part, order), start=1):
        check()
        seen[found - 1] = frame
    return seen[:found]


def _filled(before: Frames | None, passage: Passage, after: Frames | None) -> Frames:
    """What the window shows, with the frame beside it where there is none yet."""
    parts = [frames for frames in (before, after) if frames is not None]
    nearest = parts[0][-1] if before is not None else parts[0][0]
    window = np.repeat(nearest[None], passage.frames, axis=0)
    if before is not None:
        window[: passage.before] = before
    if after is not None:
        window[passage.end :] = after
    return window
