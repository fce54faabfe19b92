"""What a person may have chosen wrongly is refused in a sentence that says what is possible."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from services.video_pipeline._order_payload import order_from_plain, order_to_plain
from services.video_pipeline.film_checks import refusal_of
from services.video_pipeline.film_order import (
    Camera,
    Control,
    Controlled,
    Extension,
    FilmOrder,
    FromPictures,
    FromSound,
    FromWords,
    Joining,
    LoraUse,
    PlacedPicture,
    Retake,
    RetakenPart,
    Side,
    Upscale,
    WayName,
    way_name,
)
from services.video_pipeline.video_specs import most_frames
from tests.fakes.fake_video_pipeline import FAKE_VIDEO_SPECS
from tests.services.video_pipeline.contract import ORDER

if TYPE_CHECKING:
    from services.video_pipeline.film_order import Way

FILE = Path("file")
WAYS: tuple[Way, ...] = (
    FromWords(),
    FromPictures((PlacedPicture(FILE), PlacedPicture(FILE, 0.25, 0.5), PlacedPicture(FILE, "last"))),
    FromSound(FILE),
    Retake(FILE, 0.25, 0.5, RetakenPart.SOUND),
    Extension(FILE, Side.START, 0.5),
    Joining(FILE, Path("other"), 0.25),
    Controlled(FILE, Control.EDGES),
    Controlled(FILE, Control.AS_IS, Path("lora")),
    Upscale(FILE),
)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: type(way).__name__)
def test_what_is_possible_is_not_refused_and_crosses_to_the_worker_unchanged(way: Way) -> None:
    order = replace(ORDER, way=way, width=128, height=128, loras=(LoraUse(FILE, 0.5),), camera=Camera.JIB_UP)
    assert refusal_of(order, FAKE_VIDEO_SPECS) is None
    assert order_from_plain(order_to_plain(order)) == order


def test_each_way_has_a_name() -> None:
    assert {way_name(way) for way in WAYS} == set(WayName)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"way": Retake(FILE, math.nan, 1.0)}, "begins at 0 seconds or later"),
        ({"way": Retake(FILE, -1.0, 1.0)}, "begins at 0 seconds or later"),
        ({"way": Retake(FILE, 1.0, 1.0)}, "ends after it begins"),
        ({"way": Extension(FILE, Side.END, math.inf)}, "longer than 0 seconds"),
        ({"way": Joining(FILE, FILE, 0.0)}, "longer than 0 seconds"),
        ({"way": FromPictures(())}, "from 1 to 8 pictures"),
        ({"way": FromPictures((PlacedPicture(FILE, 99.0),))}, "outside of the film, which lasts 0.71"),
        ({"way": FromPictures((PlacedPicture(FILE, strength=0.0),))}, "above 0 and at most 1"),
        ({"way": Controlled(FILE, Control.POSE)}, "Nothing here finds poses"),
        ({"way": Controlled(FILE, Control.POSE, FILE)}, "Nothing here finds poses"),
        ({"way": Controlled(FILE, Control.DEPTH)}, "Following depth needs an in-context LoRA"),
        ({"way": Controlled(FILE, Control.AS_IS)}, "needs an in-context LoRA"),
        ({"way": Extension(FILE, Side.END, 0.5), "upscale": True, "height": 128}, "can be upscaled afterwards"),
        ({"upscale": True, "width": 160, "height": 128}, "multiple of 64 from 128 to 3840 for a film that is upscaled"),
        ({"negative_prompt": "blurry"}, "heeds no negative prompt"),
        ({"prompt": "a\x07b"}, "control character"),
        ({"prompt": "a" * 4001}, "4001 characters, and the model reads 4000"),
        ({"width": 127}, "multiple of 32 from 64 to 3840"),
        ({"frames": 489}, "9 to 481: 20.1 seconds at most"),
        ({"frames": 18}, "always 8 k"),
        ({"fps": math.inf}, "from 8 to 60 frames"),
        ({"fps": 60.1}, "from 8 to 60 frames"),
        ({"seed": 1 << 63}, "whole number from 0"),
        ({"loras": (LoraUse(FILE, math.nan),)}, "strength of a LoRA"),
        ({"loras": (LoraUse(FILE),) * 5}, "At most 4 LoRAs"),
    ],
)
def test_what_is_impossible_is_refused(changes: dict[str, Any], says: str) -> None:
    assert says in str(refusal_of(replace(ORDER, **changes), FAKE_VIDEO_SPECS))


def test_a_size_that_is_too_large_for_any_length_is_refused() -> None:
    small = replace(FAKE_VIDEO_SPECS, most_tokens=10_000)
    assert "at any length" in str(refusal_of(replace(ORDER, width=3840, height=3840), small))


def test_a_note_without_a_place_in_the_file_is_an_error_of_the_program() -> None:
    with pytest.raises(ValueError, match="called 'mood'"):
        FilmOrder(FromWords(), "A film.", 1, 128, 64, 17, 24.0, notes={"mood": "calm"})


def test_the_longest_film_becomes_shorter_with_its_size() -> None:
    lengths = [most_frames(FAKE_VIDEO_SPECS, *size) for size in ((960, 544), (1920, 1088), (3840, 2176))]
    assert lengths == [481, 281, 65]
