"""The commands of a session: every request that a client or REST can make of it, each with one function.

To add one: its request and response models in `wire_protocol.py`, a method here, and a row in `COMMANDS`. The guide for
contributors shows it step by step.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar, assert_never, get_args

from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from handlers.safety_handler import Allowed
from handlers.seeds_handler import hash_of
from handlers.session import endings
from handlers.session.endings import ends_connection, push_id, seed_warning
from handlers.session.left_world import LeftWorld
from handlers.session.mailbox import control_of
from handlers.session.outbox import FramesAnswer
from handlers.session.stepped import WantedFrames
from services.picture_decoder.png_pixels import encode_pixels
from services.world_copies.world_copies import WorldCopy
from services.world_engine.prompt_words import fault_of
from wire_protocol import (
    AnswerGuestRequest,
    AnyRequest,
    CheckSeedSafetyRequest,
    CheckSeedSafetyResponseData,
    ClipResponseData,
    ExtendedInitResponseData,
    ExtendedResponseData,
    GenerateSceneRequest,
    GenerateSceneResponseData,
    InitRequest,
    KeepClipRequest,
    KeepPictureRequest,
    KeepPictureResponseData,
    LookRequest,
    MomentResponseData,
    PromptResponseData,
    RecordingRequest,
    RecordingResponseData,
    RestoreMomentRequest,
    ResumedWorld,
    RewindRequest,
    RewindResponseData,
    SaveWorldRequest,
    SaveWorldResponseData,
    SceneEditRequest,
    SceneEditResponseData,
    SendAwayRequest,
    SetPromptRequest,
    ShareRequest,
    SharingData,
    StepRequest,
    StopSharingRequest,
    TakeControlsRequest,
    TakeMomentRequest,
    VideoRequest,
    VideoResponseData,
    key_codes,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from concurrent.futures import Executor

    from access_rules import Visitor
    from handlers.safety_handler import SafetyHandler
    from handlers.seeds_handler import SeedsHandler
    from handlers.server_handler import ServerHandler
    from handlers.session.authoring import SessionAuthor
    from handlers.session.endings import InitDeadline, SessionEnd
    from handlers.session.opening import WorldOpener
    from handlers.session.outbox import Outbox
    from handlers.session.permissions import SessionPermissions
    from handlers.session.play import SessionPlay
    from handlers.session.recording import SessionRecorder
    from handlers.session.resumption import SessionResumption
    from handlers.session.sharing import SessionSharing
    from handlers.world_files_handler import WorldFilesHandler
    from runtime_config.authoring_config import AuthoringConfig
    from services.clock.clock import Clock

# What a picture is judged at when no engine says at which size it will be seen.
_CHECKED_WIDTH: Final = 896
_CHECKED_HEIGHT: Final = 504

Request = TypeVar("Request", bound=AnyRequest)
CommandResult: TypeAlias = ExtendedResponseData | FramesAnswer


def _resumed(left: LeftWorld | WorldCopy) -> ResumedWorld:
    match left:
        case WorldCopy():
            return ResumedWorld(kept=(), lost_s=left.every_s, passes=left.passes_made, is_copy=True)
        case LeftWorld():
            passes, lost_s = left.remembered.passes_made, round(left.lost_s, 3)
            return ResumedWorld(kept=left.moments.ids(), lost_s=lost_s, passes=passes)
        case _:
            assert_never(left)


class SessionCommands:
    """What the commands of one session do. Every method raises DomainError where the request is refused."""

    def __init__(
        self,
        *,
        play: SessionPlay,
        opener: WorldOpener,
        recorder: SessionRecorder,
        author: SessionAuthor,
        resumption: SessionResumption,
        permissions: SessionPermissions,
        sharing: SessionSharing,
        visitor: Visitor,
        seeds: SeedsHandler,
        safety: SafetyHandler,
        world_files: WorldFilesHandler,
        server: ServerHandler,
        outbox: Outbox,
        init_deadline: InitDeadline,
        end: SessionEnd,
        clock: Clock,
        work_threads: Executor,
        check_threads: Executor,
        extended: bool,
    ) -> None:
        """`extended`: the client reads the answer to its `init`, and may send another one."""
        self._play = play
        self._opener = opener
        self._recorder = recorder
        self._author = author
        self._resumption = resumption
        self._permissions = permissions
        self._sharing = sharing
        self._visitor = visitor
        self._seeds = seeds
        self._safety = safety
        self._world_files = world_files
        self._server = server
        self._outbox = outbox
        self._init_deadline = init_deadline
        self._end = end
        self._clock = clock
        self._work_threads = work_threads
        self._check_threads = check_threads
        self._extended = extended

    async def init(self, request: InitRequest) -> ExtendedInitResponseData:
        """Start a world, go on in one that was left, or change the one in play."""
        actor, size = self._play.actor, self._play.size_for(request)
        resumed = None
        self._init_deadline.disarm()
        try:
            if actor is None:
                async with self._resumption.left_world(request) as left:
                    await self._recorder.configure(request)
                    opening = self._opener.first(request) if left is None else self._opener.again(request, left)
                    leased, world = await opening
                    actor = self._play.start(leased, world, left)
                if left is not None:
                    resumed = _resumed(left)
                self._sharing.changed()
            else:
                self._resumption.require_none(request)
                await self._opener.change(request, actor)
                await self._recorder.configure(request)
                actor.nudge()
        finally:
            if self._play.actor is None and not self._end.has_begun:
                self._init_deadline.arm()
        actor.world.draw_in(size)
        actor.world.history.log_inputs(wanted=request.config.action_logging)
        self._author.configure(request)
        spec = actor.world.active.spec
        return ExtendedInitResponseData(
            model=spec.model_id,
            inference_fps=spec.fps,
            system_info=self._server.get_system_info(),
            resume_token=self._resumption.token,
            resume_s=self._resumption.keep_s,
            resumed=resumed,
        )

    async def check_seed_safety(self, request: CheckSeedSafetyRequest) -> CheckSeedSafetyResponseData:
        """A picture that cannot be judged is not called safe."""

        def check() -> CheckSeedSafetyResponseData:
            data = self._seeds.from_base64(request.image_data)
            picture, file_hash = self._seeds.decode(data, width=_CHECKED_WIDTH, height=_CHECKED_HEIGHT), hash_of(data)
            is_safe = isinstance(self._safety.judge(file_hash, picture), Allowed)
            return CheckSeedSafetyResponseData(is_safe=is_safe, hash=file_hash)

        return await in_thread(self._check_threads, check)

    async def edit_scene(self, request: SceneEditRequest) -> SceneEditResponseData:
        return await self._author.edit(request, self._play.required_actor)

    async def generate_scene(self, request: GenerateSceneRequest) -> GenerateSceneResponseData:
        with self._permissions.picture():
            return await self._author.generate(request, self._play.required_actor)

    async def step(self, request: StepRequest) -> FramesAnswer:
        actor, codes = self._play.required_actor, key_codes(request.buttons)
        await self._outbox.answers_sent()
        control = control_of(codes, request.mouse_dx, request.mouse_dy, self._clock.monotonic())
        return await actor.step(control, WantedFrames.of(request))

    async def look(self, request: LookRequest) -> FramesAnswer:
        actor, wanted = self._play.required_actor, WantedFrames.of(request)
        await self._outbox.answers_sent()
        return await actor.run_between_steps(lambda world: world.look(wanted))

    async def take_moment(self, _: TakeMomentRequest) -> MomentResponseData:
        moment_id, kept = await self._play.required_actor.change_between_steps(lambda world: world.take_moment())
        return MomentResponseData(moment_id=moment_id, kept=kept)

    async def restore_moment(self, request: RestoreMomentRequest) -> MomentResponseData:
        moment_id = request.moment_id
        kept = await self._play.required_actor.change_between_steps(lambda world: world.restore_moment(moment_id))
        return MomentResponseData(moment_id=moment_id, kept=kept)

    async def rewind(self, request: RewindRequest) -> RewindResponseData:
        seconds = request.seconds
        went_back_s, left_s = await self._play.required_actor.change_between_steps(lambda world: world.rewind(seconds))
        return RewindResponseData(went_back_s=went_back_s, left_s=left_s)

    async def set_prompt(self, request: SetPromptRequest) -> PromptResponseData:
        words = prompt_of(request.prompt)
        await self._play.required_actor.change_between_steps(lambda world: world.set_prompt(words))
        return PromptResponseData(prompt=words)

    async def save_world(self, request: SaveWorldRequest) -> SaveWorldResponseData:
        moment_id = request.moment_id
        capture = await self._play.required_actor.run_between_steps(lambda world: world.capture(moment_id))
        saved = await in_thread(
            self._work_threads, lambda: self._world_files.save(self._visitor, capture, request.title)
        )
        return SaveWorldResponseData(world_id=saved.id, title=saved.title)

    async def use_video(self, request: VideoRequest) -> VideoResponseData:
        is_h264 = await self._play.use_video(wanted=request.codec == "h264")
        return VideoResponseData(codec="h264" if is_h264 else "jpeg")

    async def record(self, request: RecordingRequest) -> RecordingResponseData:
        actor = self._play.required_actor
        answer = await self._recorder.switch(on=request.on, keep_short=request.keep_short)
        actor.nudge()
        return answer

    async def share(self, request: ShareRequest) -> SharingData:
        return self._sharing.share(request.hours)

    async def stop_sharing(self, _: StopSharingRequest) -> SharingData:
        return self._sharing.stop()

    async def answer_guest(self, request: AnswerGuestRequest) -> SharingData:
        return self._sharing.answer(request.guest, granted=request.granted)

    async def send_away(self, request: SendAwayRequest) -> SharingData:
        return self._sharing.send_away(request.guest)

    async def take_controls(self, _: TakeControlsRequest) -> SharingData:
        return self._sharing.take_back()

    async def keep_clip(self, _: KeepClipRequest) -> ClipResponseData:
        return await self._recorder.keep_clip(self._play.required_actor.world.active)

    async def keep_picture(self, request: KeepPictureRequest) -> KeepPictureResponseData:
        actor, moment_id = self._play.required_actor, request.moment_id
        picture = await actor.run_between_steps(lambda world: world.picture(moment_id))
        title = request.title or actor.world.active.seed.name or ""
        file = await in_thread(self._work_threads, lambda: encode_pixels(picture))
        seed = await self._seeds.keep(self._visitor, file, title)
        return KeepPictureResponseData(seed_hash=seed.hash, title=seed.title)

    def refused(self, request: AnyRequest, error: DomainError) -> None:
        """A refused `init` may come with a warning, and a first one may be the last thing on the connection.

        A stock client reads neither the answer nor the warning: without an error it would wait until its own limit, and
        then name another reason.
        """
        if not isinstance(request, InitRequest):
            return
        warning = seed_warning(error)
        if warning is not None:
            self._outbox.post(warning)
        if self._play.actor is None and ends_connection(error, extended=self._extended):
            snapshot = self._server.error_snapshot()
            self._end.begin(endings.init_refused(error.message, error.code, push_id(error), snapshot))


def prompt_of(text: str) -> str:
    """What a player said, as the words that steer a world. Raises: DomainError, that is no prompt."""
    words = text.strip()
    if fault := fault_of(words):
        raise DomainError(fault, ErrorCode.PROMPT_INVALID)
    return words


@dataclass(frozen=True, slots=True)
class Command(Generic[Request]):
    """`run` does what a request of `model` asks for.

    `is_beside`: it takes long, so it runs beside the others instead of before those that follow it. `limit_s` is how
    long it may take for a client that names no limit.
    """

    model: type[Request]
    run: Callable[[SessionCommands, Request], Awaitable[CommandResult]]
    is_beside: bool = False
    limit_s: Callable[[AuthoringConfig], float] | None = None

    @property
    def type(self) -> str:
        (name,) = get_args(self.model.model_fields["type"].annotation)
        return str(name)


def _by_type(*commands: Command[Any]) -> Mapping[str, Command[Any]]:
    return MappingProxyType({command.type: command for command in commands})


COMMANDS: Final = _by_type(
    Command(InitRequest, SessionCommands.init),
    Command(CheckSeedSafetyRequest, SessionCommands.check_seed_safety),
    Command(SceneEditRequest, SessionCommands.edit_scene, is_beside=True, limit_s=lambda config: config.edit_limit_s),
    Command(
        GenerateSceneRequest,
        SessionCommands.generate_scene,
        is_beside=True,
        limit_s=lambda config: config.scene_limit_s,
    ),
    Command(StepRequest, SessionCommands.step),
    Command(LookRequest, SessionCommands.look),
    Command(TakeMomentRequest, SessionCommands.take_moment),
    Command(RestoreMomentRequest, SessionCommands.restore_moment),
    Command(RewindRequest, SessionCommands.rewind),
    Command(SetPromptRequest, SessionCommands.set_prompt),
    Command(SaveWorldRequest, SessionCommands.save_world),
    Command(KeepClipRequest, SessionCommands.keep_clip),
    Command(KeepPictureRequest, SessionCommands.keep_picture, is_beside=True),
    Command(VideoRequest, SessionCommands.use_video),
    Command(RecordingRequest, SessionCommands.record),
    Command(ShareRequest, SessionCommands.share),
    Command(StopSharingRequest, SessionCommands.stop_sharing),
    Command(AnswerGuestRequest, SessionCommands.answer_guest),
    Command(SendAwayRequest, SessionCommands.send_away),
    Command(TakeControlsRequest, SessionCommands.take_controls),
)
