"""Films as the videos of OpenAI's API: the same films, in the words of its clients."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from error_types import DomainError, ErrorCode
from film_types import PictureRef, PicturesFilmBody, WordsFilmBody
from handlers.base import in_thread
from handlers.films.film_orders import usual_size
from openai_video_types import OpenAiVideo, OpenAiVideoFault, OpenAiVideoList
from services.video_pipeline.video_specs import SIDE_STEP, ModelMissing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from concurrent.futures import Executor

    from access_rules import Visitor
    from film_types import FilmSummary
    from handlers.films.films_handler import FilmsHandler
    from handlers.seeds_handler import SeedsHandler
    from openai_video_types import CreateVideoBody, RemixVideoBody
    from services.video_pipeline.video_pipeline import FastVideoPipeline
    from services.video_pipeline.video_specs import VideoSpecs

Order: TypeAlias = Literal["asc", "desc"]
_Status: TypeAlias = Literal["queued", "in_progress", "completed", "failed"]

_PAGE: Final = 200
_LONGEST_TITLE: Final = 80
# How much of the work is done, in percent, when a stage begins and when it ends. Most of the time goes into denoising.
_PERCENT: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "loading": (0, 5),
        "encoding": (5, 10),
        "denoising": (10, 80),
        "upscaling": (80, 85),
        "decoding": (85, 95),
        "writing": (95, 98),
        "checking": (98, 99),
    }
)


class OpenAiVideos:
    def __init__(
        self, films: FilmsHandler, seeds: SeedsHandler, pipeline: FastVideoPipeline, threads: Executor
    ) -> None:
        self._films = films
        self._seeds = seeds
        self._pipeline = pipeline
        self._threads = threads

    async def create(
        self, visitor: Visitor, body: CreateVideoBody, picture: AsyncIterator[bytes] | None, key: str | None
    ) -> OpenAiVideo:
        """Begin a film. `picture` is a file that came beside `body`; it becomes a picture of the visitor's gallery.

        Raises:
            DomainError: another model is named, the picture cannot be used, or the film cannot be made.
        """
        specs = await in_thread(self._threads, self._pipeline.specs)
        _require_model(body, specs)  # before the picture is kept
        width, height = _size_of(body, specs)
        wish = WordsFilmBody(prompt=body.prompt, width=width, height=height, seconds=float(body.seconds))
        if picture is None and body.input_reference is not None:
            picture = self._decoded(body.input_reference.image_url)
        if picture is None:
            film, _ = await self._films.from_words(visitor, wish, key)
        else:
            seed = await self._seeds.upload(visitor, picture, body.prompt[:_LONGEST_TITLE])
            wished = wish.model_dump(exclude={"seed"})
            with_picture = PicturesFilmBody(pictures=(PictureRef(seed=seed.hash),), **wished)
            film, _ = await self._films.from_pictures(visitor, with_picture, key)
        return _video(film)

    async def remix(self, visitor: Visitor, video_id: str, body: RemixVideoBody, key: str | None) -> OpenAiVideo:
        """Begin the same film to other words.

        Raises:
            DomainError: there is no such film, it is not made, or it cannot be made with these words.
        """
        film, _ = await self._films.remix(visitor, video_id, body.prompt, key)
        return _video(film)

    async def find(self, visitor: Visitor, video_id: str) -> OpenAiVideo:
        """Raises: DomainError, there is no such video."""
        return _video(await self._films.find(visitor, video_id))

    async def list_videos(self, visitor: Visitor, limit: int, after: str | None, order: Order) -> OpenAiVideoList:
        """The visitor's, by the time at which they were asked for."""
        if order == "desc":
            page = await self._films.list_films(visitor, limit, after)
            films, has_more = page.films, page.next is not None
        else:
            newer = await self._newer_than(visitor, after)
            films, has_more = newer[: -limit - 1 : -1], len(newer) > limit
        return OpenAiVideoList(
            data=[_video(film) for film in films],
            first_id=films[0].id if films else None,
            last_id=films[-1].id if films else None,
            has_more=has_more,
        )

    async def _newer_than(self, visitor: Visitor, film_id: str | None) -> list[FilmSummary]:
        """Newest first; ids begin with the time. None: all."""
        found: list[FilmSummary] = []
        before: str | None = None
        while True:
            page = await self._films.list_films(visitor, _PAGE, before)
            newer = [film for film in page.films if film_id is None or film.id > film_id]
            found += newer
            if page.next is None or len(newer) < len(page.films):
                return found
            before = page.next

    async def _decoded(self, data_url: str) -> AsyncIterator[bytes]:
        text = data_url.partition(",")[2]
        yield await in_thread(self._threads, lambda: self._seeds.from_base64(text))


def _require_model(body: CreateVideoBody, specs: VideoSpecs) -> None:
    if body.model is not None and body.model != specs.model:
        message = f"This server makes videos with the model {specs.model}. Name that one, or none."
        raise DomainError(message, ErrorCode.UNKNOWN_MODEL)
    if isinstance(specs.readiness, ModelMissing):
        raise DomainError(specs.readiness.reason, ErrorCode.MODEL_NOT_PULLED)


def _size_of(body: CreateVideoBody, specs: VideoSpecs) -> tuple[int | None, int | None]:
    """In whole blocks of the model: 720 is none of its sides, but 704 is."""
    if body.size is None:
        usual = usual_size(specs)
        return (None, None) if usual is None else (usual.width, usual.height)
    width, height = (_nearest_side(int(side)) for side in body.size.split("x"))
    return width, height


def _nearest_side(side: int) -> int:
    return max(SIDE_STEP, (side + (SIDE_STEP - 1) // 2) // SIDE_STEP * SIDE_STEP)


def _video(film: FilmSummary) -> OpenAiVideo:
    status, asked = _status_of(film), film.request
    return OpenAiVideo(
        id=film.id,
        model=film.model or str(asked.get("model") or ""),
        status=status,
        progress=_progress_of(film),
        prompt=film.prompt,
        seconds=_seconds_text(asked.get("seconds") if film.seconds is None else film.seconds),
        size=_size_text(film.width or asked.get("width"), film.height or asked.get("height")),
        created_at=int(film.created_at),
        remixed_from_video_id=_text_or_none(asked.get("remix_of")),
        completed_at=None if film.ended_at is None or status != "completed" else int(film.ended_at),
        error=_fault_of(film) if status == "failed" else None,
    )


def _status_of(film: FilmSummary) -> _Status:
    match film.state:
        case "queued":
            return "queued"
        case "running" | "finishing":
            return "in_progress"
        case "done":
            return "completed"
        case "failed" | "cancelled" | "interrupted":
            return "failed"


def _progress_of(film: FilmSummary) -> int:
    if film.state == "done":
        return 100
    first, last = _PERCENT.get(film.stage or "", (0, 0))
    return first + int((last - first) * (film.fraction or 0.0))


def _fault_of(film: FilmSummary) -> OpenAiVideoFault:
    if film.fault is not None:
        return OpenAiVideoFault(code=film.fault.code, message=film.fault.message)
    return OpenAiVideoFault(code=film.state, message="The video was given up before it was made.")


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _seconds_text(seconds: object) -> str | None:
    """Without zeros at the end, as clients write it."""
    return f"{seconds:.3f}".rstrip("0").rstrip(".") if isinstance(seconds, float | int) else None


def _size_text(width: object, height: object) -> str | None:
    return f"{width}x{height}" if width and height else None
