"""Films from words, pictures, sounds and other films."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from access_rules import Owner
from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from handlers.films.film_request import VideoRequest
from handlers.jobs.executor import JobExecutor, Made, MadeFile
from handlers.service_errors import service_errors_translated
from services.film_store.film_store import FilmFacts
from services.ownership_store.ownership_store import Thing, ThingKind
from services.video_pipeline.video_pipeline import VideoPipelineError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from pathlib import Path

    from access_rules import Visitor
    from handlers.films.film_orders import FilmOrders
    from handlers.films.film_previews import FilmPreviews
    from handlers.films.film_retention import FilmRetention
    from handlers.films.film_room import FilmRoom
    from handlers.films.film_safety import FilmSafety
    from handlers.films.film_words import FilmWords
    from handlers.jobs.executor import JobRequest, Resource, RunningJob
    from handlers.ownership.belongings import Belongings
    from runtime_config.current import Current
    from runtime_config.films_config import FilmsConfig
    from services.clock.clock import Clock
    from services.film_store.film_store import FilmStore
    from services.job_store.job import Job
    from services.media_probe.media_probe import MediaProbe
    from services.video_pipeline.film_order import FilmOrder
    from services.video_pipeline.video_pipeline import FastVideoPipeline, FilmProgress, MadeFilm

VIDEO_KIND: Final = "video"
WAITING: Final = "waiting_for_play"
WRITING_PROMPT: Final = "writing_prompt"
_CHECKING: Final = "checking"
_FILM: Final = "film.mp4"
_LONGEST_S: Final = 24 * 3600.0  # on a processor, a film takes hours; and it waits while somebody plays


class VideoExecutor(JobExecutor):
    """A film gets its place among the films, under the id of its job, and stays when the job is forgotten."""

    kind = VIDEO_KIND
    resource: Resource = "models"
    limit_s = _LONGEST_S
    request_model: type[JobRequest] = VideoRequest
    stages = (
        *(WRITING_PROMPT, WAITING, "loading", "encoding", "denoising", "upscaling", "decoding", "writing"),
        _CHECKING,
    )
    keeps_files = False

    def __init__(
        self,
        pipeline: FastVideoPipeline,
        orders: FilmOrders,
        room: FilmRoom,
        store: FilmStore,
        *,
        words: FilmWords,
        retention: FilmRetention,
        probe: MediaProbe,
        safety: FilmSafety,
        belongings: Belongings,
        previews: FilmPreviews,
        threads: Executor,
        clock: Clock,
        config: Current[FilmsConfig],
    ) -> None:
        self._pipeline = pipeline
        self._orders = orders
        self._room = room
        self._store = store
        self._words = words
        self._retention = retention
        self._probe = probe
        self._safety = safety
        self._belongings = belongings
        self._previews = previews
        self._threads = threads
        self._clock = clock
        self._config = config

    async def check(self, visitor: Visitor, request: VideoRequest) -> None:
        await in_thread(self._threads, self._require_room)
        await in_thread(self._threads, lambda: self._orders.check(visitor, request))
        await in_thread(self._threads, lambda: self._words.check(request))

    async def run(self, request: VideoRequest, running: RunningJob) -> Made:
        await in_thread(self._threads, self._require_room)
        if request.write_prompt:
            running.tell(WRITING_PROMPT)
            request = await self._words.written(request)
        # What it is made from was the asker's when they asked, and whoever runs the job is let in to all of it.
        order = await in_thread(self._threads, lambda: self._orders.order(Owner(), request, running.folder))
        made = await self._make(order, running)
        running.tell(_CHECKING)
        await in_thread(self._threads, lambda: self._require_safe(made.path))
        facts = FilmFacts(
            way=request.way.kind,
            request=request.model_dump(mode="json"),
            seed=request.seed,
            model=made.model,
            revision=made.revision,
            width=made.width,
            height=made.height,
            frames=made.frames,
            fps=made.fps,
            seconds=made.seconds,
            has_sound=made.has_sound,
            created_at=self._clock.wall(),
            timings_s={stage.value: round(seconds, 3) for stage, seconds in made.timings.items()},
        )
        return Made(facts.model_dump(mode="json"), (MadeFile("film", _FILM),))

    async def finish(self, request: VideoRequest, job: Job, folder: Path) -> None:
        del request

        def keep() -> None:
            facts = FilmFacts.model_validate(dict(job.result or {}))
            with service_errors_translated():
                self._belongings.adopt(
                    job.owner,
                    Thing(ThingKind.FILM, job.id),
                    lambda: self._store.add(job.id, folder / _FILM, facts),
                    is_there=lambda: self._store.find(job.id) is not None,
                )

        await in_thread(self._threads, keep)

    async def _make(self, order: FilmOrder, running: RunningJob) -> MadeFilm:
        """Until it is made: a film that makes room for play is begun again after that."""
        while True:
            given_way = self._room.given_way
            try:
                async with self._room.hold(order, lambda: running.tell(WAITING)):
                    return await self._pipeline.make(order, running.folder / _FILM, self._teller(running))
            except VideoPipelineError:
                if self._room.given_way == given_way:
                    with service_errors_translated():
                        raise
                running.tell(WAITING)

    def _teller(self, running: RunningJob) -> Callable[[FilmProgress], None]:
        """Its count of previews tells whoever follows the job when there is a new one to ask for."""
        previews = 0

        def tell(progress: FilmProgress) -> None:
            nonlocal previews
            if progress.preview is not None:
                self._previews.keep(running.job.id, progress.preview)
                previews += 1
            fraction = progress.step / progress.steps if progress.steps else None
            amounts = {"step": progress.step, "steps": progress.steps, "previews": previews}
            running.tell(progress.stage.value, fraction, amounts)

        return tell

    def _require_room(self) -> None:
        """Raises: DomainError, there is no room for another film."""
        self._retention.prune()
        config = self._config.now
        if self._store.used_bytes() >= config.quota_bytes:
            message = "The films take up all the room they may. Delete some to make more."
            raise DomainError(message, ErrorCode.FILM_QUOTA_USED)
        if self._store.free_bytes() < config.least_free_bytes:
            raise DomainError("The disk of the films is full.", ErrorCode.FILM_NOT_KEPT)

    def _require_safe(self, film: Path) -> None:
        with service_errors_translated():
            facts = self._probe.probe(film)
        self._safety.require_video(film, facts, "The film that was made")
