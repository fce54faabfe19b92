"""Scenes in words for one session: the world changes when the picture is there, unless it has moved on by then."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from error_types import DomainError, ErrorCode
from handlers.authoring_handler import AuthoringAvailable
from handlers.authoring_painter import ChangeOf, SceneFor, failure_of
from handlers.session.active_world import Seed
from handlers.threads import in_thread
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
    from collections.abc import Callable, Coroutine

    from handlers.authoring_painter import PaintedScene, Painting
    from handlers.session.context import PlayContext
    from handlers.session.frame_loop import FrameLoop
    from handlers.session.recording import SessionRecorder
    from services.world_engine.world_engine import Picture
    from state.app_state_types import AuthoringJob, SessionId
    from wire_protocol import AnyServerMessage, InitRequest

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

Made = TypeVar("Made")

_PROGRESS = MappingProxyType(
    {
        AuthoringStep.WRITING: ProgressStep.WRITING_PROMPT,
        AuthoringStep.PAINTING: ProgressStep.PAINTING,
        AuthoringStep.CHECKING: ProgressStep.CHECKING_PICTURE,
        AuthoringStep.APPLYING: ProgressStep.CHANGING_WORLD,
    }
)


@dataclass(slots=True)
class SceneChange:
    """What a world shall go on from. It is made for the world of `epoch`; `seed` begins another world in the picture.

    `has_begun` is set by the frame loop once there is no way back.
    """

    wish: str
    picture: Picture
    epoch: int
    seed: Seed | None = None
    has_begun: bool = False


class SessionAuthor:
    """`extended`: the client understands messages about progress."""

    def __init__(
        self,
        context: PlayContext,
        session_id: SessionId,
        recorder: SessionRecorder,
        post: Callable[[AnyServerMessage], None],
        *,
        extended: bool,
    ) -> None:
        self._context = context
        self._session_id = session_id
        self._recorder = recorder
        self._post = post
        self._extended = extended
        self._is_wanted = False
        self._client_version: str | None = None

    def configure(self, request: InitRequest) -> None:
        """Follow what an `init` says. What is wanted is loaded beside the world, which does not wait for it."""
        self._is_wanted, self._client_version = request.config.scene_authoring, request.biome_version
        if not self._is_wanted:
            return
        match self._context.authoring.availability(self._session_id):
            case AuthoringAvailable(is_loaded=is_loaded):
                if not is_loaded:
                    self._post(StatusMessage(stage=StageId.AUTHORING_LOAD))
                self._context.painter.prepare_soon()
            case unavailable:
                logger.warning("Scenes cannot be edited here", reason=unavailable.reason)

    async def edit(self, request: SceneEditRequest, loop: FrameLoop) -> SceneEditResponseData:
        """Change what is seen; a reset still leads back to the seed.

        Raises:
            DomainError: refused, failed, or too late.
        """
        job = self._begin("edit", request.prompt)

        async def work() -> tuple[PaintedScene, bytes]:
            view, epoch = await loop.between_passes(lambda world: world.view())
            original = await in_thread(self._context.work_threads, lambda: encode_scene(view))
            scene = await self._paint(request.req_id, job, ChangeOf(view), loop)
            await self._apply(request.req_id, job, loop, SceneChange(job.wish, scene.picture, epoch))
            return scene, original

        scene, original = await self._see_through(job, work(), lambda made: made[0])
        return SceneEditResponseData(
            original_jpeg_b64=_b64(original), preview_jpeg_b64=_b64(scene.file), edit_prompt=scene.instruction
        )

    async def generate(self, request: GenerateSceneRequest, loop: FrameLoop) -> GenerateSceneResponseData:
        """Another world in a scene out of nothing, which is its seed from then on.

        Raises:
            DomainError: refused, failed, or too late.
        """
        started = self._context.clock.monotonic()
        job = self._begin("scene", request.prompt)

        async def work() -> PaintedScene:
            _, epoch = await loop.between_passes(lambda world: world.view())
            spec = loop.world.active.engine.spec
            painting = SceneFor(spec.width, spec.height, self._client_version)
            scene = await self._paint(request.req_id, job, painting, loop)
            seed = Seed(scene.hash, scene.file, job.wish)
            await self._apply(request.req_id, job, loop, SceneChange(job.wish, scene.picture, epoch, seed))
            return scene

        scene = await self._see_through(job, work(), lambda made: made)
        await self._keep(scene, job.wish)
        return GenerateSceneResponseData(
            elapsed_ms=round((self._context.clock.monotonic() - started) * 1000),
            image_jpeg_base64=_b64(scene.file),
            user_prompt=request.prompt,
            sanitized_prompt=scene.instruction,
            image_model=scene.image_model,
            seed_hash=scene.hash,
        )

    # ------------------------------------------------------------------------------------------------ parts

    def _begin(self, kind: str, prompt: str) -> AuthoringJob:
        job = self._context.authoring.begin("edit" if kind == "edit" else "scene", self._session_id, prompt)
        if self._is_wanted:
            return job
        error = DomainError(
            "Scene authoring is switched off for this session. Switch it on in the settings of your client.",
            ErrorCode.AUTHORING_UNAVAILABLE,
        )
        self._context.authoring.move(job.id, AuthoringFailed(error.code, error.message))
        raise error

    async def _see_through(
        self, job: AuthoringJob, work: Coroutine[Any, Any, Made], scene_of: Callable[[Made], PaintedScene]
    ) -> Made:
        """Whatever becomes of it, the job ends, and the log has it."""
        try:
            made = await work
        except BaseException as error:  # the job ends also when it was cancelled
            failure = failure_of(error)
            self._context.authoring.move(job.id, AuthoringFailed(failure.code, failure.message))
            if failure.code in {ErrorCode.AUTHORING_OUTDATED, ErrorCode.CANCELLED}:
                logger.info("A scene was dropped", kind=job.kind, reason=failure.message)
            raise
        self._context.authoring.move(job.id, AuthoringDone(scene_of(made).hash))
        logger.info("The scene was changed in words", kind=job.kind, wish=job.wish)
        return made

    async def _paint(self, req_id: str, job: AuthoringJob, painting: Painting, loop: FrameLoop) -> PaintedScene:
        self._tell(req_id, ProgressStep.WAITING_FOR_TURN)

        def tell(step: AuthoringStep, fraction: float | None) -> None:
            self._tell(req_id, _PROGRESS[step], fraction)

        return await self._context.painter.paint(job, painting, tell, loop.engine_aside)

    async def _apply(self, req_id: str, job: AuthoringJob, loop: FrameLoop, change: SceneChange) -> None:
        """A change that has begun is not given up any more: it happened, and the answer says so."""
        self._context.authoring.move(job.id, AuthoringRunning(AuthoringStep.APPLYING))
        self._tell(req_id, ProgressStep.CHANGING_WORLD)
        applying = asyncio.ensure_future(loop.between_passes(lambda world: world.change_scene(change)))
        try:
            await asyncio.shield(applying)
        except asyncio.CancelledError:
            if not change.has_begun:
                applying.cancel()
                raise
            await asyncio.wait({applying})
            applying.result()
        self._recorder.caption(job.wish)

    async def _keep(self, scene: PaintedScene, wish: str) -> None:
        """A scene that cannot be kept is played all the same."""
        try:
            seeds = self._context.seeds
            await in_thread(self._context.work_threads, lambda: seeds.keep_generated(scene.file, wish))
        except DomainError as error:
            logger.warning("A generated scene cannot be kept", reason=error.message)

    def _tell(self, req_id: str, step: ProgressStep, fraction: float | None = None) -> None:
        if self._extended:
            self._post(ProgressMessage(req_id=req_id, step=step, fraction=fraction))


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
