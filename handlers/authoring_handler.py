"""Scene authoring as the server sees it: whether there is any, and what sessions wait for."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from error_types import DomainError, ErrorCode
from handlers.base import StateHandler, with_state_lock
from services.image_editor.image_editor import EditorMissing, EditorReady
from services.memory_planner.memory_plan import InsteadOfEngine, NoRoom
from services.prompt_writer.plain_text import plain_text
from services.prompt_writer.prompt_writer import WriterMissing, WriterReady
from state.app_state_types import (
    AuthoringDone,
    AuthoringFailed,
    AuthoringJob,
    AuthoringRunning,
    AuthoringState,
    AuthoringWaiting,
)
from state.events import AuthoringEvent, JobAccepted, JobAdvanced, JobFailed, JobForgotten, JobSucceeded
from state.transitions import IllegalTransitionError, authoring_event

if TYPE_CHECKING:
    from threading import RLock

    from handlers.engines.residency import ModelResidency, ModelsReport
    from runtime_config.authoring_config import AuthoringConfig
    from runtime_config.current import Current
    from state.app_state_types import AppState, JobId, SessionId


@dataclass(frozen=True, slots=True)
class AuthoringAvailable:
    """`is_loaded`: there is nothing to be loaded before somebody wants a scene."""

    writer: str
    image_model: str
    is_loaded: bool


@dataclass(frozen=True, slots=True)
class AuthoringUnavailable:
    """`reason` is a sentence for the person who runs the server."""

    reason: str


AuthoringAvailability: TypeAlias = AuthoringAvailable | AuthoringUnavailable


class AuthoringHandler(StateHandler):
    def __init__(
        self,
        state: AppState,
        lock: RLock,
        *,
        residency: ModelResidency,
        config: Current[AuthoringConfig],
    ) -> None:
        super().__init__(state, lock)
        self._residency = residency
        self._config = config

    @property
    def config(self) -> AuthoringConfig:
        return self._config.now

    def availability(self, asker: SessionId | None = None) -> AuthoringAvailability:
        """For a session, or for nobody who plays: the world of the one may give way where that of another may not."""
        return availability_in(self._residency.report_for(asker))

    async def begin(self, kind: Literal["edit", "scene"], owner: SessionId, prompt: str) -> AuthoringJob:
        """Take on a job for a session; whoever began it ends it.

        Raises:
            DomainError: the prompt is empty or too long, there is no authoring, or there is a job already.
        """
        prompt = await self.check(prompt, owner)
        return self._admit(AuthoringJob(secrets.token_hex(8), kind, owner, prompt))

    async def check(self, prompt: str, owner: SessionId | None = None) -> str:
        """The prompt as it will be used, where there is authoring for the owner.

        Raises:
            DomainError: the prompt is empty or too long, or there is no authoring.
        """
        prompt = self._checked(prompt)
        availability = self.availability(owner)
        if isinstance(availability, AuthoringUnavailable):  # look again before it is refused
            await self._residency.refresh()
            availability = self.availability(owner)
        match availability:
            case AuthoringUnavailable(reason):
                raise DomainError(reason, ErrorCode.AUTHORING_UNAVAILABLE)
            case AuthoringAvailable():
                return prompt

    def _checked(self, prompt: str) -> str:
        most = self._config.now.max_prompt_characters
        if len(prompt) > most:
            message = f"Say it in fewer words: {most} characters at most."
            raise DomainError(message, ErrorCode.AUTHORING_PROMPT_TOO_LONG)
        prompt = plain_text(prompt)
        if not prompt:
            raise DomainError("Say what the scene should show.", ErrorCode.AUTHORING_EMPTY_PROMPT)
        return prompt

    @with_state_lock
    def _admit(self, job: AuthoringJob) -> AuthoringJob:
        if any(other.owner == job.owner and not other.is_over for other in self._state.authoring.values()):
            message = "An earlier change to the scene is still being made."
            raise DomainError(message, ErrorCode.AUTHORING_IN_PROGRESS)
        authoring_event(self._state, job.id, JobAccepted(job))
        return job

    @with_state_lock
    def move(self, job_id: JobId, state: AuthoringState) -> None:
        """The next state of a job. One that is over is forgotten: its session has been answered."""
        authoring_event(self._state, job_id, _event_for(state))
        if self._state.authoring[job_id].is_over:
            authoring_event(self._state, job_id, JobForgotten())


def availability_in(report: ModelsReport) -> AuthoringAvailability:
    """Whether scenes can be made with what the report says, and with what."""
    match report.writer, report.editor:
        case WriterMissing(reason), _:
            return AuthoringUnavailable(reason)
        case _, EditorMissing(reason):
            return AuthoringUnavailable(reason)
        case WriterReady() as writer, EditorReady() as editor:
            return _with_room(writer, editor, report)


def _with_room(writer: WriterReady, editor: EditorReady, report: ModelsReport) -> AuthoringAvailability:
    is_loaded = True
    for status, plan in ((writer, report.plans.writer), (editor, report.plans.editor)):
        if isinstance(plan, NoRoom):
            return AuthoringUnavailable(plan.reason)
        is_loaded = is_loaded and (status.is_loaded or isinstance(plan, InsteadOfEngine))
    return AuthoringAvailable(writer.model, editor.model, is_loaded)


def _event_for(state: AuthoringState) -> AuthoringEvent:
    """What leads to a state of a job."""
    match state:
        case AuthoringRunning(step, fraction):
            return JobAdvanced(step, fraction)
        case AuthoringDone(picture_hash):
            return JobSucceeded(picture_hash)
        case AuthoringFailed(code, message):
            return JobFailed(code, message)
        case AuthoringWaiting():
            raise IllegalTransitionError(state, AuthoringWaiting.__name__)
