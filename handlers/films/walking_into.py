"""From a film into a world: a frame becomes a picture of the gallery, in which a world can open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.base import in_thread
from handlers.service_errors import service_errors_translated

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from access_rules import Visitor
    from api_types import SeedSummary
    from film_types import WalkIntoBody
    from handlers.films.film_sources import FilmSources
    from handlers.seeds_handler import SeedsHandler
    from services.media_probe.media_probe import MediaProbe


class WalkingInto:
    def __init__(self, sources: FilmSources, seeds: SeedsHandler, probe: MediaProbe, threads: Executor) -> None:
        self._sources = sources
        self._seeds = seeds
        self._probe = probe
        self._threads = threads

    async def walk_into(self, visitor: Visitor, body: WalkIntoBody) -> SeedSummary:
        """The frame as a picture of the visitor's, which has passed the picture check.

        Raises:
            DomainError: there is no such film or no frame at that time, it is unsafe, or it cannot be kept.
        """

        def frame() -> bytes:
            with service_errors_translated():
                return self._probe.frame(self._sources.path(visitor, body.source), body.at_s)

        picture = await in_thread(self._threads, frame)
        return await self._seeds.keep(visitor, picture, body.title)
