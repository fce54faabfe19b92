"""The messages of the protocol. Generated from wire_protocol.py by scripts/generate_protocol.py."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field


class FromClient(BaseModel):
    """What the client sends: a field that the protocol does not have is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FromServer(BaseModel):
    """What the server sends: a newer one may say more."""

    model_config = ConfigDict(frozen=True, extra="ignore")


PROTOCOL_VERSION: Final = 5
KEYS: Final = frozenset(
    [
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "7",
        "8",
        "9",
        "A",
        "ALT",
        "B",
        "C",
        "CTRL",
        "D",
        "DOWN",
        "E",
        "ENTER",
        "F",
        "G",
        "H",
        "I",
        "J",
        "K",
        "L",
        "LEFT",
        "M",
        "MOUSE_LEFT",
        "MOUSE_MIDDLE",
        "MOUSE_RIGHT",
        "MOUSE_X1",
        "MOUSE_X2",
        "N",
        "O",
        "P",
        "Q",
        "R",
        "RIGHT",
        "S",
        "SCROLL_DOWN",
        "SCROLL_UP",
        "SHIFT",
        "SPACE",
        "T",
        "TAB",
        "U",
        "UP",
        "V",
        "W",
        "X",
        "Y",
        "Z",
    ]
)


class AnswerGuestRequest(FromClient):
    """Lend the controls to the guest of that number, who has asked for them, or decline."""

    type: Literal["answer_guest"] = "answer_guest"
    req_id: Annotated[str, Field(min_length=1, max_length=64)]
    guest: int
    granted: bool


class CancelNotification(FromClient):
    """Give up a request that was not answered yet; the request itself is answered with code `cancelled`."""

    type: Literal["cancel"] = "cancel"
    target_req_id: Annotated[str, Field(min_length=1, max_length=64)]


class CheckSeedSafetyResponseData(FromServer):
    """`hash` is the SHA-256 (hex) of the picture file."""

    is_safe: bool
    hash: str


class ClipResponseData(FromServer):
    """`name` is that of the recording, which is being written."""

    name: str
    duration_s: float


class ControlNotification(FromClient):
    """Held buttons and mouse motion (pixels) since the last one. `ts` is the client's clock, echoed with the frame."""

    type: Literal["control"] = "control"
    buttons: Annotated[tuple[Annotated[str, Field(max_length=32)], ...], Field(max_length=64)] = ()
    mouse_dx: float = 0.0
    mouse_dy: float = 0.0
    ts: float | None = None


class ErrorCode(StrEnum):
    """The finer cause of an error, on the socket (`code`) and in REST bodies. Stable: clients may switch on it."""

    PROTOCOL_VERSION_MISMATCH = "protocolVersionMismatch"
    SERVER_BUSY = "serverBusy"
    TOO_MANY_SESSIONS = "tooManySessions"
    DISPLACED = "displaced"
    RESUMED_ELSEWHERE = "resumedElsewhere"
    RESUME_TOO_LATE = "resumeTooLate"
    INIT_TIMEOUT = "initTimeout"
    SHUTTING_DOWN = "shuttingDown"
    CLIENT_TOO_SLOW = "clientTooSlow"
    SESSION_UNKNOWN = "sessionUnknown"
    TICKET_INVALID = "ticketInvalid"
    TICKET_EXPIRED = "ticketExpired"
    TICKET_USED = "ticketUsed"
    INVALID_REQUEST = "invalidRequest"
    MESSAGE_TOO_LARGE = "messageTooLarge"
    TOO_MANY_REQUESTS = "tooManyRequests"
    CANCELLED = "cancelled"
    REQUEST_TIMEOUT = "requestTimeout"
    NOT_READY = "notReady"
    INTERNAL = "internal"
    UNKNOWN_MODEL = "unknownModel"
    MODEL_NOT_PULLED = "modelNotPulled"
    UNSUPPORTED_QUANT = "unsupportedQuant"
    UNSUPPORTED_BACKEND = "unsupportedBackend"
    MODEL_LOAD_FAILED = "modelLoadFailed"
    MODEL_BUSY = "modelBusy"
    MODEL_BUILT_IN = "modelBuiltIn"
    MODEL_IN_USE = "modelInUse"
    MODEL_DOES_NOT_FIT = "modelDoesNotFit"
    MODEL_HUB_UNAVAILABLE = "modelHubUnavailable"
    MODEL_ACCESS_NEEDED = "modelAccessNeeded"
    MODEL_UNUSABLE = "modelUnusable"
    MODEL_NOT_KEPT = "modelNotKept"
    ENGINE_FAILED = "engineFailed"
    SEED_MISSING = "seedMissing"
    SEED_UNKNOWN = "seedUnknown"
    SEED_NOT_BASE64 = "seedNotBase64"
    SEED_EMPTY = "seedEmpty"
    SEED_NOT_A_PICTURE = "seedNotAPicture"
    SEED_TOO_LARGE = "seedTooLarge"
    SEED_UNSAFE = "seedUnsafe"
    SEED_CHECK_FAILED = "seedCheckFailed"
    SEED_SHIPPED = "seedShipped"
    SEED_NOT_KEPT = "seedNotKept"
    MOMENT_UNKNOWN = "momentUnknown"
    NOTHING_TO_REWIND = "nothingToRewind"
    PROMPT_INVALID = "promptInvalid"
    PROMPT_NOT_HEARD = "promptNotHeard"
    SIZE_NOT_DRAWN = "sizeNotDrawn"
    NOTHING_TO_KEEP = "nothingToKeep"
    AUTHORING_EMPTY_PROMPT = "authoringEmptyPrompt"
    AUTHORING_UNAVAILABLE = "authoringUnavailable"
    AUTHORING_PROMPT_TOO_LONG = "authoringPromptTooLong"
    AUTHORING_IN_PROGRESS = "authoringInProgress"
    AUTHORING_LOAD_FAILED = "authoringLoadFailed"
    AUTHORING_EDIT_REFUSED = "authoringEditRefused"
    AUTHORING_SCENE_REFUSED = "authoringSceneRefused"
    AUTHORING_FAILED = "authoringFailed"
    AUTHORING_OUTDATED = "authoringOutdated"
    LINK_UNKNOWN = "linkUnknown"
    SHARING_OFF = "sharingOff"
    SHARING_ENDED = "sharingEnded"
    TOO_MANY_WATCHERS = "tooManyWatchers"
    SENT_AWAY = "sentAway"
    WATCH_ONLY = "watchOnly"
    CONTROLS_TAKEN = "controlsTaken"
    GUEST_UNKNOWN = "guestUnknown"
    JOB_UNKNOWN = "jobUnknown"
    JOB_KIND_UNKNOWN = "jobKindUnknown"
    JOB_NOT_OVER = "jobNotOver"
    JOB_NOT_RETRYABLE = "jobNotRetryable"
    JOB_KEY_REUSED = "jobKeyReused"
    JOBS_UNAVAILABLE = "jobsUnavailable"
    JOB_NOT_KEPT = "jobNotKept"
    JOB_HAS_NO_FILE = "jobHasNoFile"
    SERVER_RESTARTED = "serverRestarted"
    FILM_FAILED = "filmFailed"
    SCRIPT_TOO_LONG = "scriptTooLong"
    SCRIPT_FAILED = "scriptFailed"
    AGENTS_MISSING = "agentsMissing"
    FILM_UNKNOWN = "filmUnknown"
    FILM_NOT_MADE = "filmNotMade"
    FILM_REFUSED = "filmRefused"
    FILM_SOURCE_UNKNOWN = "filmSourceUnknown"
    FILM_SOURCE_UNUSABLE = "filmSourceUnusable"
    FILM_SOURCE_TOO_LARGE = "filmSourceTooLarge"
    FILM_SOURCE_IN_USE = "filmSourceInUse"
    FILM_LORA_REFUSED = "filmLoraRefused"
    FILM_OUT_OF_MEMORY = "filmOutOfMemory"
    FILM_NOTES_MISSING = "filmNotesMissing"
    FILM_QUOTA_USED = "filmQuotaUsed"
    FILM_NOT_KEPT = "filmNotKept"
    FEEDBACK_UNKNOWN = "feedbackUnknown"
    FEEDBACK_UNAVAILABLE = "feedbackUnavailable"
    FEEDBACK_NOT_KEPT = "feedbackNotKept"
    OWNERS_UNAVAILABLE = "ownersUnavailable"
    WORLD_UNKNOWN = "worldUnknown"
    WORLD_NOT_A_WORLD = "worldNotAWorld"
    WORLD_DAMAGED = "worldDamaged"
    WORLD_TOO_LARGE = "worldTooLarge"
    WORLD_OTHER_VERSION = "worldOtherVersion"
    WORLD_OTHER_MODEL = "worldOtherModel"
    WORLD_NOT_KEPT = "worldNotKept"
    RECORDING_UNKNOWN = "recordingUnknown"
    RECORDING_NAME_INVALID = "recordingNameInvalid"
    RECORDING_NAME_TAKEN = "recordingNameTaken"
    RECORDING_IN_USE = "recordingInUse"
    RECORDING_DAMAGED = "recordingDamaged"
    RECORDING_FOLDER_REFUSED = "recordingFolderRefused"
    RECORDING_FOLDER_UNUSABLE = "recordingFolderUnusable"
    RECORDING_DISK_FULL = "recordingDiskFull"
    RECORDING_QUOTA_USED = "recordingQuotaUsed"
    RECORDING_ENCODER_MISSING = "recordingEncoderMissing"
    RECORDING_FAILED = "recordingFailed"
    SETTINGS_CHANGED = "settingsChanged"
    SETTINGS_REVISION_MISSING = "settingsRevisionMissing"
    SETTINGS_REFUSED = "settingsRefused"
    SETTINGS_BROKEN = "settingsBroken"
    SETTINGS_NOT_KEPT = "settingsNotKept"
    HOST_INVALID = "hostInvalid"
    HOST_FORBIDDEN = "hostForbidden"
    ORIGIN_FORBIDDEN = "originForbidden"
    TOKEN_REQUIRED = "tokenRequired"
    LOCAL_ONLY = "localOnly"
    ANONYMOUS_NOT_ALLOWED = "anonymousNotAllowed"
    UPLOAD_QUOTA_USED = "uploadQuotaUsed"
    SIGN_IN_REQUIRED = "signInRequired"
    SIGN_IN_FAILED = "signInFailed"
    TOO_MANY_ATTEMPTS = "tooManyAttempts"
    ROLE_NOT_ALLOWED = "roleNotAllowed"
    SCOPE_MISSING = "scopeMissing"
    ACCOUNTS_OFF = "accountsOff"
    ACCOUNTS_UNAVAILABLE = "accountsUnavailable"
    ACCOUNT_NOT_KEPT = "accountNotKept"
    ACCOUNT_UNKNOWN = "accountUnknown"
    ACCOUNT_NAME_TAKEN = "accountNameTaken"
    ACCOUNT_NAME_INVALID = "accountNameInvalid"
    PASSWORD_INVALID = "passwordInvalid"
    LAST_OWNER = "lastOwner"
    OWNER_EXISTS = "ownerExists"
    CODE_INVALID = "codeInvalid"
    NOT_A_PERSON = "notAPerson"
    NOT_FOUND = "notFound"
    METHOD_NOT_ALLOWED = "methodNotAllowed"
    SERVICE_UNAVAILABLE = "serviceUnavailable"


class ErrorId(StrEnum):
    """Errors that a stock client has a translated text for."""

    APP_SERVER_ERROR_PROTOCOL_VERSION_MISMATCH = "app.server.error.protocolVersionMismatch"
    APP_SERVER_ERROR_SERVER_BUSY = "app.server.error.serverBusy"
    APP_SERVER_ERROR_SERVER_STARTUP_FAILED = "app.server.error.serverStartupFailed"
    APP_SERVER_ERROR_TIMEOUT_WAITING_FOR_SEED = "app.server.error.timeoutWaitingForSeed"
    APP_SERVER_ERROR_INIT_FAILED = "app.server.error.initFailed"
    APP_SERVER_ERROR_QUANT_UNSUPPORTED_GPU = "app.server.error.quantUnsupportedGpu"
    APP_SERVER_ERROR_SCENE_AUTHORING_MODEL_LOAD_FAILED = "app.server.error.sceneAuthoringModelLoadFailed"
    APP_SERVER_ERROR_SCENE_AUTHORING_EMPTY_PROMPT = "app.server.error.sceneAuthoringEmptyPrompt"
    APP_SERVER_ERROR_SCENE_AUTHORING_MODEL_NOT_LOADED = "app.server.error.sceneAuthoringModelNotLoaded"
    APP_SERVER_ERROR_SCENE_AUTHORING_ALREADY_IN_PROGRESS = "app.server.error.sceneAuthoringAlreadyInProgress"
    APP_SERVER_ERROR_SCENE_EDIT_SAFETY_REJECTED = "app.server.error.sceneEditSafetyRejected"
    APP_SERVER_ERROR_GENERATE_SCENE_SAFETY_REJECTED = "app.server.error.generateSceneSafetyRejected"
    APP_SERVER_ERROR_DEVICE_RECOVERY_FAILED = "app.server.error.deviceRecoveryFailed"


class ErrorMessage(FromServer):
    """Something ended or broke. Without `message_id` the client shows `message` as it is."""

    type: Literal["error"] = "error"
    message_id: ErrorId | str | None = None
    message: str | None = None
    params: dict[str, str] | None = None
    snapshot: ErrorSnapshot | None = None
    code: ErrorCode | str | None = None


class ErrorSnapshot(FromServer):
    """The machine at the moment of an error."""

    process_rss_bytes: int | None = None
    ram_used_bytes: int | None = None
    ram_total_bytes: int | None = None
    vram_used_bytes: int | None = None
    vram_reserved_bytes: int | None = None
    gpu_util_percent: int | None = None


class ExtendedInitResponseData(FromServer):
    """`resume_token` leads back into this world once, from a new connection, for `resume_s` after this one is lost.

    Of a world that was resumed, `resumed` says what became of it.
    """

    model: str
    inference_fps: int
    system_info: SystemInfo
    resume_token: str | None = None
    resume_s: float | None = None
    resumed: ResumedWorld | None = None


class ExtendedRpcSuccess(FromServer):
    type: Literal["response"] = "response"
    req_id: str
    success: Literal[True] = True
    data: (
        InitResponseData
        | SceneEditResponseData
        | GenerateSceneResponseData
        | CheckSeedSafetyResponseData
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


class FrameAckNotification(FromClient):
    """A pass was drawn. From the first one on, two passes are sent ahead of it, or more on a long link.

    `epoch` is that of the frame's header: frame ids start over with each epoch.
    """

    type: Literal["frame_ack"] = "frame_ack"
    frame_id: int
    epoch: int | None = None


class FrameHeader(FromServer):
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
    client_ts: float
    gen_ms: float
    temporal_compression: int
    vram_used_bytes: int
    gpu_util_percent: int
    t_infer_ms: float | None = None
    t_sync_ms: float | None = None
    t_enc_ms: float | None = None
    t_metrics_ms: float | None = None
    t_overhead_ms: float | None = None
    quality: int | None = None
    epoch: int | None = None
    codec: Literal["h264", "rgb"] | None = None
    key_frame: bool | None = None
    crf: int | None = None
    width: int | None = None
    height: int | None = None
    req_id: str | None = None


class GenerateSceneResponseData(FromServer):
    """`seed_hash` names the scene among the seeds of the server (SHA-256 of the file, hex)."""

    elapsed_ms: int
    image_jpeg_base64: str
    user_prompt: str
    sanitized_prompt: str
    image_model: str
    seed_hash: str


class InitResponseData(FromServer):
    model: str
    inference_fps: int
    system_info: SystemInfo


class KeepClipRequest(FromClient):
    """Make a recording of the newest fifteen seconds of play."""

    type: Literal["keep_clip"] = "keep_clip"
    req_id: Annotated[str, Field(min_length=1, max_length=64)]


class KeepPictureRequest(FromClient):
    """Keep what the player sees now as a picture of the gallery, or what was seen at the kept moment `moment_id`."""

    type: Literal["keep_picture"] = "keep_picture"
    req_id: Annotated[str, Field(min_length=1, max_length=64)]
    title: Annotated[str, Field(max_length=200)] = ""
    moment_id: str | None = None


class KeepPictureResponseData(FromServer):
    """The picture in the gallery: a seed, by the SHA-256 (hex) of its file."""

    seed_hash: str
    title: str


class LogMessage(FromServer):
    """One structured log event of this client's own session. `timestamp` is the server's HH:MM:SS."""

    type: Literal["log"] = "log"
    event: str
    level: str
    logger: str | None = None
    timestamp: str | None = None
    exception: str | None = None
    fields: dict[str, str | int | float | bool] | None = None


class LookRequest(FromClient):
    """See what the player sees now, without a pass."""

    req_id: Annotated[str, Field(min_length=1, max_length=64)]
    codec: Literal["jpeg", "rgb"] = "jpeg"
    width: Annotated[int, Field(ge=8, le=4096)] | None = None
    height: Annotated[int, Field(ge=8, le=4096)] | None = None
    type: Literal["look"] = "look"


class MomentResponseData(FromServer):
    """`kept` lists the moments that can still be restored, oldest first."""

    moment_id: str
    kept: tuple[str, ...]


class MovedMessage(FromServer):
    """To a client that has said that it `follows`: it is served at `address`, such as ws://10.0.0.5:41001, and this
    connection ends. There it asks for the same path with the same query, and the `ticket`, if there is one, as one more
    parameter; then it sends again whatever it has sent here. The ticket is good once, for seconds.
    """

    type: Literal["moved"] = "moved"
    address: str
    ticket: str | None = None


class PackageInfo(FromServer):
    version: str
    commit: str | None = None


class PauseNotification(FromClient):
    type: Literal["pause"] = "pause"


class ProgressMessage(FromServer):
    """How far a request is. `fraction` is 0 to 1, absent when it cannot be known; `in_line` is the number in line."""

    type: Literal["progress"] = "progress"
    req_id: str
    step: ProgressStep | str
    fraction: float | None = None
    in_line: int | None = None


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


class PromptNotification(FromClient):
    """Start over, with these words steering the world where its model hears words; elsewhere it is a reset alone."""

    type: Literal["prompt"] = "prompt"
    prompt: str = ""


class PromptResponseData(FromServer):
    """`prompt` are the words that steer the world now; empty: none."""

    prompt: str


class RecordingEvent(StrEnum):
    """What became of a recording."""

    STARTED = "started"
    FINISHING = "finishing"
    SAVED = "saved"
    REMOVED = "removed"
    POSTPONED = "postponed"
    FAILED = "failed"
    REDIRECTED = "redirected"


class RecordingMessage(FromServer):
    """`name` is the recording's. A failure has `message` and `code`; if it is of the one that ran, recording is off
    then. What came before it is `saved` where that can be done.
    """

    type: Literal["recording"] = "recording"
    event: RecordingEvent | str
    name: str | None = None
    duration_s: float | None = None
    message: str | None = None
    code: ErrorCode | str | None = None


class RecordingRequest(FromClient):
    """Begin or end recording the session. What is ended within three seconds is removed unless `keep_short`."""

    type: Literal["recording"] = "recording"
    req_id: Annotated[str, Field(min_length=1, max_length=64)]
    on: bool
    keep_short: bool = False


class RecordingResponseData(FromServer):
    """`waiting`: recording begins when play goes on. `name` is that of the segment which runs, or was ended."""

    state: Literal["off", "waiting", "recording"]
    name: str | None = None


class ResetNotification(FromClient):
    type: Literal["reset"] = "reset"


class RestoreMomentRequest(FromClient):
    """Go back to a kept moment."""

    type: Literal["restore_moment"] = "restore_moment"
    req_id: Annotated[str, Field(min_length=1, max_length=64)]
    moment_id: str


class ResumeNotification(FromClient):
    type: Literal["resume"] = "resume"


class ResumedWorld(FromServer):
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


class RewindRequest(FromClient):
    """Go back by so much of the world's own time, or as far as is still known."""

    type: Literal["rewind"] = "rewind"
    req_id: Annotated[str, Field(min_length=1, max_length=64)]
    seconds: Annotated[float, Field(le=60, gt=0)]


class RewindResponseData(FromServer):
    """Seconds of the world's own time: how far it went back, and how much further one could go."""

    went_back_s: float
    left_s: float


class RpcError(FromServer):
    type: Literal["response"] = "response"
    req_id: str
    success: Literal[False] = False
    error_id: ErrorId | str | WarningId | str | None = None
    error: str | None = None
    code: ErrorCode | str | None = None


class SaveWorldRequest(FromClient):
    """Keep this moment of the world on the server as a world file, or the kept moment `moment_id`: a branch."""

    type: Literal["save_world"] = "save_world"
    req_id: Annotated[str, Field(min_length=1, max_length=64)]
    title: Annotated[str, Field(max_length=200)] = ""
    moment_id: str | None = None


class SaveWorldResponseData(FromServer):
    """`world_id` names the saved world in `/api/worlds`."""

    world_id: str
    title: str


class SceneEditResponseData(FromServer):
    original_jpeg_b64: str
    preview_jpeg_b64: str
    edit_prompt: str


class SendAwayRequest(FromClient):
    """Have the guest of that number watch no longer. Nobody from their address is let in again for ten minutes."""

    type: Literal["send_away"] = "send_away"
    req_id: Annotated[str, Field(min_length=1, max_length=64)]
    guest: int


class SessionConfig(FromClient):
    """What the client wants of its session. Sent whole with every `init`; the server applies the differences."""

    quant: Literal["fp8w8a8", "intw8a8"] | None = None
    engine_backend: Literal["world_engine", "quark"] = "world_engine"
    scene_authoring: bool
    action_logging: bool
    video_recording: bool
    video_output_dir: str | None
    cap_inference_fps: bool


class SetPromptRequest(FromClient):
    """Have these words steer the world in play from its next pass on. Without words, it is steered by none."""

    type: Literal["set_prompt"] = "set_prompt"
    req_id: Annotated[str, Field(min_length=1, max_length=64)]
    prompt: str = ""


class ShareRequest(FromClient):
    """Make a link by which others may watch this session, for so many hours at most. There is one: asked for again, it
    stays, and lasts so long from now on.
    """

    type: Literal["share"] = "share"
    req_id: Annotated[str, Field(min_length=1, max_length=64)]
    hours: Annotated[int, Field(ge=1, le=168)] = 24


class SharingData(FromServer):
    """`link` goes behind the server's `/watch.html#`; absent while nothing is shared. `expires_at` is in seconds since
    the Unix epoch. `guests` are the numbers of all who watch, `asking` and `guest` those of who asks for the controls
    and of who has them.
    """

    watchers: int
    guests: tuple[int, ...]
    link: str | None = None
    expires_at: float | None = None
    asking: int | None = None
    guest: int | None = None


class SharingMessage(FromServer):
    """Who watches, and who plays, whenever that changes. A newer one replaces one that was not sent yet."""

    watchers: int
    guests: tuple[int, ...]
    link: str | None = None
    expires_at: float | None = None
    asking: int | None = None
    guest: int | None = None
    type: Literal["sharing"] = "sharing"


class StageId(StrEnum):
    """Where a connection is on its way to the first frame."""

    STARTUP_BEGIN = "startup.begin"
    STARTUP_WORLD_ENGINE_MANAGER = "startup.world_engine_manager"
    STARTUP_SAFETY_CHECKER = "startup.safety_checker"
    STARTUP_SAFETY_READY = "startup.safety_ready"
    STARTUP_READY = "startup.ready"
    SESSION_WAITING_FOR_SEED = "session.waiting_for_seed"
    SESSION_LOADING_MODEL_LOAD = "session.loading_model.load"
    SESSION_LOADING_MODEL_INSTANTIATE = "session.loading_model.instantiate"
    SESSION_SCENE_AUTHORING_LOAD = "session.scene_authoring.load"
    SESSION_WARMUP_RESET = "session.warmup.reset"
    SESSION_WARMUP_SEED = "session.warmup.seed"
    SESSION_WARMUP_COMPILE = "session.warmup.compile"
    SESSION_INIT_RESET = "session.init.reset"
    SESSION_INIT_SEED = "session.init.seed"
    SESSION_INIT_FRAME = "session.init.frame"
    SESSION_RESET = "session.reset"
    SESSION_READY = "session.ready"


class StatusMessage(FromServer):
    type: Literal["status"] = "status"
    stage: StageId | str
    message: str | None = None


class StepRequest(FromClient):
    """Make one pass, in a session that was opened with `mode=stepped`.

    `buttons` are those that are down during the pass. `frames`: all sub-frames of the pass, or just the last one.
    """

    req_id: Annotated[str, Field(min_length=1, max_length=64)]
    codec: Literal["jpeg", "rgb"] = "jpeg"
    width: Annotated[int, Field(ge=8, le=4096)] | None = None
    height: Annotated[int, Field(ge=8, le=4096)] | None = None
    type: Literal["step"] = "step"
    buttons: Annotated[tuple[Annotated[str, Field(max_length=32)], ...], Field(max_length=64)] = ()
    mouse_dx: float = 0.0
    mouse_dy: float = 0.0
    frames: Literal["all", "last"] = "all"


class StopSharingRequest(FromClient):
    """Have the link open nothing any more, and end whoever watches."""

    type: Literal["stop_sharing"] = "stop_sharing"
    req_id: Annotated[str, Field(min_length=1, max_length=64)]


class SystemInfo(FromServer):
    """Facts about the machine that do not change while the server runs."""

    cpu_name: str | None = None
    gpu_name: str | None = None
    vram_total_bytes: int | None = None
    runtime_version: str | None = None
    driver_version: str | None = None
    torch_version: str
    gpu_count: int
    world_engine: PackageInfo | None = None
    quark: PackageInfo | None = None


class SystemInfoMessage(FromServer):
    cpu_name: str | None = None
    gpu_name: str | None = None
    vram_total_bytes: int | None = None
    runtime_version: str | None = None
    driver_version: str | None = None
    torch_version: str
    gpu_count: int
    world_engine: PackageInfo | None = None
    quark: PackageInfo | None = None
    type: Literal["system_info"] = "system_info"


class TakeControlsRequest(FromClient):
    """Take the controls back from the guest who has them."""

    type: Literal["take_controls"] = "take_controls"
    req_id: Annotated[str, Field(min_length=1, max_length=64)]


class TakeMomentRequest(FromClient):
    """Keep this moment of the world; the oldest kept one gives way."""

    type: Literal["take_moment"] = "take_moment"
    req_id: Annotated[str, Field(min_length=1, max_length=64)]


class TimedCheckSeedSafetyRequest(FromClient):
    type: Literal["check_seed_safety"] = "check_seed_safety"
    req_id: Annotated[str, Field(min_length=1, max_length=64)]
    image_data: str
    timeout_s: Annotated[float, Field(le=3600, gt=0)] | None = None


class TimedGenerateSceneRequest(FromClient):
    type: Literal["generate_scene"] = "generate_scene"
    req_id: Annotated[str, Field(min_length=1, max_length=64)]
    prompt: str
    timeout_s: Annotated[float, Field(le=3600, gt=0)] | None = None


class TimedInitRequest(FromClient):
    """`init` with a time limit, and what the server already has: a seed, by the SHA-256 (hex) of the picture file, or a
    saved world, which brings its own model and goes on where it was saved; or the world that a lost connection left
    behind, by the `resume_token` of the answer to an earlier `init`, which goes on where it was.

    `rng_seed` decides all that is random in a world that begins in a picture; without it, the server draws one. `width`
    and `height` are the size in which a stepped world is drawn, until the next `init`; without them, its engine's own.
    """

    type: Literal["init"] = "init"
    req_id: Annotated[str, Field(min_length=1, max_length=64)]
    config: SessionConfig
    model: str | None = None
    seed_image_data: str | None = None
    seed_filename: str | None = None
    biome_version: str | None = None
    timeout_s: Annotated[float, Field(le=3600, gt=0)] | None = None
    seed_hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    world_id: Annotated[str, Field(pattern="^[0-9a-f]{16}$")] | None = None
    resume_token: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    rng_seed: Annotated[int, Field(ge=0, lt=4294967296)] | None = None
    width: Annotated[int, Field(ge=8, le=4096)] | None = None
    height: Annotated[int, Field(ge=8, le=4096)] | None = None


class TimedSceneEditRequest(FromClient):
    type: Literal["scene_edit"] = "scene_edit"
    req_id: Annotated[str, Field(min_length=1, max_length=64)]
    prompt: str
    timeout_s: Annotated[float, Field(le=3600, gt=0)] | None = None


class VideoRequest(FromClient):
    """Have frames sent as H.264 or as JPEGs from now on. H.264 begins with a key frame, also when it was sent before.

    The frame on the screen is sent once more, as a JPEG.
    """

    type: Literal["video"] = "video"
    req_id: Annotated[str, Field(min_length=1, max_length=64)]
    codec: Literal["jpeg", "h264"]


class VideoResponseData(FromServer):
    """What frames are sent as now: JPEG also where H.264 was asked for and this server cannot encode it."""

    codec: Literal["jpeg", "h264"]


class WarningId(StrEnum):
    """Warnings that a stock client has a translated text for."""

    APP_SERVER_WARNING_MISSING_SEED_DATA = "app.server.warning.missingSeedData"
    APP_SERVER_WARNING_INVALID_SEED_DATA = "app.server.warning.invalidSeedData"
    APP_SERVER_WARNING_SEED_UNSAFE = "app.server.warning.seedUnsafe"
    APP_SERVER_WARNING_SEED_SAFETY_CHECK_FAILED = "app.server.warning.seedSafetyCheckFailed"
    APP_SERVER_WARNING_SEED_LOAD_FAILED = "app.server.warning.seedLoadFailed"


class WarningMessage(FromServer):
    type: Literal["warning"] = "warning"
    message_id: WarningId | str
    message: str | None = None
    params: dict[str, str] | None = None
    code: ErrorCode | str | None = None
