"""What is known of a thing when somebody rates it, so that the rating is of use also when the thing is gone."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, assert_never

from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from services.feedback_store.feedback_store import FeedbackKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor

    from access_rules import Visitor
    from handlers.jobs.jobs_handler import JobsHandler
    from handlers.play_handler import PlayHandler
    from handlers.recordings_handler import RecordingsHandler
    from handlers.seeds_handler import SeedsHandler
    from handlers.world_files_handler import WorldFilesHandler
    from services.feedback_store.feedback_store import Facts, Subject

_OF_RECORDING: Final = (
    *("model", "quant", "seed", "seed_hash", "rng_seed", "input_log"),
    *("play_session", "segment", "started_at", "duration_s", "server_version"),
)


class SubjectFacts:
    """Looks things up as the visitor sees them: what is foreign is not there."""

    def __init__(
        self,
        *,
        recordings: RecordingsHandler,
        seeds: SeedsHandler,
        world_files: WorldFilesHandler,
        jobs: JobsHandler,
        play: PlayHandler,
        threads: Executor,
    ) -> None:
        self._recordings = recordings
        self._seeds = seeds
        self._world_files = world_files
        self._jobs = jobs
        self._play = play
        self._threads = threads

    async def of(self, visitor: Visitor, subject: Subject) -> Facts:
        """Only what is known. Raises: DomainError, there is no such thing, in the words of its own kind."""
        match subject.kind:
            case FeedbackKind.RECORDING:
                found = await in_thread(self._threads, lambda: self._of_recording(visitor, subject.id))
            case FeedbackKind.SCENE:
                found = await in_thread(self._threads, lambda: self._of_scene(visitor, subject.id))
            case FeedbackKind.JOB:
                found = await self._of_job(visitor, subject.id)
            case FeedbackKind.MOMENT:
                found = await self._of_moment(visitor, subject.id)
            case _:
                assert_never(subject.kind)
        return {name: value for name, value in found.items() if value is not None}

    def _of_recording(self, visitor: Visitor, name: str) -> Mapping[str, Any]:
        details = self._recordings.details(visitor, name).model_dump()
        return {"weights_hash": details["model_hash"], **{fact: details[fact] for fact in _OF_RECORDING}}

    def _of_scene(self, visitor: Visitor, seed_hash: str) -> Mapping[str, Any]:
        scene = self._seeds.generated(visitor, seed_hash)
        return {"seed_hash": scene.hash, "prompt": scene.prompt}

    async def _of_job(self, visitor: Visitor, job_id: str) -> Mapping[str, Any]:
        job = await self._jobs.find(visitor, job_id)
        result = job.result or {}
        own: dict[str, Any] = {"job_kind": job.kind, "attempt": job.attempt, "seed_hash": result.get("seed_hash")}
        world_id = job.request.get("world_id")
        if not isinstance(world_id, str):
            return own | {"prompt": job.request.get("prompt")}
        film = {name: result.get(name) for name in ("digest", "is_exact")}
        world = await in_thread(self._threads, lambda: self._world_files.facts_of_any(world_id))
        return own | film | {"world_id": world_id} | dict(world)

    async def _of_moment(self, visitor: Visitor, name: str) -> Mapping[str, Any]:
        session_id, dot, moment_id = name.partition(".")
        if not dot:
            message = "A moment is named by its session and its number, such as 1a2b3c4d.1."
            raise DomainError(message, ErrorCode.MOMENT_UNKNOWN)
        facts = await self._play.moment_facts(visitor, session_id, moment_id)
        return {"play_session": session_id, **asdict(facts)}
