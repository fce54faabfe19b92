"""What a film is made from: where a source, a film or a recording lies, for whom it exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from error_types import DomainError, ErrorCode
from film_types import FilmRef, RecordingRef, SentRef
from handlers.service_errors import service_errors_translated
from services.ownership_store.ownership_store import Thing, ThingKind

if TYPE_CHECKING:
    from pathlib import Path

    from access_rules import Visitor
    from film_types import SourceRef
    from handlers.films.sources_handler import SourcesHandler
    from handlers.ownership.belongings import Belongings
    from handlers.recordings_handler import RecordingsHandler
    from services.film_store.film_store import FilmStore
    from services.media_probe.media_probe import MediaFacts, MediaProbe


class FilmSources:
    """Every method blocks."""

    def __init__(
        self,
        sources: SourcesHandler,
        films: FilmStore,
        recordings: RecordingsHandler,
        belongings: Belongings,
        probe: MediaProbe,
    ) -> None:
        self._sources = sources
        self._films = films
        self._recordings = recordings
        self._belongings = belongings
        self._probe = probe

    def path(self, visitor: Visitor, named: SourceRef) -> Path:
        """Raises: DomainError, there is none."""
        match named:
            case SentRef(source=source):
                return self._sources.path(visitor, source)
            case FilmRef(film=film):
                return self.film(visitor, film)
            case RecordingRef(recording=recording):
                path, _ = self._recordings.video(visitor, recording)
                return path

    def film(self, visitor: Visitor, film_id: str) -> Path:
        """Raises: DomainError, there is none."""
        path = self._films.path(film_id)
        if path is None or not self._belongings.sees(visitor, Thing(ThingKind.FILM, film_id)):
            raise DomainError("There is no such film.", ErrorCode.FILM_UNKNOWN)
        return path

    def facts(self, visitor: Visitor, named: SourceRef) -> MediaFacts:
        """Raises: DomainError, there is none, or it cannot be used."""
        if isinstance(named, SentRef):
            return self._sources.facts(visitor, named.source)
        with service_errors_translated():
            return self._probe.probe(self.path(visitor, named))

    def use(self, named: SourceRef) -> None:
        if isinstance(named, SentRef):
            self._sources.use(named.source)
