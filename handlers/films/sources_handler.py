"""Videos and sounds that people send in for their films."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from error_types import DomainError, ErrorCode
from film_types import SourcesResponse, SourceSummary
from handlers.base import in_thread
from handlers.ownership.belongings import owner_id
from handlers.service_errors import service_errors_translated
from services.files import clean_title
from services.ownership_store.ownership_store import Thing, ThingKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection
    from concurrent.futures import Executor
    from pathlib import Path

    from access_rules import Visitor
    from handlers.films.film_safety import FilmSafety
    from handlers.ownership.belongings import Belongings
    from handlers.visitors_handler import VisitorsHandler
    from runtime_config.current import Current
    from runtime_config.films_config import FilmsConfig
    from services.clock.clock import Clock
    from services.media_probe.media_probe import MediaFacts, MediaProbe
    from services.ownership_store.ownership_store import OwnerId
    from services.source_store.source_store import IncomingSource, Source, SourceStore

_TITLE_LENGTH: Final = 80
_MIB: Final = 1024 * 1024


class SourcesHandler:
    """A source that no film has used for a week is removed when the next one comes."""

    def __init__(
        self,
        store: SourceStore,
        probe: MediaProbe,
        safety: FilmSafety,
        belongings: Belongings,
        visitors: VisitorsHandler,
        *,
        in_use: Callable[[], Collection[str]],
        threads: Executor,
        clock: Clock,
        config: Current[FilmsConfig],
    ) -> None:
        """`in_use` are the hashes that films wait for which are still to be made."""
        self._store = store
        self._probe = probe
        self._safety = safety
        self._belongings = belongings
        self._visitors = visitors
        self._in_use = in_use
        self._threads = threads
        self._clock = clock
        self._config = config

    def list_sources(self, visitor: Visitor) -> SourcesResponse:
        """The visitor's. Blocks."""
        is_theirs = self._belongings.sight(visitor, ThingKind.SOURCE)
        names = self._belongings.names_of_owners(visitor, ThingKind.SOURCE)
        return SourcesResponse(
            sources=[
                _summary(source, names.get(source.hash)) for source in self._store.list() if is_theirs(source.hash)
            ]
        )

    async def upload(self, visitor: Visitor, chunks: AsyncIterator[bytes], title: str) -> SourceSummary:
        """Keep a file that a visitor sends.

        Raises:
            DomainError: it is too large, no video and no sound that can be used, unsafe, or cannot be kept; or the
                visitor has sent too much.
        """
        await in_thread(self._threads, self.prune)
        with self._visitors.picture(visitor), service_errors_translated(), self._store.incoming() as incoming:
            await self._receive(incoming, self._visitors.counted(visitor, chunks))
            return await in_thread(self._threads, lambda: self._keep(owner_id(visitor), incoming, title))

    def find(self, visitor: Visitor, source_hash: str) -> SourceSummary:
        """Blocks. Raises: DomainError, there is no such source."""
        return _summary(self._found(visitor, source_hash))

    def path(self, visitor: Visitor, source_hash: str) -> Path:
        """Where the file lies. Blocks. Raises: DomainError, there is no such source."""
        self._found(visitor, source_hash)
        path = self._store.path(source_hash)
        if path is None:
            raise _unknown()
        return path

    def facts(self, visitor: Visitor, source_hash: str) -> MediaFacts:
        """Blocks. Raises: DomainError, there is no such source."""
        return self._found(visitor, source_hash).facts

    def use(self, source_hash: str) -> None:
        """A film is made from it. Blocks."""
        self._store.use(source_hash)

    def remove(self, visitor: Visitor, source_hash: str) -> None:
        """Blocks.

        Raises:
            DomainError: there is no such source, a film waits for it, or it cannot be removed.
        """
        self._found(visitor, source_hash)
        if source_hash in self._in_use():
            message = "A film that is still to be made needs this source. Cancel the film first, or wait for it."
            raise DomainError(message, ErrorCode.FILM_SOURCE_IN_USE)
        self._give_up(visitor, source_hash)

    def prune(self) -> None:
        """Remove what nobody has used for long. Blocks."""
        before = self._clock.wall() - self._config.now.source_kept_s
        for source_hash in self._store.unused(before, self._in_use()):
            with service_errors_translated():
                self._store.remove(source_hash)
        self._belongings.settle(ThingKind.SOURCE, self.hashes)

    def hashes(self) -> Collection[str]:
        """Of all sources that are kept. Blocks."""
        return {source.hash for source in self._store.list()}

    async def _receive(self, incoming: IncomingSource, chunks: AsyncIterator[bytes]) -> None:
        received, most = 0, self._config.now.source_bytes
        room = self._config.now.sources_bytes - sum(source.size_bytes for source in self._store.list())
        async for chunk in chunks:
            received += len(chunk)
            if received > most:
                message = f"The file is larger than {most // _MIB} MiB."
                raise DomainError(message, ErrorCode.FILM_SOURCE_TOO_LARGE)
            if received > room:
                message = "The sources of films take up all the room they may. Delete some, and send this one again."
                raise DomainError(message, ErrorCode.FILM_QUOTA_USED)
            await in_thread(self._threads, lambda chunk=chunk: incoming.write(chunk))

    def _keep(self, owner: OwnerId, incoming: IncomingSource, title: str) -> SourceSummary:
        store, source_hash = self._store, incoming.complete()
        facts = self._probe.probe(incoming.path)
        self._safety.require_video(incoming.path, facts, "This video")
        named = clean_title(title, longest=_TITLE_LENGTH, otherwise="A source")
        source = self._belongings.adopt(
            owner,
            _thing(source_hash),
            lambda: incoming.keep(named, facts),
            is_there=lambda: store.find(source_hash) is not None,
        )
        return _summary(source)

    def _give_up(self, visitor: Visitor, source_hash: str) -> None:
        def remove() -> None:
            self._store.remove(source_hash)

        with service_errors_translated():
            self._belongings.give_up(visitor, _thing(source_hash), remove)

    def _found(self, visitor: Visitor, source_hash: str) -> Source:
        found = self._store.find(source_hash)
        if found is None or not self._belongings.sees(visitor, _thing(source_hash)):
            raise _unknown()
        return found


def _summary(source: Source, owner: str | None = None) -> SourceSummary:
    pictures = source.facts.pictures
    return SourceSummary(
        hash=source.hash,
        title=source.title,
        seconds=source.facts.seconds,
        size_bytes=source.size_bytes,
        width=None if pictures is None else pictures.width,
        height=None if pictures is None else pictures.height,
        frames=None if pictures is None else pictures.frames,
        fps=None if pictures is None else pictures.fps,
        is_variable_rate=pictures is not None and pictures.is_variable,
        rotation=0 if pictures is None else pictures.rotation,
        has_sound=source.facts.sound is not None,
        used_at=source.used_at,
        content_url=f"/api/video/sources/{source.hash}/content",
        owner=owner,
    )


def _thing(source_hash: str) -> Thing:
    return Thing(ThingKind.SOURCE, source_hash)


def _unknown() -> DomainError:
    return DomainError("There is no such source.", ErrorCode.FILM_SOURCE_UNKNOWN)
