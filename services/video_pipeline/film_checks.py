"""Whether an order can be made: what a person may have chosen wrongly, in sentences that say what is possible."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Final

from services.video_pipeline.film_order import (
    Controlled,
    Extension,
    FromPictures,
    FromSound,
    FromWords,
    Joining,
    Retake,
    Upscale,
    way_name,
)
from services.video_pipeline.video_specs import (
    FRAME_STEP,
    SIDE_STEP,
    most_frames,
    why_no_control,
    why_not_in_two_passes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.video_pipeline.film_order import FilmOrder
    from services.video_pipeline.video_specs import VideoSpecs

_MOST_SEED: Final = (1 << 63) - 1
_LAYOUT: Final = frozenset("\n\r\t")


def refusal_of(order: FilmOrder, specs: VideoSpecs) -> str | None:
    """Why this model cannot make the order, in a sentence; None: it can, as far as is known before a source is read."""
    return next(_refusals(order, specs), None)


def _refusals(order: FilmOrder, specs: VideoSpecs) -> Iterator[str]:
    impossible = specs.ways[way_name(order.way)]
    if impossible is not None:
        yield impossible
    yield from _of_words(order, specs)
    yield from _of_size(order, specs)
    yield from _of_length(order, specs)
    yield from _of_way(order, specs)
    yield from _of_loras(order, specs)
    if not 0 <= order.seed <= _MOST_SEED:
        yield f"The seed has to be a whole number from 0 to {_MOST_SEED}."


def _of_words(order: FilmOrder, specs: VideoSpecs) -> Iterator[str]:
    needs_words = not isinstance(order.way, Upscale)
    if needs_words and not order.prompt.strip():
        yield "Say in words what is to be seen and heard: the prompt is empty."
    for name, text in (("prompt", order.prompt), ("negative prompt", order.negative_prompt)):
        if len(text) > specs.longest_prompt:
            yield f"The {name} has {len(text)} characters, and the model reads {specs.longest_prompt} at most."
        if any(not character.isprintable() and character not in _LAYOUT for character in text):
            yield f"The {name} has a control character in it."
    if order.negative_prompt.strip() and not specs.has_negative:
        yield "This model was distilled and heeds no negative prompt. Say in the prompt what is to be seen instead."


def _of_size(order: FilmOrder, specs: VideoSpecs) -> Iterator[str]:
    step = SIDE_STEP * 2 if order.upscale or isinstance(order.way, Upscale) else SIDE_STEP
    least = specs.smallest_side * (2 if step > SIDE_STEP else 1)
    for name, side in (("width", order.width), ("height", order.height)):
        if side % step or not least <= side <= specs.largest_side:
            reason = " for a film that is upscaled" if step > SIDE_STEP else ""
            yield (
                f"The {name} is {side} pixels, and has to be a multiple of {step} from {least} to"
                f" {specs.largest_side}{reason}."
            )
    why_not = why_not_in_two_passes(specs, way_name(order.way)) if order.upscale else None
    if why_not is not None:
        yield why_not


def _of_length(order: FilmOrder, specs: VideoSpecs) -> Iterator[str]:
    if not isfinite(order.fps) or not specs.slowest_fps <= order.fps <= specs.fastest_fps:
        yield f"The frame rate has to be from {specs.slowest_fps:g} to {specs.fastest_fps:g} frames a second."
        return
    most = most_frames(specs, order.width, order.height)
    if most < specs.shortest_frames:
        yield f"{order.width}x{order.height} pixels are too many for this model at any length."
    elif not specs.shortest_frames <= order.frames <= most:
        yield (
            f"The model would have to make {order.frames} frames at once. At {order.width}x{order.height} pixels it"
            f" makes {specs.shortest_frames} to {most}: {most / order.fps:.1f} seconds at most, those that it sees of a"
            " source included."
        )
    if order.frames % FRAME_STEP != 1:
        yield f"The model makes 9, 17, 25 … frames, always 8 k + 1, and not {order.frames}."


def _of_way(order: FilmOrder, specs: VideoSpecs) -> Iterator[str]:
    match order.way:
        case FromWords() | FromSound() | Upscale():
            return
        case Controlled(_, control, lora):
            why_not = why_no_control(specs, control, brings_lora=lora is not None)
            if why_not is not None:
                yield why_not
        case FromPictures():
            yield from _of_pictures(order, order.way, specs)
        case Retake(_, start_s, end_s):
            if not (isfinite(start_s) and isfinite(end_s) and 0 <= start_s < end_s):
                yield "A retake begins at 0 seconds or later, and ends after it begins."
        case Extension(_, _, seconds) | Joining(_, _, seconds):
            if not (isfinite(seconds) and seconds > 0):
                yield "The new passage has to last longer than 0 seconds."


def _of_pictures(order: FilmOrder, way: FromPictures, specs: VideoSpecs) -> Iterator[str]:
    if not 1 <= len(way.pictures) <= specs.most_pictures:
        yield f"A film is made from 1 to {specs.most_pictures} pictures."
    length_s = order.frames / order.fps
    for picture in way.pictures:
        if isinstance(picture.at, float | int) and not (isfinite(picture.at) and 0 <= picture.at <= length_s):
            yield f"A picture is placed outside of the film, which lasts {length_s:.2f} seconds."
        if not (isfinite(picture.strength) and 0 < picture.strength <= 1):
            yield "The strength of a picture is above 0 and at most 1."


def _of_loras(order: FilmOrder, specs: VideoSpecs) -> Iterator[str]:
    if order.loras and specs.why_no_loras is not None:
        yield specs.why_no_loras
    if len(order.loras) > specs.most_loras:
        yield f"At most {specs.most_loras} LoRAs can be used together."
    if any(not (isfinite(lora.strength) and abs(lora.strength) <= specs.strongest_lora) for lora in order.loras):
        yield f"The strength of a LoRA is from -{specs.strongest_lora:g} to {specs.strongest_lora:g}."
