"""From a request to the pipeline's order: sources are found, and what was left open is filled in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from error_types import DomainError, ErrorCode
from film_types import (
    ControlWay,
    ExtensionWay,
    JoiningWay,
    PicturesWay,
    RetakeWay,
    SoundWay,
    UpscaleWay,
    WordsWay,
)
from handlers.service_errors import service_errors_translated
from services.film_store.film_record import FilmNotes, write_notes
from services.media_probe.media_probe import pictures_of, sound_of
from services.picture_decoder.png_pixels import encode_pixels
from services.video_pipeline.film_checks import refusal_of
from services.video_pipeline.film_order import (
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
    Upscale,
)
from services.video_pipeline.video_specs import FRAME_STEP, SIDE_STEP, ModelMissing, frames_for, most_frames

if TYPE_CHECKING:
    from access_rules import Visitor
    from film_types import AnyWay, PictureRef, SourceRef
    from handlers.films.film_request import VideoRequest
    from handlers.films.film_safety import FilmSafety
    from handlers.films.film_sources import FilmSources
    from handlers.films.loras import LoraFolder
    from handlers.seeds_handler import SeedsHandler
    from services.media_probe.media_probe import MediaFacts
    from services.video_pipeline.film_order import Way
    from services.video_pipeline.video_pipeline import FastVideoPipeline
    from services.video_pipeline.video_specs import FilmSize, VideoSpecs

USUAL_S: Final = 5.0
_USUAL_SIZE: Final = "540p"
# Rates that cameras and players have; a mean of measured times comes near to one of them, and is that one.
_RATES: Final = (24000 / 1001, 24.0, 25.0, 30000 / 1001, 30.0, 48.0, 50.0, 60000 / 1001, 60.0)
_NEAR: Final = 5e-4
_END_SLACK_S: Final = 0.05  # what is read off a time line is a little beyond the last frame now and then


@dataclass(frozen=True, slots=True)
class _Shape:
    width: int
    height: int
    seconds: float
    fps: float


class FilmOrders:
    """Every method blocks."""

    def __init__(
        self,
        pipeline: FastVideoPipeline,
        sources: FilmSources,
        seeds: SeedsHandler,
        safety: FilmSafety,
        loras: LoraFolder,
    ) -> None:
        self._pipeline = pipeline
        self._sources = sources
        self._seeds = seeds
        self._safety = safety
        self._loras = loras

    def check(self, visitor: Visitor, request: VideoRequest) -> None:
        """Whether the film could be made now.

        Raises:
            DomainError: there is no model, it cannot make this, or something that it is to be made from is not there.
        """
        specs = self._pipeline.specs()
        if isinstance(specs.readiness, ModelMissing):
            raise DomainError(specs.readiness.reason, ErrorCode.MODEL_NOT_PULLED)
        self._checked(visitor, request, specs, None)

    def order(self, visitor: Visitor, request: VideoRequest, folder: Path) -> FilmOrder:
        """What the pipeline is told. Pictures are written into `folder`, at the size of the film.

        Raises:
            DomainError: as `check`.
        """
        return self._checked(visitor, request, self._pipeline.specs(), folder)

    def _checked(self, visitor: Visitor, request: VideoRequest, specs: VideoSpecs, folder: Path | None) -> FilmOrder:
        shape = self._shape(visitor, request, specs)
        order = self._assembled(visitor, request, specs, shape, folder)
        refusal = refusal_of(order, specs)
        if refusal is not None:
            raise DomainError(refusal, ErrorCode.FILM_REFUSED)
        if isinstance(request.way, PicturesWay):  # their size has been found to be one that can be made
            for number, picture in enumerate(request.way.pictures):
                self._prepare(visitor, picture, shape, None if folder is None else _picture_file(folder, number))
        return order

    def _assembled(
        self, visitor: Visitor, request: VideoRequest, specs: VideoSpecs, shape: _Shape, folder: Path | None
    ) -> FilmOrder:
        way = self._way(visitor, request.way, folder)
        notes = FilmNotes(request=request.model_dump(mode="json"), model=specs.model, revision=specs.revision)
        return FilmOrder(
            way=way,
            prompt=request.words,
            negative_prompt=request.negative_prompt,
            seed=request.seed,
            width=shape.width,
            height=shape.height,
            frames=frames_for(way, shape.seconds, shape.fps),
            fps=shape.fps,
            loras=tuple(LoraUse(self._loras.find(lora.name), lora.strength) for lora in request.loras),
            camera=request.camera,
            upscale=request.upscale,
            previews=True,
            notes={"title": _title(request.prompt), "comment": write_notes(notes)},
        )

    def _way(self, visitor: Visitor, way: AnyWay, folder: Path | None) -> Way:
        match way:
            case WordsWay():
                return FromWords()
            case PicturesWay(pictures=pictures):
                return FromPictures(
                    tuple(
                        PlacedPicture(_picture_file(folder, number), picture.at, picture.strength)
                        for number, picture in enumerate(pictures)
                    )
                )
            case SoundWay(sound=sound):
                with service_errors_translated():
                    sound_of(self._sources.facts(visitor, sound))
                return FromSound(self._path(visitor, sound))
            case RetakeWay(source=source, start_s=start_s, end_s=end_s, what=what):
                return Retake(self._path(visitor, source), start_s, end_s, what)
            case ExtensionWay(source=source, side=side, added_s=added_s):
                return Extension(self._path(visitor, source), side, added_s)
            case JoiningWay(before=before, after=after, between_s=between_s):
                return Joining(self._path(visitor, before), self._path(visitor, after), between_s)
            case ControlWay(source=source, control=control, lora=lora):
                own = None if lora is None else self._loras.find(lora)
                return Controlled(self._path(visitor, source), control, own)
            case UpscaleWay(source=source):
                return Upscale(self._path(visitor, source))

    def _path(self, visitor: Visitor, named: SourceRef) -> Path:
        self._sources.use(named)
        return self._sources.path(visitor, named)

    # ------------------------------------------------------------------------------------------ size and length

    def _shape(self, visitor: Visitor, request: VideoRequest, specs: VideoSpecs) -> _Shape:
        match request.way:
            case WordsWay() | PicturesWay():
                return _own_shape(request, specs, USUAL_S)
            case SoundWay(sound=sound):
                return _own_shape(request, specs, self._sources.facts(visitor, sound).seconds)
            case ControlWay(source=source):
                return self._followed(visitor, request, source, specs)
            case RetakeWay(source=source, end_s=end_s):
                shape = self._shape_of(visitor, source, specs)
                if end_s > shape.seconds + _END_SLACK_S:
                    message = f"The film lasts {shape.seconds:.2f} s. The part that is made anew has to lie in it."
                    raise DomainError(message, ErrorCode.FILM_REFUSED)
                return shape
            case ExtensionWay(source=source):
                return self._shape_of(visitor, source, specs)
            case JoiningWay(before=before, after=after):
                with service_errors_translated():
                    pictures_of(self._sources.facts(visitor, after))
                return self._shape_of(visitor, before, specs)
            case UpscaleWay(source=source):
                shape = self._shape_of(visitor, source, specs)
                return _Shape(2 * shape.width, 2 * shape.height, shape.seconds, shape.fps)

    def _followed(self, visitor: Visitor, request: VideoRequest, source: SourceRef, specs: VideoSpecs) -> _Shape:
        """As large and as long as the source, where nothing else is asked for."""
        of_source = self._shape_of(visitor, source, specs)
        asked = request.model_copy(
            update={
                "width": request.width or of_source.width,
                "height": request.height or of_source.height,
                "fps": of_source.fps if request.fps is None else request.fps,
            }
        )
        return _own_shape(asked, specs, of_source.seconds)

    def _shape_of(self, visitor: Visitor, named: SourceRef, specs: VideoSpecs) -> _Shape:
        facts = self._sources.facts(visitor, named)
        return _shape_of_source(facts, specs)

    # ------------------------------------------------------------------------------------------------- pictures

    def _prepare(self, visitor: Visitor, picture: PictureRef, shape: _Shape, file: Path | None) -> None:
        """Judge a picture as it is cut for the film, and write it to `file`, if there is one."""
        pixels = self._seeds.decode(
            self._seeds.from_store(visitor, picture.seed), width=shape.width, height=shape.height
        )
        self._safety.require_picture(pixels)
        if file is not None:
            file.write_bytes(encode_pixels(pixels))


def usual_size(specs: VideoSpecs) -> FilmSize | None:
    return next((size for size in specs.sizes if size.name == _USUAL_SIZE), next(iter(specs.sizes), None))


def exact_rate(fps: float) -> float:
    """The rate that a measured one stands for."""
    nearest = min(_RATES, key=lambda rate: abs(rate - fps))
    return nearest if abs(nearest - fps) <= _NEAR * nearest else fps


def _own_shape(request: VideoRequest, specs: VideoSpecs, usual_s: float) -> _Shape:
    size = usual_size(specs)
    width = request.width or (SIDE_STEP if size is None else size.width)
    height = request.height or (SIDE_STEP if size is None else size.height)
    fps = next(iter(specs.rates), 24.0) if request.fps is None else request.fps
    seconds = request.seconds
    if seconds is None:  # as long as is usual, or as the model can
        longest = most_frames(specs, width, height) - FRAME_STEP
        seconds = min(usual_s, longest / fps) if fps > 0 and longest > 0 else usual_s
    return _Shape(width, height, seconds, fps)


def _shape_of_source(facts: MediaFacts, specs: VideoSpecs) -> _Shape:
    with service_errors_translated():
        pictures = pictures_of(facts)
    fps = min(max(exact_rate(pictures.fps), specs.slowest_fps), specs.fastest_fps)
    return _Shape(_floored(pictures.width), _floored(pictures.height), facts.seconds, fps)


def _floored(side: int) -> int:
    """A source is never enlarged: some pixels at its edges are left out."""
    return max(SIDE_STEP, side // SIDE_STEP * SIDE_STEP)


def _picture_file(folder: Path | None, number: int) -> Path:
    return (folder or Path()) / f"picture-{number}.png"


def _title(prompt: str) -> str:
    return " ".join("".join(character if character.isprintable() else " " for character in prompt[:200]).split())[:80]
