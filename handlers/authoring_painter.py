"""From a person's prompt to a picture that may be shown: written out, painted and checked, one scene at a time."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import structlog

from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from handlers.seeds_handler import hash_of
from handlers.service_errors import service_errors_translated
from runtime_config.constants import VERSION
from services.image_editor.image_editor import EditorReady, ImageEditorError, PictureOrder, aligned
from services.picture_decoder.picture_decoder import PictureError
from services.picture_decoder.png_pixels import encode_pixels
from services.prompt_writer.prompt_writer import EditRequest, Instruction, PromptWriterError, Refusal, SceneRequest
from services.scene_file.scene_file import SceneNote, encode_scene
from state.app_state_types import AuthoringStep

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from concurrent.futures import Executor

    from handlers.engines.reservation import Reservation, StepAside
    from handlers.engines.residency import ModelResidency
    from handlers.safety_handler import SafetyHandler
    from services.clock.clock import Clock
    from services.image_editor.image_editor import ImageEditor
    from services.picture_decoder.picture_decoder import PictureDecoder
    from services.prompt_writer.prompt_writer import PromptWriter, WriterRequest
    from services.world_engine.world_engine import Picture
    from state.app_state_types import SessionId

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_VIEW_WIDTH: Final = 384  # pixels: what the writer sees of a picture; more costs tokens and tells it no more
_SCENE_WIDTH: Final = 1280


@dataclass(frozen=True, slots=True)
class ChangeOf:
    """Change what is seen: `view` at the engine's size."""

    view: Picture


@dataclass(frozen=True, slots=True)
class SceneFor:
    """A scene out of nothing, for an engine of this size. `client_version` goes into the file."""

    width: int
    height: int
    client_version: str | None = None


Painting: TypeAlias = ChangeOf | SceneFor


@dataclass(frozen=True, slots=True)
class SceneWanted:
    """What is asked for, in words that have been checked. `owner` is the session that waits for it, if one does."""

    kind: Literal["edit", "scene"]
    prompt: str
    owner: SessionId | None = None


@dataclass(frozen=True, slots=True)
class PaintedScene:
    """`file` is a JPEG, `hash` its SHA-256 (hex), `picture` what it shows at the engine's size."""

    file: bytes = field(repr=False)
    hash: str
    picture: Picture = field(repr=False)
    instruction: str
    image_model: str


class ScenePainter:
    def __init__(
        self,
        *,
        writer: PromptWriter,
        editor: ImageEditor,
        decoder: PictureDecoder,
        safety: SafetyHandler,
        residency: ModelResidency,
        work_threads: Executor,
        intake_threads: Executor,
        clock: Clock,
    ) -> None:
        self._writer = writer
        self._editor = editor
        self._decoder = decoder
        self._safety = safety
        self._residency = residency
        self._work_threads = work_threads
        self._intake_threads = intake_threads
        self._clock = clock
        self._preparing: asyncio.Task[None] | None = None

    def prepare_soon(self) -> None:
        """Load what is needed before anybody waits for it. A failure shows when a scene is asked for."""
        if self._preparing is None or self._preparing.done():
            self._preparing = asyncio.create_task(self._prepare())

    async def close(self) -> None:
        if self._preparing is not None:
            self._preparing.cancel()
            await asyncio.wait({self._preparing})

    async def paint(
        self,
        wanted: SceneWanted,
        painting: Painting,
        tell: Callable[[AuthoringStep, float | None], None],
        step_aside: StepAside | None = None,
    ) -> PaintedScene:
        """The picture that the prompt asks for; `tell` hears of each step. Cancelling stops whatever runs.

        `step_aside` is how the owner's world makes room, if there is too little.

        Raises:
            DomainError: it was refused, or failed.
        """
        async with self._residency.reserve(wanted.owner, step_aside) as reservation:
            tell(AuthoringStep.WRITING, None)
            instruction = await self._write(wanted, await self._request_of(wanted, painting), reservation)
            tell(AuthoringStep.PAINTING, 0.0)
            order = await self._order_of(painting, instruction)
            data = await self._edit(wanted, order, reservation, lambda fraction: tell(AuthoringStep.PAINTING, fraction))
        tell(AuthoringStep.CHECKING, None)
        return await in_thread(self._intake_threads, lambda: self._checked(data, wanted, painting, instruction))

    # ------------------------------------------------------------------------------------------------ parts

    async def _prepare(self) -> None:
        try:
            async with self._residency.reserve(self._residency.likely_player(), None) as reservation:
                await reservation.load_ahead("writer")
                await reservation.load_ahead("editor")
        except (PromptWriterError, ImageEditorError) as error:
            logger.warning("Scene authoring cannot be loaded", reason=str(error))

    async def _request_of(self, wanted: SceneWanted, painting: Painting) -> WriterRequest:
        match painting:
            case ChangeOf(view):
                shrink = partial(self._decoder.thumbnail, view, max_width=_VIEW_WIDTH)
                return EditRequest(wanted.prompt, await in_thread(self._work_threads, shrink))
            case SceneFor():
                return SceneRequest(wanted.prompt)

    async def _write(self, wanted: SceneWanted, request: WriterRequest, reservation: Reservation) -> str:
        with _refused_as(wanted), service_errors_translated():
            await reservation.admit("writer")
            written = await self._writer.write(request)
        match written:
            case Instruction(text):
                logger.info("A prompt was written out", kind=wanted.kind, instruction=text)
                return text
            case Refusal(reason):
                raise DomainError(reason or "The request was declined.", _refused(wanted))

    async def _order_of(self, painting: Painting, instruction: str) -> PictureOrder:
        rng_seed = secrets.randbits(32)
        match painting:
            case ChangeOf(view):
                original = await in_thread(self._work_threads, lambda: encode_pixels(view))
                height, width = view.shape[:2]
                return PictureOrder(instruction, aligned(width), aligned(height), rng_seed, original)
            case SceneFor(width, height):
                return PictureOrder(
                    instruction, aligned(_SCENE_WIDTH), aligned(_SCENE_WIDTH * height / width), rng_seed
                )

    async def _edit(
        self, wanted: SceneWanted, order: PictureOrder, reservation: Reservation, on_progress: Callable[[float], None]
    ) -> bytes:
        is_open = True

        def follow(fraction: float) -> None:
            if is_open:  # what runs elsewhere may report once more after it was given up
                on_progress(fraction)

        try:
            with _refused_as(wanted), service_errors_translated():
                await reservation.admit("editor")
                return await self._editor.make(order, follow)
        finally:
            is_open = False

    def _checked(self, data: bytes, wanted: SceneWanted, painting: Painting, instruction: str) -> PaintedScene:
        """Blocks. The picture that is checked is the one that will be shown: encoded, and at the engine's size."""
        status = self._editor.status()
        image_model = status.model if isinstance(status, EditorReady) else "unknown"
        match painting:
            case ChangeOf(view):
                (height, width), note = view.shape[:2], None
            case SceneFor(width, height, client_version):
                note = SceneNote(
                    biome_version=client_version or f"Terrarium {VERSION}",
                    image_model=image_model,
                    user_prompt=wanted.prompt,
                    sanitized_prompt=instruction,
                    generated_at=self._clock.wall(),
                )
        try:
            file = encode_scene(self._decoder.decode(data, width=width, height=height), note)
            picture = self._decoder.decode(file, width=width, height=height)
        except PictureError as error:
            message = "What the image model made is no picture that can be read."
            raise DomainError(message, ErrorCode.AUTHORING_FAILED) from error
        file_hash = hash_of(file)
        try:
            self._safety.require(file_hash, picture, "The new picture")
        except DomainError as error:
            if error.code is ErrorCode.SEED_UNSAFE:
                raise DomainError("The new picture was judged unsafe. Try other words.", _refused(wanted)) from error
            raise
        return PaintedScene(file, file_hash, picture, instruction, image_model)


@contextmanager
def _refused_as(wanted: SceneWanted) -> Generator[None]:
    """What a model refuses has a code of its own for edits."""
    try:
        yield
    except DomainError as error:
        if error.code is ErrorCode.AUTHORING_SCENE_REFUSED:
            raise DomainError(error.message, _refused(wanted)) from error
        raise


def _refused(wanted: SceneWanted) -> ErrorCode:
    return ErrorCode.AUTHORING_EDIT_REFUSED if wanted.kind == "edit" else ErrorCode.AUTHORING_SCENE_REFUSED


def failure_of(error: BaseException) -> DomainError:
    """What a job that ended with `error` says of its end."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, asyncio.CancelledError):
        return DomainError("The scene was given up.", ErrorCode.CANCELLED)
    return DomainError("The server made a mistake; its log has the details.", ErrorCode.INTERNAL)
