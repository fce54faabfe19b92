"""Orders as plain values, in which they cross to the worker's process and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_never, cast

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

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.torch_worker.torch_worker import Plain
    from services.video_pipeline.film_order import Way


def order_to_plain(order: FilmOrder) -> dict[str, Plain]:
    return {
        "way": str(way_name(order.way)),
        "of_way": _way_to_plain(order.way),
        "prompt": order.prompt,
        "negative_prompt": order.negative_prompt,
        "seed": order.seed,
        "width": order.width,
        "height": order.height,
        "frames": order.frames,
        "fps": order.fps,
        "loras": [[str(lora.path), lora.strength] for lora in order.loras],
        "camera": None if order.camera is None else str(order.camera),
        "upscale": order.upscale,
        "previews": order.previews,
        "notes": dict(order.notes),
    }


def order_from_plain(plain: Mapping[str, Any]) -> FilmOrder:
    fields = dict(plain)
    way = _way_from_plain(WayName(fields.pop("way")), fields.pop("of_way"))
    loras = tuple(LoraUse(Path(path), strength) for path, strength in fields.pop("loras"))
    camera = fields.pop("camera")
    return FilmOrder(way=way, loras=loras, camera=None if camera is None else Camera(camera), **fields)


def _way_to_plain(way: Way) -> list[Plain]:
    match way:
        case FromWords():
            return []
        case FromPictures(pictures):
            return [[str(picture.path), picture.at, picture.strength] for picture in pictures]
        case FromSound(path):
            return [str(path)]
        case Retake(source, start_s, end_s, what):
            return [str(source), start_s, end_s, str(what)]
        case Extension(source, side, seconds):
            return [str(source), str(side), seconds]
        case Joining(before, after, seconds):
            return [str(before), str(after), seconds]
        case Controlled(source, control, lora):
            return [str(source), str(control), None if lora is None else str(lora)]
        case Upscale(source):
            return [str(source)]


def _way_from_plain(name: WayName, plain: list[Any]) -> Way:
    match name:
        case WayName.WORDS:
            return FromWords()
        case WayName.PICTURES:
            placed = cast("list[list[Any]]", plain)
            return FromPictures(tuple(PlacedPicture(Path(path), at, strength) for path, at, strength in placed))
        case WayName.SOUND:
            return FromSound(Path(plain[0]))
        case WayName.RETAKE:
            return Retake(Path(plain[0]), plain[1], plain[2], RetakenPart(plain[3]))
        case WayName.EXTENSION:
            return Extension(Path(plain[0]), Side(plain[1]), plain[2])
        case WayName.JOINING:
            return Joining(Path(plain[0]), Path(plain[1]), plain[2])
        case WayName.CONTROL:
            return Controlled(Path(plain[0]), Control(plain[1]), None if plain[2] is None else Path(plain[2]))
        case WayName.UPSCALE:
            return Upscale(Path(plain[0]))
        case _:
            assert_never(name)
