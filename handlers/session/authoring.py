"""Scenes in words for one session. The world changes once the picture is made, unless it has moved on by then."""

from __future__ import annotations

import base64
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog

from error_types import DomainError, ErrorCode
from handlers.authoring_handler import AuthoringAvailable
from handlers.authoring_painter import ChangeOf, SceneFor, SceneWanted, failure_of
from handlers.base import in_thread
from handlers.session.played_world import SceneChange
from handlers.session.world import Seed
from services.scene_file.scene_file import encode_scene
from state.app_state_types import AuthoringDone, AuthoringFailed, AuthoringRunning, AuthoringStep
from wire_protocol import (
    GenerateSceneRequest,
    GenerateSceneResponseData,
    ProgressMessage,
    ProgressStep,
    SceneEditRequest,
    SceneEditResponseData,
    StageId,
    StatusMessage,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from concurrent.futures import Executor

    from handlers.authoring_handler import AuthoringHandler
    from handlers.authoring_painter import PaintedScene, Painting, ScenePainter
    from handlers.seeds_handler import SeedsHandler
    from handlers.session.actor import WorldActor
    from handlers.session.recording import SessionRecorder
    from services.clock.clock import Clock
    from services.ownership_store.ownership_store import OwnerId
    from state.app_state_types import AuthoringJob, SessionId
    from wire_protocol import AnyServerMessage, InitRequest

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

Made = TypeVar("Made")

_PROGRESS: Final[Mapping[AuthoringStep, ProgressStep]] = MappingProxyType(
    {
        AuthoringStep.WRITING: ProgressStep.WRITING_PROMPT,
        AuthoringStep.PAINTING: ProgressStep.PAINTING,
        AuthoringStep.CHECKING: ProgressStep.CHECKING_PICTURE,
        AuthoringStep.APPLYING: ProgressStep.CHANGING_WORLD,
    }
)


class SessionAuthor:
    """`extended`: the client understands messages about progress."""

    def __init__(
        self,
        session_id: SessionId,
        *,
        owner: OwnerId,
        authoring: AuthoringHandler,
        painter: ScenePainter,
        seeds: SeedsHandler,
        recorder: SessionRecorder,
        clock: Clock,
        work_threads: Executor,
        post: Callable[[AnyServerMessage], None],
        extended: bool,
    ) -> None:
        self._session_id = session_id
        self._owner = owner
        self._authoring = authoring
        self._painter = painter
        self._seeds = seeds
        self._recorder = recorder
        self._clock = clock
        self._work_threads = work_threads
        self._post = post
        self._extended = extended
        self._is_wanted = False
        self._client_version: str | None = None

    def configure(self, request: InitRequest) -> None:
        """Follow what an `init` says. What is wanted is loaded beside the world, which does not wait for it."""
        self._is_wanted, self._client_version = request.config.scene_authoring, request.biome_version
        if not self._is_wanted:
            return
        match self._authoring.availability(self._session_id):
            case AuthoringAvailable(is_loaded=is_loaded):
                if not is_loaded:
                    self._post(StatusMessage(stage=StageId.AUTHORING_LOAD))
                self._painter.prepare_soon()
            case unavailable:
                logger.warning("Scenes cannot be edited here", reason=unavailable.reason)

    async def edit(self, request: SceneEditRequest, actor: WorldActor) -> SceneEditResponseData:
        """Change what is seen; a reset still leads back to the seed.

        Raises:
            DomainError: refused, failed, or too late.
        """
        job = await self._begin("edit", request.prompt)

        async def work() -> tuple[PaintedScene, bytes]:
            view, epoch = await actor.run_between_steps(lambda world: world.view())
            original = await in_thread(self._work_threads, lambda: encode_scene(view))
            scene = await self._paint(request.req_id, job, ChangeOf(view), actor)
            await self._apply(request.req_id, job, actor, SceneChange(job.prompt, scene.picture, epoch))
            return scene, original

        scene, original = await self._see_through(job, work(), lambda made: made[0])
        return SceneEditResponseData(
            original_jpeg_b64=_b64(original), preview_jpeg_b64=_b64(scene.file), edit_prompt=scene.instruction
        )

    async def generate(self, request: GenerateSceneRequest, actor: WorldActor) -> GenerateSceneResponseData:
        """Another world in a scene out of nothing, which is its seed from then on.

        Raises:
            DomainError: refused, failed, or too late.
        """
        started = self._clock.monotonic()
        job = await self._begin("scene", request.prompt)

        async def work() -> PaintedScene:
            _, epoch = await actor.run_between_steps(lambda world: world.view())
            spec = actor.world.active.spec
            painting = SceneFor(spec.width, spec.height, self._client_version)
            scene = await self._paint(request.req_id, job, painting, actor)
            seed = Seed(scene.hash, scene.file, job.prompt)
            await self._apply(request.req_id, job, actor, SceneChange(job.prompt, scene.picture, epoch, seed))
            return scene

        scene = await self._see_through(job, work(), lambda made: made)
        await self._keep(scene, job.prompt)
        return GenerateSceneResponseData(
            elapsed_ms=round((self._clock.monotonic() - started) * 1000),
            image_jpeg_base64=_b64(scene.file),
            user_prompt=request.prompt,
            sanitized_prompt=scene.instruction,
            image_model=scene.image_model,
            seed_hash=scene.hash,
        )

    # ------------------------------------------------------------------------------------------------ parts

    async def _begin(self, kind: str, prompt: str) -> AuthoringJob:
        job = await self._authoring.begin("edit" if kind == "edit" else "scene", self._session_id, prompt)
        if self._is_wanted:
            return job
        error = DomainError(
            "Scene authoring is switched off for this session. Switch it on in the settings of your client.",
            ErrorCode.AUTHORING_UNAVAILABLE,
        )
        self._authoring.move(job.id, AuthoringFailed(error.code, error.message))
        raise error

    async def _see_through(
        self, job: AuthoringJob, work: Coroutine[Any, Any, Made], scene_of: Callable[[Made], PaintedScene]
    ) -> Made:
        """Whatever becomes of it, the job ends, and the log has it."""
        try:
            made = await work
        except BaseException as error:  # the job ends also when it was cancelled
            failure = failure_of(error)
            self._authoring.move(job.id, AuthoringFailed(failure.code, failure.message))
            if failure.code in {ErrorCode.AUTHORING_OUTDATED, ErrorCode.CANCELLED}:
                logger.info("A scene was dropped", kind=job.kind, reason=failure.message)
            raise
        self._authoring.move(job.id, AuthoringDone(scene_of(made).hash))
        logger.info("The scene was changed in words", kind=job.kind, prompt=job.prompt)
        return made

    async def _paint(self, req_id: str, job: AuthoringJob, painting: Painting, actor: WorldActor) -> PaintedScene:
        self._tell(req_id, ProgressStep.WAITING_FOR_TURN)

        def tell(step: AuthoringStep, fraction: float | None) -> None:
            self._authoring.move(job.id, AuthoringRunning(step, fraction))
            self._tell(req_id, _PROGRESS[step], fraction)

        wanted = SceneWanted(job.kind, job.prompt, job.owner)
        return await self._painter.paint(wanted, painting, tell, actor.engine_offloaded)

    async def _apply(self, req_id: str, job: AuthoringJob, actor: WorldActor, change: SceneChange) -> None:
        self._authoring.move(job.id, AuthoringRunning(AuthoringStep.APPLYING))
        self._tell(req_id, ProgressStep.CHANGING_WORLD)
        await actor.change_between_steps(lambda world: world.change_scene(change))
        self._recorder.caption(job.prompt)

    async def _keep(self, scene: PaintedScene, prompt: str) -> None:
        """A scene that cannot be kept is played all the same."""
        try:
            seeds, owner = self._seeds, self._owner
            await in_thread(self._work_threads, lambda: seeds.keep_generated(owner, scene.file, prompt))
        except DomainError as error:
            logger.warning("A generated scene cannot be kept", reason=error.message)

    def _tell(self, req_id: str, step: ProgressStep, fraction: float | None = None) -> None:
        if self._extended:
            self._post(ProgressMessage(req_id=req_id, step=step, fraction=fraction))


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
