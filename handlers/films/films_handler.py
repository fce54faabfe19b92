"""Films as REST sees them: asked for, one method for each way of making, and kept once they are made."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any, Final

from error_types import DomainError, ErrorCode
from film_types import (
    MOST_SEED,
    ControlWay,
    ExtensionWay,
    FilmsResponse,
    FilmsUsage,
    JoiningWay,
    PicturesWay,
    RetakeWay,
    SoundWay,
    UpscaleWay,
    WordsWay,
)
from handlers.base import in_thread
from handlers.films.film_request import VideoRequest
from handlers.films.film_summary import told_of
from handlers.jobs.video_executor import VIDEO_KIND
from handlers.ownership.belongings import owner_id
from handlers.service_errors import service_errors_translated
from services.film_store.film_record import read_notes
from services.ownership_store.ownership_store import Thing, ThingKind
from services.video_pipeline.video_specs import ModelMissing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping
    from concurrent.futures import Executor
    from pathlib import Path

    from access_rules import Visitor
    from api_types import JobSummary
    from film_types import (
        AnyWay,
        ControlFilmBody,
        ExtensionFilmBody,
        FilmSummary,
        JoiningFilmBody,
        PicturesFilmBody,
        RetakeFilmBody,
        SoundFilmBody,
        UpscaleFilmBody,
        WordsFilmBody,
    )
    from handlers.films.film_previews import FilmPreviews
    from handlers.films.film_retention import FilmRetention
    from handlers.films.film_sources import FilmSources
    from handlers.films.played_pictures import PlayedPictures
    from handlers.jobs.jobs_handler import JobsHandler
    from handlers.ownership.belongings import Belongings
    from runtime_config.current import Current
    from runtime_config.films_config import FilmsConfig
    from services.film_store.film_store import FilmFacts, FilmStore
    from services.media_probe.media_probe import MediaProbe
    from services.source_store.source_store import SourceStore
    from services.video_pipeline.video_pipeline import FastVideoPipeline
    from services.video_writer.video_writer import VideoWriter

    AnyFilmBody = (
        WordsFilmBody
        | PicturesFilmBody
        | SoundFilmBody
        | RetakeFilmBody
        | ExtensionFilmBody
        | JoiningFilmBody
        | ControlFilmBody
        | UpscaleFilmBody
    )

_THUMBNAIL_WIDTH: Final = 480
_SPRITE_WIDTH: Final = 160
_ENDED: Final = frozenset({"done", "failed", "cancelled", "interrupted"})
_WISHES: Final = (
    *("prompt", "write_prompt", "negative_prompt", "camera", "loras"),
    *("width", "height", "seconds", "fps", "upscale"),
)


class FilmsHandler:
    def __init__(
        self,
        store: FilmStore,
        pipeline: FastVideoPipeline,
        sources: FilmSources,
        jobs: JobsHandler,
        belongings: Belongings,
        *,
        played: PlayedPictures,
        retention: FilmRetention,
        previews: FilmPreviews,
        probe: MediaProbe,
        writer: VideoWriter,
        incoming: SourceStore,
        threads: Executor,
        config: Current[FilmsConfig],
    ) -> None:
        """`incoming` has room for a film that is sent to be made again."""
        self._store = store
        self._pipeline = pipeline
        self._sources = sources
        self._jobs = jobs
        self._belongings = belongings
        self._played = played
        self._retention = retention
        self._previews = previews
        self._probe = probe
        self._writer = writer
        self._incoming = incoming
        self._threads = threads
        self._config = config

    # ---------------------------------------------------------------------------------------------------- asking

    async def from_words(self, visitor: Visitor, body: WordsFilmBody, key: str | None) -> tuple[FilmSummary, bool]:
        return await self._ask(visitor, WordsWay(kind="words"), body, key)

    async def from_pictures(
        self, visitor: Visitor, body: PicturesFilmBody, key: str | None
    ) -> tuple[FilmSummary, bool]:
        await self._require_model()  # before a picture of play is taken
        pictures = await self._played.placed(visitor, body.pictures, key)
        return await self._ask(visitor, PicturesWay(kind="pictures", pictures=pictures), body, key)

    async def from_sound(self, visitor: Visitor, body: SoundFilmBody, key: str | None) -> tuple[FilmSummary, bool]:
        return await self._ask(visitor, SoundWay(kind="sound", sound=body.sound), body, key)

    async def retake(self, visitor: Visitor, body: RetakeFilmBody, key: str | None) -> tuple[FilmSummary, bool]:
        way = RetakeWay(kind="retake", source=body.source, start_s=body.start_s, end_s=body.end_s, what=body.what)
        return await self._ask(visitor, way, body, key)

    async def extend(self, visitor: Visitor, body: ExtensionFilmBody, key: str | None) -> tuple[FilmSummary, bool]:
        way = ExtensionWay(kind="extension", source=body.source, side=body.side, added_s=body.added_s)
        return await self._ask(visitor, way, body, key)

    async def join(self, visitor: Visitor, body: JoiningFilmBody, key: str | None) -> tuple[FilmSummary, bool]:
        way = JoiningWay(kind="joining", before=body.before, after=body.after, between_s=body.between_s)
        return await self._ask(visitor, way, body, key)

    async def control(self, visitor: Visitor, body: ControlFilmBody, key: str | None) -> tuple[FilmSummary, bool]:
        way = ControlWay(kind="control", source=body.source, control=body.control, lora=body.lora)
        return await self._ask(visitor, way, body, key)

    async def upscale(self, visitor: Visitor, body: UpscaleFilmBody, key: str | None) -> tuple[FilmSummary, bool]:
        return await self._ask(visitor, UpscaleWay(kind="upscale", source=body.source), body, key)

    async def again(self, visitor: Visitor, film_id: str, key: str | None) -> tuple[FilmSummary, bool]:
        """Make a film a second time, from what is known of it.

        Raises:
            DomainError: there is no such film, or it cannot be made now.
        """
        return await self._submit(visitor, (await self.find(visitor, film_id)).request, key)

    async def remix(self, visitor: Visitor, film_id: str, prompt: str, key: str | None) -> tuple[FilmSummary, bool]:
        """Make a film that is made once more, to other words: all else is the same, the seed included.

        Raises:
            DomainError: there is no such film, it is not made, or it cannot be made with these words.
        """
        film = await self.find(visitor, film_id)
        if film.state != "done":
            raise DomainError("The film is not made yet.", ErrorCode.FILM_NOT_MADE)
        changed = {"prompt": prompt, "written_prompt": None, "remix_of": film_id}
        return await self._submit(visitor, {**film.request, **changed}, key)

    async def again_from_file(
        self, visitor: Visitor, chunks: AsyncIterator[bytes], key: str | None
    ) -> tuple[FilmSummary, bool]:
        """Make a film a second time, from its file.

        Raises:
            DomainError: the file is none that such a server made, or the film cannot be made here and now.
        """
        with service_errors_translated(), self._incoming.incoming() as incoming:
            received, most = 0, self._config.now.source_bytes
            async for chunk in chunks:
                received += len(chunk)
                if received > most:
                    message = f"The file is larger than {most // (1024 * 1024)} MiB."
                    raise DomainError(message, ErrorCode.FILM_SOURCE_TOO_LARGE)
                await in_thread(self._threads, lambda chunk=chunk: incoming.write(chunk))
            request = await in_thread(self._threads, lambda: self._request_in(incoming.complete(), incoming.path))
        return await self._submit(visitor, request, key)

    # ---------------------------------------------------------------------------------------------------- looking

    async def list_films(self, visitor: Visitor, limit: int, before: str | None) -> FilmsResponse:
        """The visitor's, newest first: those that are made, and those that are still to be. Raises: DomainError."""
        jobs = (await self._jobs.list_jobs(visitor, kind=VIDEO_KIND, before=before, limit=limit + 1)).jobs
        kept, names, usage = await in_thread(self._threads, lambda: self._kept(visitor))
        ids = {film_id for film_id in kept if before is None or film_id < before}
        by_id = {job.id: job for job in jobs if job.id in kept or job.state != "done"}
        # Ids begin with the time, so that their order is that of the asking.
        found = sorted(ids | by_id.keys(), reverse=True)
        page = found[:limit]
        return FilmsResponse(
            films=[told_of(film_id, by_id.get(film_id), kept.get(film_id), names.get(film_id)) for film_id in page],
            next=page[-1] if len(found) > limit else None,
            usage=usage,
        )

    async def find(self, visitor: Visitor, film_id: str) -> FilmSummary:
        """Raises: DomainError, there is no such film."""
        job = await self._job(visitor, film_id)  # before the film, which is there before its job is done
        facts = await in_thread(self._threads, lambda: self._facts(visitor, film_id))
        if facts is None and (job is None or job.state == "done"):
            raise _unknown()
        return told_of(film_id, job, facts, None if job is None else job.owner)

    async def content(self, visitor: Visitor, film_id: str) -> Path:
        """Where the file lies. Raises: DomainError, there is no such film, or it is not made yet."""
        facts = await in_thread(self._threads, lambda: self._facts(visitor, film_id))
        if facts is not None:
            return await in_thread(self._threads, lambda: self._sources.film(visitor, film_id))
        film = await self.find(visitor, film_id)
        message = "The film is not made yet." if film.fault is None else film.fault.message
        raise DomainError(message, ErrorCode.FILM_NOT_MADE)

    async def thumbnail(self, visitor: Visitor, film_id: str) -> bytes:
        """A JPEG; made when it is first asked for. Raises: DomainError."""
        path = await self.content(visitor, film_id)

        def make() -> bytes:
            return self._writer.thumbnail(path, width=_THUMBNAIL_WIDTH)

        return await in_thread(self._threads, lambda: self._picture(film_id, "thumbnail", make))

    async def preview(self, visitor: Visitor, film_id: str) -> bytes:
        """A JPEG of the unfinished film.

        Raises:
            DomainError: there is no such film, or no picture of it now, or it may not be shown.
        """
        await self.find(visitor, film_id)
        jpeg = await in_thread(self._threads, lambda: self._previews.find(film_id))
        if jpeg is None:
            raise DomainError("There is no picture of this film on its way now.", ErrorCode.FILM_NOT_MADE)
        return jpeg

    async def sprite(self, visitor: Visitor, film_id: str) -> bytes:
        """A JPEG of small pictures side by side, over the whole film. Raises: DomainError."""
        path = await self.content(visitor, film_id)
        seconds = (await self.find(visitor, film_id)).seconds or 0.0

        def make() -> bytes:
            return self._probe.sprite(path, seconds, tile_width=_SPRITE_WIDTH)

        return await in_thread(self._threads, lambda: self._picture(film_id, "sprite", make))

    async def cancel(self, visitor: Visitor, film_id: str) -> FilmSummary:
        """Have a film stop that is still to be made; any other stays as it is. Raises: DomainError, there is none."""
        await self.find(visitor, film_id)
        if await self._job(visitor, film_id) is not None:
            await self._jobs.cancel(visitor, film_id)
        return await self.find(visitor, film_id)

    async def remove(self, visitor: Visitor, film_id: str) -> None:
        """Remove a film, or give up one that is still to be made.

        Raises:
            DomainError: there is no such film, or it is given its place just now.
        """
        await self.find(visitor, film_id)
        job = await self._job(visitor, film_id)
        if job is not None and job.state not in _ENDED:
            job = await self._jobs.cancel(visitor, film_id)
            if job.state == "finishing":
                message = "The film has just been made, and gets its place. Delete it in a moment."
                raise DomainError(message, ErrorCode.FILM_NOT_MADE)
        await in_thread(self._threads, lambda: self._give_up(visitor, film_id))
        self._previews.forget(film_id)
        if job is not None and job.state in _ENDED:
            await self._jobs.forget(visitor, film_id)

    def ids(self) -> Collection[str]:
        """Of all films that are made. Blocks."""
        return {film_id for film_id, _ in self._store.list()}

    # ------------------------------------------------------------------------------------------------------ parts

    async def _require_model(self) -> None:
        readiness = (await in_thread(self._threads, self._pipeline.specs)).readiness
        if isinstance(readiness, ModelMissing):
            raise DomainError(readiness.reason, ErrorCode.MODEL_NOT_PULLED)

    async def _ask(self, visitor: Visitor, way: AnyWay, body: AnyFilmBody, key: str | None) -> tuple[FilmSummary, bool]:
        specs = await in_thread(self._threads, self._pipeline.specs)
        wishes = {name: getattr(body, name) for name in _WISHES if hasattr(body, name)}
        seed = _drawn_seed(visitor, key) if body.seed is None else body.seed
        request = VideoRequest(way=way, seed=seed, model=specs.model, revision=specs.revision, **wishes)
        return await self._submit(visitor, request.model_dump(mode="json"), key)

    async def _submit(self, visitor: Visitor, request: Mapping[str, Any], key: str | None) -> tuple[FilmSummary, bool]:
        job, is_new = await self._jobs.submit(visitor, VIDEO_KIND, request, key=key)
        return told_of(job.id, job, None, job.owner), is_new

    async def _job(self, visitor: Visitor, film_id: str) -> JobSummary | None:
        try:
            job = await self._jobs.find(visitor, film_id)
        except DomainError as error:
            if error.code is not ErrorCode.JOB_UNKNOWN:
                raise
            return None
        return job if job.kind == VIDEO_KIND else None

    def _facts(self, visitor: Visitor, film_id: str) -> FilmFacts | None:
        facts = self._store.find(film_id)
        return facts if facts is not None and self._belongings.sees(visitor, _thing(film_id)) else None

    def _kept(self, visitor: Visitor) -> tuple[dict[str, FilmFacts], Mapping[str, str], FilmsUsage]:
        self._retention.prune()
        films, is_theirs = self._store.list(), self._belongings.sight(visitor, ThingKind.FILM)
        kept = {film_id: facts for film_id, facts in films if is_theirs(film_id)}
        usage = FilmsUsage(
            used_bytes=self._store.used_bytes(),
            quota_bytes=self._config.now.quota_bytes,
            free_bytes=self._store.free_bytes(),
        )
        return kept, self._belongings.names_of_owners(visitor, ThingKind.FILM), usage

    def _picture(self, film_id: str, name: str, make: Callable[[], bytes]) -> bytes:
        kept = self._store.picture(film_id, name)
        if kept is not None:
            return kept
        with service_errors_translated():
            data = make()
        self._store.keep_picture(film_id, name, data)
        return data

    def _give_up(self, visitor: Visitor, film_id: str) -> None:
        def remove() -> None:
            self._store.remove(film_id)

        if self._store.find(film_id) is not None:
            with service_errors_translated():
                self._belongings.give_up(visitor, _thing(film_id), remove)

    def _request_in(self, _: str, path: Path) -> dict[str, Any]:
        try:
            with service_errors_translated():
                comment = self._writer.describe(path).metadata.comment
        except DomainError as error:
            raise _no_notes() from error
        notes = read_notes(comment)
        if notes is None:
            raise _no_notes()
        return dict(notes.request)


def _drawn_seed(visitor: Visitor, key: str | None) -> int:
    """With an Idempotency-Key, the same request has to come to the same seed."""
    if key is None:
        return secrets.randbelow(MOST_SEED + 1)
    digest = hashlib.sha256(f"{owner_id(visitor)}\0{key}".encode()).digest()
    return int.from_bytes(digest[:8]) & MOST_SEED


def _thing(film_id: str) -> Thing:
    return Thing(ThingKind.FILM, film_id)


def _unknown() -> DomainError:
    return DomainError("There is no such film.", ErrorCode.FILM_UNKNOWN)


def _no_notes() -> DomainError:
    message = "This file does not say how it was made. Send a film as this server gave it out, not edited or converted."
    return DomainError(message, ErrorCode.FILM_NOTES_MISSING)
