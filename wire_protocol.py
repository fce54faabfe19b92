"""The WebSocket protocol, version 5: every message, the binary frame envelope and the key map.

Version 5 is closed: a stock client validates each message as a whole and drops one with an enum member it does not
know. So the enums below never grow within the version; a finer cause travels in the extra field `code`. A client that
connects with `client=terrarium` speaks the extended unions at the end of each section instead.
"""

from __future__ import annotations

import struct
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints, TypeAdapter, model_validator

from error_types import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROTOCOL_VERSION: Final = 5

# ---------------------------------------------------------------------------------------------------- enums


class StageId(StrEnum):
    """Where a connection is on its way to the first frame."""

    STARTUP_BEGIN = "startup.begin"
    STARTUP_WORLD_ENGINE_MANAGER = "startup.world_engine_manager"
    STARTUP_SAFETY_CHECKER = "startup.safety_checker"
    STARTUP_SAFETY_READY = "startup.safety_ready"
    STARTUP_READY = "startup.ready"
    WAITING_FOR_SEED = "session.waiting_for_seed"
    MODEL_LOAD = "session.loading_model.load"
    MODEL_INSTANTIATE = "session.loading_model.instantiate"
    AUTHORING_LOAD = "session.scene_authoring.load"
    WARMUP_RESET = "session.warmup.reset"
    WARMUP_SEED = "session.warmup.seed"
    WARMUP_COMPILE = "session.warmup.compile"
    INIT_RESET = "session.init.reset"
    INIT_SEED = "session.init.seed"
    INIT_FRAME = "session.init.frame"
    RESET = "session.reset"
    READY = "session.ready"


class ErrorId(StrEnum):
    """Errors that a stock client has a translated text for."""

    PROTOCOL_VERSION_MISMATCH = "app.server.error.protocolVersionMismatch"
    SERVER_BUSY = "app.server.error.serverBusy"
    SERVER_STARTUP_FAILED = "app.server.error.serverStartupFailed"
    TIMEOUT_WAITING_FOR_SEED = "app.server.error.timeoutWaitingForSeed"
    INIT_FAILED = "app.server.error.initFailed"
    QUANT_UNSUPPORTED_GPU = "app.server.error.quantUnsupportedGpu"
    AUTHORING_MODEL_LOAD_FAILED = "app.server.error.sceneAuthoringModelLoadFailed"
    AUTHORING_EMPTY_PROMPT = "app.server.error.sceneAuthoringEmptyPrompt"
    AUTHORING_MODEL_NOT_LOADED = "app.server.error.sceneAuthoringModelNotLoaded"
    AUTHORING_ALREADY_IN_PROGRESS = "app.server.error.sceneAuthoringAlreadyInProgress"
    SCENE_EDIT_SAFETY_REJECTED = "app.server.error.sceneEditSafetyRejected"
    GENERATE_SCENE_SAFETY_REJECTED = "app.server.error.generateSceneSafetyRejected"
    DEVICE_RECOVERY_FAILED = "app.server.error.deviceRecoveryFailed"


class WarningId(StrEnum):
    """Warnings that a stock client has a translated text for."""

    MISSING_SEED_DATA = "app.server.warning.missingSeedData"
    INVALID_SEED_DATA = "app.server.warning.invalidSeedData"
    SEED_UNSAFE = "app.server.warning.seedUnsafe"
    SEED_SAFETY_CHECK_FAILED = "app.server.warning.seedSafetyCheckFailed"
    SEED_LOAD_FAILED = "app.server.warning.seedLoadFailed"


EngineBackend: TypeAlias = Literal["world_engine", "quark"]
Quant: TypeAlias = Literal["fp8w8a8", "intw8a8"]
ENGINE_BACKENDS: Final[tuple[EngineBackend, ...]] = ("world_engine", "quark")
SERVED_BACKEND: Final[EngineBackend] = "world_engine"

# ---------------------------------------------------------------------------------------------- the key map

KEY_CODES: Final[Mapping[str, int]] = MappingProxyType(
    {
        **{chr(code): code for code in range(ord("A"), ord("Z") + 1)},
        **{chr(code): code for code in range(ord("0"), ord("9") + 1)},
        "MOUSE_LEFT": 0x01,
        "MOUSE_RIGHT": 0x02,
        "MOUSE_MIDDLE": 0x04,
        "MOUSE_X1": 0x05,
        "MOUSE_X2": 0x06,
        "TAB": 0x09,
        "ENTER": 0x0D,
        "SHIFT": 0x10,
        "CTRL": 0x11,
        "ALT": 0x12,
        "SPACE": 0x20,
        "LEFT": 0x25,
        "UP": 0x26,
        "RIGHT": 0x27,
        "DOWN": 0x28,
        # Beyond the virtual-key range: a wheel notch is no key, it lasts for the pass it falls into.
        "SCROLL_UP": 0x100,
        "SCROLL_DOWN": 0x101,
    }
)


def key_codes(buttons: Sequence[str]) -> frozenset[int]:
    """Codes of button names in any case; names outside the map are dropped, as a newer client may send them."""
    codes = (KEY_CODES.get(name.upper()) for name in buttons)
    return frozenset(code for code in codes if code is not None)


# ------------------------------------------------------------------------------------------ client -> server


def _check_sides(width: int | None, height: int | None) -> None:
    if (width is None) != (height is None):
        raise ValueError("width and height go together")


class _ClientModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


RequestId: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=64)]
ButtonName: TypeAlias = Annotated[str, StringConstraints(max_length=32)]
Seconds: TypeAlias = Annotated[FiniteFloat, Field(gt=0, le=3600)]
VideoCodec: TypeAlias = Literal["jpeg", "h264"]
PictureCodec: TypeAlias = Literal["jpeg", "rgb"]
PictureSide: TypeAlias = Annotated[int, Field(ge=8, le=4096)]  # pixels
WorldId: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


class ControlNotification(_ClientModel):
    """Held buttons and mouse motion (pixels) since the last one. `ts` is the client's clock, echoed with the frame."""

    type: Literal["control"]
    buttons: Annotated[tuple[ButtonName, ...], Field(max_length=64)] = ()
    mouse_dx: FiniteFloat = 0.0
    mouse_dy: FiniteFloat = 0.0
    ts: FiniteFloat | None = None


class PauseNotification(_ClientModel):
    type: Literal["pause"]


class ResumeNotification(_ClientModel):
    type: Literal["resume"]


class ResetNotification(_ClientModel):
    type: Literal["reset"]


class PromptNotification(_ClientModel):
    """Start over, with these words steering the world where its model hears words; elsewhere it is a reset alone."""

    type: Literal["prompt"]
    prompt: str = ""


class SessionConfig(_ClientModel):
    """What the client wants of its session. Sent whole with every `init`; the server applies the differences."""

    quant: Quant | None = None
    engine_backend: EngineBackend = SERVED_BACKEND
    scene_authoring: bool
    action_logging: bool
    video_recording: bool
    video_output_dir: str | None
    cap_inference_fps: bool


class InitRequest(_ClientModel):
    """Start a world, or change the one that plays. `seed_image_data` is base64 of a picture file.

    Without a `model`, a picture opens in the engine that shows it best, and a world in play keeps its own if no picture
    comes along.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: Literal["init"]
    req_id: RequestId
    config: SessionConfig
    model: str | None = None
    seed_image_data: str | None = None
    seed_filename: str | None = None
    biome_version: str | None = None


class SceneEditRequest(_ClientModel):
    type: Literal["scene_edit"]
    req_id: RequestId
    prompt: str


class GenerateSceneRequest(_ClientModel):
    type: Literal["generate_scene"]
    req_id: RequestId
    prompt: str


class CheckSeedSafetyRequest(_ClientModel):
    type: Literal["check_seed_safety"]
    req_id: RequestId
    image_data: str


Notification: TypeAlias = (
    ControlNotification | PauseNotification | ResumeNotification | ResetNotification | PromptNotification
)
Request: TypeAlias = InitRequest | SceneEditRequest | GenerateSceneRequest | CheckSeedSafetyRequest
ClientMessage: TypeAlias = Annotated[Notification | Request, Field(discriminator="type")]


class FrameAckNotification(_ClientModel):
    """A pass was drawn. From the first one on, two passes are sent ahead of it, or more on a long link.

    `epoch` is that of the frame's header: frame ids start over with each epoch.
    """

    type: Literal["frame_ack"]
    frame_id: int
    epoch: int | None = None


class CancelNotification(_ClientModel):
    """Give up a request that was not answered yet; the request itself is answered with code `cancelled`."""

    type: Literal["cancel"]
    target_req_id: RequestId


class TimedInitRequest(InitRequest):
    """`init` with a time limit, and what the server already has: a seed, by the SHA-256 (hex) of the picture file, or a
    saved world, which brings its own model and goes on where it was saved; or the world that a lost connection left
    behind, by the `resume_token` of the answer to an earlier `init`, which goes on where it was.

    `rng_seed` decides all that is random in a world that begins in a picture; without it, the server draws one. `width`
    and `height` are the size in which a stepped world is drawn, until the next `init`; without them, its engine's own.
    """

    timeout_s: Seconds | None = None
    seed_hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    world_id: WorldId | None = None
    resume_token: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    rng_seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    width: PictureSide | None = None
    height: PictureSide | None = None

    @model_validator(mode="after")
    def _has_both_sides(self) -> Self:
        _check_sides(self.width, self.height)
        return self


class TimedSceneEditRequest(SceneEditRequest):
    timeout_s: Seconds | None = None


class TimedGenerateSceneRequest(GenerateSceneRequest):
    timeout_s: Seconds | None = None


class TimedCheckSeedSafetyRequest(CheckSeedSafetyRequest):
    timeout_s: Seconds | None = None


class _PictureRequest(_ClientModel):
    """Answered with a binary pass whose header has the `req_id`: as JPEGs, or as the bytes of RGB pixels row by row.

    Without `width` and `height`, frames have the size that the model makes.
    """

    req_id: RequestId
    codec: PictureCodec = "jpeg"
    width: PictureSide | None = None
    height: PictureSide | None = None

    @model_validator(mode="after")
    def _has_both_sides(self) -> Self:
        _check_sides(self.width, self.height)
        return self


class StepRequest(_PictureRequest):
    """Make one pass, in a session that was opened with `mode=stepped`.

    `buttons` are those that are down during the pass. `frames`: all sub-frames of the pass, or just the last one.
    """

    type: Literal["step"]
    buttons: Annotated[tuple[ButtonName, ...], Field(max_length=64)] = ()
    mouse_dx: FiniteFloat = 0.0
    mouse_dy: FiniteFloat = 0.0
    frames: Literal["all", "last"] = "all"


class LookRequest(_PictureRequest):
    """See what the player sees now, without a pass."""

    type: Literal["look"]


class TakeMomentRequest(_ClientModel):
    """Keep this moment of the world; the oldest kept one gives way."""

    type: Literal["take_moment"]
    req_id: RequestId


class RestoreMomentRequest(_ClientModel):
    """Go back to a kept moment."""

    type: Literal["restore_moment"]
    req_id: RequestId
    moment_id: str


class RewindRequest(_ClientModel):
    """Go back by so much of the world's own time, or as far as is still known."""

    type: Literal["rewind"]
    req_id: RequestId
    seconds: Annotated[FiniteFloat, Field(gt=0, le=60)]


class SetPromptRequest(_ClientModel):
    """Have these words steer the world in play from its next pass on. Without words, it is steered by none."""

    type: Literal["set_prompt"]
    req_id: RequestId
    prompt: str = ""


class SaveWorldRequest(_ClientModel):
    """Keep this moment of the world on the server as a world file, or the kept moment `moment_id`: a branch."""

    type: Literal["save_world"]
    req_id: RequestId
    title: Annotated[str, StringConstraints(max_length=200)] = ""
    moment_id: str | None = None


class VideoRequest(_ClientModel):
    """Have frames sent as H.264 or as JPEGs from now on. H.264 begins with a key frame, also when it was sent before.

    The frame on the screen is sent once more, as a JPEG.
    """

    type: Literal["video"]
    req_id: RequestId
    codec: VideoCodec


class RecordingRequest(_ClientModel):
    """Begin or end recording the session. What is ended within three seconds is removed unless `keep_short`."""

    type: Literal["recording"]
    req_id: RequestId
    on: bool
    keep_short: bool = False


class ShareRequest(_ClientModel):
    """Make a link by which others may watch this session, for so many hours at most. There is one: asked for again, it
    stays, and lasts so long from now on."""

    type: Literal["share"]
    req_id: RequestId
    hours: Annotated[int, Field(ge=1, le=168)] = 24


class StopSharingRequest(_ClientModel):
    """Have the link open nothing any more, and end whoever watches."""

    type: Literal["stop_sharing"]
    req_id: RequestId


class AnswerGuestRequest(_ClientModel):
    """Lend the controls to the guest of that number, who has asked for them, or decline."""

    type: Literal["answer_guest"]
    req_id: RequestId
    guest: int
    granted: bool


class SendAwayRequest(_ClientModel):
    """Have the guest of that number watch no longer. Nobody from their address is let in again for ten minutes."""

    type: Literal["send_away"]
    req_id: RequestId
    guest: int


class TakeControlsRequest(_ClientModel):
    """Take the controls back from the guest who has them."""

    type: Literal["take_controls"]
    req_id: RequestId


class KeepClipRequest(_ClientModel):
    """Make a recording of the newest fifteen seconds of play."""

    type: Literal["keep_clip"]
    req_id: RequestId


class KeepPictureRequest(_ClientModel):
    """Keep what the player sees now as a picture of the gallery, or what was seen at the kept moment `moment_id`."""

    type: Literal["keep_picture"]
    req_id: RequestId
    title: Annotated[str, StringConstraints(max_length=200)] = ""
    moment_id: str | None = None


TimedRequest: TypeAlias = (
    TimedInitRequest | TimedSceneEditRequest | TimedGenerateSceneRequest | TimedCheckSeedSafetyRequest
)
ExtendedNotification: TypeAlias = Notification | FrameAckNotification | CancelNotification
ExtendedRequest: TypeAlias = (
    TimedRequest
    | StepRequest
    | LookRequest
    | TakeMomentRequest
    | RestoreMomentRequest
    | RewindRequest
    | SetPromptRequest
    | KeepClipRequest
    | KeepPictureRequest
    | SaveWorldRequest
    | VideoRequest
    | RecordingRequest
    | ShareRequest
    | StopSharingRequest
    | AnswerGuestRequest
    | SendAwayRequest
    | TakeControlsRequest
)
ExtendedClientMessage: TypeAlias = Annotated[ExtendedNotification | ExtendedRequest, Field(discriminator="type")]

AnyNotification: TypeAlias = ExtendedNotification
AnyRequest: TypeAlias = Request | ExtendedRequest
AnyClientMessage: TypeAlias = AnyNotification | AnyRequest


class AskControlsNotification(_ClientModel):
    """Who watches wants the controls; the player says whether."""

    type: Literal["ask_controls"]


class ReturnControlsNotification(_ClientModel):
    """Who watches gives the controls back, or does not want them any more."""

    type: Literal["return_controls"]


WatcherMessage: TypeAlias = Annotated[
    ControlNotification | FrameAckNotification | AskControlsNotification | ReturnControlsNotification | VideoRequest,
    Field(discriminator="type"),
]

CLIENT_MESSAGE: Final[TypeAdapter[AnyClientMessage]] = TypeAdapter(ClientMessage)
EXTENDED_CLIENT_MESSAGE: Final[TypeAdapter[AnyClientMessage]] = TypeAdapter(ExtendedClientMessage)
WATCHER_MESSAGE: Final[TypeAdapter[WatcherMessage]] = TypeAdapter(WatcherMessage)

# ------------------------------------------------------------------------------------------ server -> client


class _ServerModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_enum_values=False)


class PackageInfo(_ServerModel):
    version: str
    commit: str | None = None


class SystemInfo(_ServerModel):
    """Facts about the machine that do not change while the server runs."""

    cpu_name: str | None = None
    gpu_name: str | None = None
    vram_total_bytes: int | None = None
    runtime_version: str | None = None
    driver_version: str | None = None
    torch_version: str
    gpu_count: int = 0
    world_engine: PackageInfo | None = None
    quark: PackageInfo | None = None


class ErrorSnapshot(_ServerModel):
    """The machine at the moment of an error."""

    process_rss_bytes: int | None = None
    ram_used_bytes: int | None = None
    ram_total_bytes: int | None = None
    vram_used_bytes: int | None = None
    vram_reserved_bytes: int | None = None
    gpu_util_percent: int | None = None


class StatusMessage(_ServerModel):
    type: Literal["status"] = "status"
    stage: StageId
    message: str | None = None


class SystemInfoMessage(SystemInfo):
    type: Literal["system_info"] = "system_info"


class ErrorMessage(_ServerModel):
    """Something ended or broke. Without `message_id` the client shows `message` as it is."""

    type: Literal["error"] = "error"
    message_id: ErrorId | None = None
    message: str | None = None
    params: dict[str, str] | None = None
    snapshot: ErrorSnapshot | None = None
    code: ErrorCode | None = None


class WarningMessage(_ServerModel):
    type: Literal["warning"] = "warning"
    message_id: WarningId
    message: str | None = None
    params: dict[str, str] | None = None
    code: ErrorCode | None = None


LogField: TypeAlias = str | int | FiniteFloat | bool


class LogMessage(_ServerModel):
    """One structured log event of this client's own session. `timestamp` is the server's HH:MM:SS."""

    type: Literal["log"] = "log"
    event: str
    level: str = "info"
    logger: str | None = None
    timestamp: str | None = None
    exception: str | None = None
    fields: dict[str, LogField] | None = None


class InitResponseData(_ServerModel):
    model: str
    inference_fps: int
    system_info: SystemInfo


class SceneEditResponseData(_ServerModel):
    original_jpeg_b64: str
    preview_jpeg_b64: str
    edit_prompt: str


class GenerateSceneResponseData(_ServerModel):
    """`seed_hash` names the scene among the seeds of the server (SHA-256 of the file, hex)."""

    elapsed_ms: int
    image_jpeg_base64: str
    user_prompt: str
    sanitized_prompt: str
    image_model: str
    seed_hash: str


class CheckSeedSafetyResponseData(_ServerModel):
    """`hash` is the SHA-256 (hex) of the picture file."""

    is_safe: bool
    hash: str


ResponseData: TypeAlias = (
    InitResponseData | SceneEditResponseData | GenerateSceneResponseData | CheckSeedSafetyResponseData
)


class RpcSuccess(_ServerModel):
    type: Literal["response"] = "response"
    req_id: str
    success: Literal[True] = True
    data: ResponseData


class RpcError(_ServerModel):
    type: Literal["response"] = "response"
    req_id: str
    success: Literal[False] = False
    error_id: ErrorId | WarningId | None = None
    error: str | None = None
    code: ErrorCode | None = None


PushMessage: TypeAlias = StatusMessage | SystemInfoMessage | ErrorMessage | WarningMessage | LogMessage
ServerMessage: TypeAlias = PushMessage | RpcSuccess | RpcError


class ProgressStep(StrEnum):
    """What an `init` is busy with, or waits for, and a request for a scene."""

    READING_PICTURE = "reading_picture"
    LOADING_MODEL = "loading_model"
    CHECKING_PICTURE = "checking_picture"
    OPENING_WORLD = "opening_world"
    WAITING_FOR_TURN = "waiting_for_turn"
    WAITING_FOR_PLACE = "waiting_for_place"
    WRITING_PROMPT = "writing_prompt"
    PAINTING = "painting"
    CHANGING_WORLD = "changing_world"


class ProgressMessage(_ServerModel):
    """How far a request is. `fraction` is 0 to 1, absent when it cannot be known; `in_line` is the number in line."""

    type: Literal["progress"] = "progress"
    req_id: str
    step: ProgressStep
    fraction: FiniteFloat | None = None
    in_line: int | None = None


class MovedMessage(_ServerModel):
    """To a client that has said that it `follows`: it is served at `address`, such as ws://10.0.0.5:41001, and this
    connection ends. There it asks for the same path with the same query, and the `ticket`, if there is one, as one more
    parameter; then it sends again whatever it has sent here. The ticket is good once, for seconds.
    """

    type: Literal["moved"] = "moved"
    address: str
    ticket: str | None = None


class ResumedWorld(_ServerModel):
    """`kept` lists the moments that can still be restored. `lost_s` of play are gone where the engine had failed.

    `passes` counts all that were made for this client since its first `init`, also those that it took back. If that is
    one more than it has seen, the answer to its last `step` was lost on its way.

    `is_copy`: the server that had the world is gone, and this is its newest copy. It is as the world was after `passes`
    of the client's passes; `lost_s` of play at most came after them.
    """

    kept: tuple[str, ...]
    lost_s: float
    passes: int
    is_copy: bool | None = None


class ExtendedInitResponseData(InitResponseData):
    """`resume_token` leads back into this world once, from a new connection, for `resume_s` after this one is lost.

    Of a world that was resumed, `resumed` says what became of it.
    """

    resume_token: str | None = None
    resume_s: float | None = None
    resumed: ResumedWorld | None = None


class MomentResponseData(_ServerModel):
    """`kept` lists the moments that can still be restored, oldest first."""

    moment_id: str
    kept: tuple[str, ...]


class RewindResponseData(_ServerModel):
    """Seconds of the world's own time: how far it went back, and how much further one could go."""

    went_back_s: FiniteFloat
    left_s: FiniteFloat


class PromptResponseData(_ServerModel):
    """`prompt` are the words that steer the world now; empty: none."""

    prompt: str


class SaveWorldResponseData(_ServerModel):
    """`world_id` names the saved world in `/api/worlds`."""

    world_id: str
    title: str


class VideoResponseData(_ServerModel):
    """What frames are sent as now: JPEG also where H.264 was asked for and this server cannot encode it."""

    codec: VideoCodec


class RecordingResponseData(_ServerModel):
    """`waiting`: recording begins when play goes on. `name` is that of the segment which runs, or was ended."""

    state: Literal["off", "waiting", "recording"]
    name: str | None = None


class ClipResponseData(_ServerModel):
    """`name` is that of the recording, which is being written."""

    name: str
    duration_s: float


class KeepPictureResponseData(_ServerModel):
    """The picture in the gallery: a seed, by the SHA-256 (hex) of its file."""

    seed_hash: str
    title: str


class RecordingEvent(StrEnum):
    """What became of a recording."""

    STARTED = "started"
    FINISHING = "finishing"
    SAVED = "saved"
    REMOVED = "removed"  # too short, or without a frame
    POSTPONED = "postponed"  # its file is finished at the next start, or as the message says
    FAILED = "failed"
    REDIRECTED = "redirected"  # not into the folder that the client asked for


class RecordingMessage(_ServerModel):
    """`name` is the recording's. A failure has `message` and `code`; if it is of the one that ran, recording is off
    then. What came before it is `saved` where that can be done."""

    type: Literal["recording"] = "recording"
    event: RecordingEvent
    name: str | None = None
    duration_s: FiniteFloat | None = None
    message: str | None = None
    code: ErrorCode | None = None


class SharingData(_ServerModel):
    """`link` goes behind the server's `/watch.html#`; absent while nothing is shared. `expires_at` is in seconds since
    the Unix epoch. `guests` are the numbers of all who watch, `asking` and `guest` those of who asks for the controls
    and of who has them."""

    watchers: int
    guests: tuple[int, ...]
    link: str | None = None
    expires_at: FiniteFloat | None = None
    asking: int | None = None
    guest: int | None = None


class SharingMessage(SharingData):
    """Who watches, and who plays, whenever that changes. A newer one replaces one that was not sent yet."""

    type: Literal["sharing"] = "sharing"


class WatchingMessage(_ServerModel):
    """To who watches, whenever it changes. `number` is theirs, `watchers` counts all. `state` is that of the world.

    `controls`: nobody asks (`free`), you have asked, they are yours, or somebody else asks or has them (`taken`).
    `answer`: how your asking ended last, or that the player took the controls back.
    """

    type: Literal["watching"] = "watching"
    number: int
    watchers: int
    state: Literal["waiting", "playing", "paused"]
    controls: Literal["free", "asked", "yours", "taken"]
    answer: Literal["granted", "declined", "taken_back"] | None = None


ExtendedResponseData: TypeAlias = (
    ResponseData
    | ExtendedInitResponseData
    | MomentResponseData
    | RewindResponseData
    | PromptResponseData
    | ClipResponseData
    | KeepPictureResponseData
    | SaveWorldResponseData
    | VideoResponseData
    | RecordingResponseData
    | SharingData
)


class ExtendedRpcSuccess(_ServerModel):
    type: Literal["response"] = "response"
    req_id: str
    success: Literal[True] = True
    data: ExtendedResponseData


ExtendedServerMessage: TypeAlias = (
    PushMessage | ProgressMessage | MovedMessage | RecordingMessage | SharingMessage | ExtendedRpcSuccess | RpcError
)
WatcherServerMessage: TypeAlias = WatchingMessage | MovedMessage | ErrorMessage | ExtendedRpcSuccess | RpcError
AnyServerMessage: TypeAlias = ServerMessage | ExtendedServerMessage | WatcherServerMessage


def encode_message(message: AnyServerMessage) -> str:
    """JSON without the absent fields: a stock client's schema takes a missing field, but no null."""
    return message.model_dump_json(exclude_none=True)


# ------------------------------------------------------------------------------------------- binary envelope


class FrameHeader(_ServerModel):
    """What a pass says of itself. `frame_id` is that of its first sub-frame; the next ones count up from it.

    `epoch` counts the worlds and moments that the session has gone to: frame ids start over with each. `client_ts`
    echoes the newest control that the pass has read (0: none). `gen_ms` is the interval between passes,
    which clients pace by. The `t_` fields are this pass's own stages in milliseconds.

    `codec` is absent where the sub-frames are JPEGs, and `quality` is theirs. With `h264` they are access units in
    Annex B form, each building on those before; `key_frame`: the first of them builds on none. `crf` is their quality.
    With `rgb` they are pixels of 3 bytes, row by row, of that `width` and `height`.

    `req_id`: the pass answers that request, a `step` or a `look`. With `frames: last`, it has the last sub-frame only.
    """

    frame_id: int
    client_ts: FiniteFloat
    gen_ms: FiniteFloat
    temporal_compression: int = 1
    vram_used_bytes: int = -1
    gpu_util_percent: int = -1
    t_infer_ms: FiniteFloat | None = None
    t_sync_ms: FiniteFloat | None = None
    t_enc_ms: FiniteFloat | None = None
    t_metrics_ms: FiniteFloat | None = None
    t_overhead_ms: FiniteFloat | None = None
    quality: int | None = None
    epoch: int | None = None
    codec: Literal["h264", "rgb"] | None = None
    key_frame: bool | None = None
    crf: int | None = None
    width: int | None = None
    height: int | None = None
    req_id: str | None = None


_U32: Final = struct.Struct("<I")


class EnvelopeError(ValueError):
    """Bytes that are no frame envelope."""


def encode_envelope(header: FrameHeader, jpegs: Sequence[bytes]) -> bytes:
    """One binary message: u32 header length, header JSON, u32 count, then u32 length and bytes of each sub-frame."""
    head = header.model_dump_json(exclude_none=True).encode()
    parts = [_U32.pack(len(head)), head, _U32.pack(len(jpegs))]
    for jpeg in jpegs:
        parts += (_U32.pack(len(jpeg)), jpeg)
    return b"".join(parts)


def decode_envelope(data: bytes) -> tuple[FrameHeader, tuple[bytes, ...]]:
    """The reverse of `encode_envelope`.

    Raises:
        EnvelopeError: truncated, or longer than it says.
    """
    view, at = memoryview(data), 0

    def take(count: int) -> memoryview:
        nonlocal at
        if at + count > len(view):
            raise EnvelopeError(f"The envelope ends at byte {len(view)}, inside a part that ends at {at + count}.")
        at += count
        return view[at - count : at]

    def take_u32() -> int:
        return int(_U32.unpack(take(_U32.size))[0])

    header = FrameHeader.model_validate_json(bytes(take(take_u32())))
    jpegs = tuple(bytes(take(take_u32())) for _ in range(take_u32()))
    if at != len(view):
        raise EnvelopeError(f"{len(view) - at} bytes follow the last sub-frame.")
    return header, jpegs


def json_schemas() -> dict[str, Any]:
    """JSON Schema of both directions, stock and extended, by the name of each union."""
    unions: dict[str, Any] = {
        "ClientMessage": ClientMessage,
        "ExtendedClientMessage": ExtendedClientMessage,
        "ServerMessage": ServerMessage,
        "ExtendedServerMessage": ExtendedServerMessage,
        "WatcherMessage": WatcherMessage,
        "WatcherServerMessage": WatcherServerMessage,
        "FrameHeader": FrameHeader,
    }
    keyed = [
        (name, "serialization" if "Server" in name else "validation", TypeAdapter(t)) for name, t in unions.items()
    ]
    roots, definitions = TypeAdapter.json_schemas(keyed, ref_template="#/$defs/{model}")  # pyright: ignore[reportArgumentType] - the mode is one of the two literals
    names = {name: schema for (name, _), schema in roots.items()}
    # A model that is a root itself (FrameHeader) is only a reference there; its definition must win.
    return {**names, **definitions.get("$defs", {})}
