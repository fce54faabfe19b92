"""Film this: what a session shows becomes a picture when a film is asked for, so that the film needs no session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from access_rules import OWN_PICTURES
from film_types import PicturesWay, PlacedPictureRef, PlayedPlace, PlayedRef
from handlers.films.film_request import VideoRequest
from handlers.jobs.video_executor import VIDEO_KIND
from wire_protocol import KeepPictureRequest, KeepPictureResponseData

if TYPE_CHECKING:
    from collections.abc import Sequence

    from access_rules import Visitor
    from film_types import PictureRef
    from handlers.jobs.jobs_handler import JobsHandler
    from handlers.play_handler import PlayHandler
    from handlers.visitors_handler import VisitorsHandler


class PlayedPictures:
    def __init__(self, play: PlayHandler, jobs: JobsHandler, visitors: VisitorsHandler) -> None:
        self._play = play
        self._jobs = jobs
        self._visitors = visitors

    async def placed(
        self, visitor: Visitor, pictures: Sequence[PictureRef | PlayedRef], key: str | None
    ) -> tuple[PlacedPictureRef, ...]:
        """The pictures of a film, those of play taken now, and kept in the gallery.

        A request that is sent once more with its Idempotency-Key has the pictures that it had: the world has moved on,
        or is gone.

        Raises:
            DomainError: there is no such session or moment of the visitor's, no world in it, or the picture may not be
                shown or cannot be kept.
        """
        if any(isinstance(picture, PlayedRef) for picture in pictures):
            self._visitors.require(visitor, OWN_PICTURES)
            known = None if key is None else await self._known(visitor, key)
            if known is not None and [_asked(each) for each in known] == [_asked(each) for each in pictures]:
                return known
        return tuple([await self._placed(visitor, picture) for picture in pictures])

    async def _placed(self, visitor: Visitor, picture: PictureRef | PlayedRef) -> PlacedPictureRef:
        if not isinstance(picture, PlayedRef):
            return PlacedPictureRef(seed=picture.seed, at=picture.at, strength=picture.strength)
        request = KeepPictureRequest(type="keep_picture", req_id="film", moment_id=picture.moment)
        kept = await self._play.perform(visitor, picture.session, request)
        assert isinstance(kept, KeepPictureResponseData)
        place = PlayedPlace(session=picture.session, moment=picture.moment)
        return PlacedPictureRef(seed=kept.seed_hash, at=picture.at, strength=picture.strength, of=place)

    async def _known(self, visitor: Visitor, key: str) -> tuple[PlacedPictureRef, ...] | None:
        job = await self._jobs.with_key(visitor, key)
        if job is None or job.kind != VIDEO_KIND:
            return None
        way = VideoRequest.model_validate(job.request).way
        return way.pictures if isinstance(way, PicturesWay) else None


def _asked(picture: PictureRef | PlayedRef) -> PictureRef | PlayedRef:
    """A picture as it was asked for, whether it was taken meanwhile or not."""
    if isinstance(picture, PlacedPictureRef) and picture.of is not None:
        of = picture.of
        return PlayedRef(session=of.session, moment=of.moment, at=picture.at, strength=picture.strength)
    if isinstance(picture, PlayedRef):
        return picture
    return PlacedPictureRef(seed=picture.seed, at=picture.at, strength=picture.strength)
