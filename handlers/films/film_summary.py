"""A film as REST tells of it: from its job while it is made, and from its facts once it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from film_types import FilmFault, FilmSummary

if TYPE_CHECKING:
    from api_types import JobSummary
    from services.film_store.film_store import FilmFacts

_OF_JOB: Final = frozenset({"ended_at", "stage", "fraction", "position", "waiting_s", "remaining_s"})
_OF_FILM: Final = frozenset(
    {
        *("model", "revision", "width", "height", "frames", "fps", "seconds", "has_sound"),
        *("size_bytes", "digest", "timings_s"),
    }
)


def told_of(film_id: str, job: JobSummary | None, facts: FilmFacts | None, owner: str | None) -> FilmSummary:
    """At least one of `job` and `facts` is there."""
    request: dict[str, Any] = facts.request if facts is not None else {} if job is None else job.request
    asked_at = job.created_at if job is not None else 0.0 if facts is None else facts.created_at
    told: dict[str, Any] = {}
    if job is not None:
        told |= job.model_dump(include=set(_OF_JOB))
        told["fault"] = None if job.fault is None else FilmFault(code=job.fault.code, message=job.fault.message)
    if facts is not None:
        url = f"/api/video/films/{film_id}"
        told |= facts.model_dump(include=set(_OF_FILM))
        told |= {"content_url": f"{url}/content", "thumbnail_url": f"{url}/thumbnail", "sprite_url": f"{url}/sprite"}
    return FilmSummary(
        id=film_id,
        state="done" if facts is not None or job is None else job.state,
        way=request.get("way", {}).get("kind", "words"),
        prompt=request.get("prompt", ""),
        written_prompt=request.get("written_prompt"),
        seed=request.get("seed", 0),
        request=request,
        created_at=asked_at,
        owner=owner,
        **told,
    )
