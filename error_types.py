"""Errors that reach a person: their codes, and the exceptions handlers raise."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ErrorCode(StrEnum):
    """The finer cause of an error, on the socket (`code`) and in REST bodies. Stable: clients may switch on it."""

    # the connection
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
    # any request
    INVALID_REQUEST = "invalidRequest"
    MESSAGE_TOO_LARGE = "messageTooLarge"
    TOO_MANY_REQUESTS = "tooManyRequests"
    CANCELLED = "cancelled"
    REQUEST_TIMEOUT = "requestTimeout"
    NOT_READY = "notReady"
    INTERNAL = "internal"
    # models
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
    # seeds
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
    # play
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
    # sharing
    LINK_UNKNOWN = "linkUnknown"
    SHARING_OFF = "sharingOff"
    SHARING_ENDED = "sharingEnded"
    TOO_MANY_WATCHERS = "tooManyWatchers"
    SENT_AWAY = "sentAway"
    WATCH_ONLY = "watchOnly"
    CONTROLS_TAKEN = "controlsTaken"
    GUEST_UNKNOWN = "guestUnknown"
    # jobs
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
    # agents
    AGENTS_MISSING = "agentsMissing"
    # films
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
    # feedback, and whose things are
    FEEDBACK_UNKNOWN = "feedbackUnknown"
    FEEDBACK_UNAVAILABLE = "feedbackUnavailable"
    FEEDBACK_NOT_KEPT = "feedbackNotKept"
    OWNERS_UNAVAILABLE = "ownersUnavailable"
    # saved worlds
    WORLD_UNKNOWN = "worldUnknown"
    WORLD_NOT_A_WORLD = "worldNotAWorld"
    WORLD_DAMAGED = "worldDamaged"
    WORLD_TOO_LARGE = "worldTooLarge"
    WORLD_OTHER_VERSION = "worldOtherVersion"
    WORLD_OTHER_MODEL = "worldOtherModel"
    WORLD_NOT_KEPT = "worldNotKept"
    # recordings
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
    # settings
    SETTINGS_CHANGED = "settingsChanged"
    SETTINGS_REVISION_MISSING = "settingsRevisionMissing"
    SETTINGS_REFUSED = "settingsRefused"
    SETTINGS_BROKEN = "settingsBroken"
    SETTINGS_NOT_KEPT = "settingsNotKept"
    # HTTP
    HOST_INVALID = "hostInvalid"
    HOST_FORBIDDEN = "hostForbidden"
    ORIGIN_FORBIDDEN = "originForbidden"
    TOKEN_REQUIRED = "tokenRequired"
    LOCAL_ONLY = "localOnly"
    ANONYMOUS_NOT_ALLOWED = "anonymousNotAllowed"
    UPLOAD_QUOTA_USED = "uploadQuotaUsed"
    # people
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


# The status of an HTTP answer that refuses a request for this reason.
HTTP_STATUS: Final[Mapping[ErrorCode, int]] = MappingProxyType(
    {
        # the connection
        ErrorCode.PROTOCOL_VERSION_MISMATCH: 400,
        ErrorCode.SERVER_BUSY: 503,
        ErrorCode.TOO_MANY_SESSIONS: 429,
        ErrorCode.DISPLACED: 409,
        ErrorCode.RESUMED_ELSEWHERE: 409,
        ErrorCode.RESUME_TOO_LATE: 410,
        ErrorCode.INIT_TIMEOUT: 408,
        ErrorCode.SHUTTING_DOWN: 503,
        ErrorCode.CLIENT_TOO_SLOW: 408,
        ErrorCode.SESSION_UNKNOWN: 404,
        ErrorCode.TICKET_INVALID: 403,
        ErrorCode.TICKET_EXPIRED: 410,
        ErrorCode.TICKET_USED: 409,
        # any request
        ErrorCode.INVALID_REQUEST: 422,
        ErrorCode.MESSAGE_TOO_LARGE: 413,
        ErrorCode.TOO_MANY_REQUESTS: 429,
        ErrorCode.CANCELLED: 409,
        ErrorCode.REQUEST_TIMEOUT: 504,
        ErrorCode.NOT_READY: 409,
        ErrorCode.INTERNAL: 500,
        # models
        ErrorCode.UNKNOWN_MODEL: 404,
        ErrorCode.MODEL_NOT_PULLED: 409,
        ErrorCode.UNSUPPORTED_QUANT: 422,
        ErrorCode.UNSUPPORTED_BACKEND: 422,
        ErrorCode.MODEL_LOAD_FAILED: 503,
        ErrorCode.MODEL_BUSY: 409,
        ErrorCode.MODEL_BUILT_IN: 409,
        ErrorCode.MODEL_IN_USE: 409,
        ErrorCode.MODEL_DOES_NOT_FIT: 409,
        ErrorCode.MODEL_HUB_UNAVAILABLE: 503,
        ErrorCode.MODEL_ACCESS_NEEDED: 403,
        ErrorCode.MODEL_UNUSABLE: 422,
        ErrorCode.MODEL_NOT_KEPT: 507,
        ErrorCode.ENGINE_FAILED: 500,
        # seeds
        ErrorCode.SEED_MISSING: 422,
        ErrorCode.SEED_UNKNOWN: 404,
        ErrorCode.SEED_NOT_BASE64: 422,
        ErrorCode.SEED_EMPTY: 422,
        ErrorCode.SEED_NOT_A_PICTURE: 422,
        ErrorCode.SEED_TOO_LARGE: 413,
        ErrorCode.SEED_UNSAFE: 422,
        ErrorCode.SEED_CHECK_FAILED: 503,
        ErrorCode.SEED_SHIPPED: 409,
        ErrorCode.SEED_NOT_KEPT: 507,
        # play
        ErrorCode.MOMENT_UNKNOWN: 404,
        ErrorCode.NOTHING_TO_REWIND: 409,
        ErrorCode.PROMPT_INVALID: 422,
        ErrorCode.PROMPT_NOT_HEARD: 409,
        ErrorCode.SIZE_NOT_DRAWN: 409,
        ErrorCode.NOTHING_TO_KEEP: 409,
        ErrorCode.AUTHORING_EMPTY_PROMPT: 422,
        ErrorCode.AUTHORING_UNAVAILABLE: 503,
        ErrorCode.AUTHORING_PROMPT_TOO_LONG: 422,
        ErrorCode.AUTHORING_IN_PROGRESS: 409,
        ErrorCode.AUTHORING_LOAD_FAILED: 503,
        ErrorCode.AUTHORING_EDIT_REFUSED: 422,
        ErrorCode.AUTHORING_SCENE_REFUSED: 422,
        ErrorCode.AUTHORING_FAILED: 500,
        ErrorCode.AUTHORING_OUTDATED: 409,
        # sharing
        ErrorCode.LINK_UNKNOWN: 404,
        ErrorCode.SHARING_OFF: 409,
        ErrorCode.SHARING_ENDED: 409,
        ErrorCode.TOO_MANY_WATCHERS: 503,
        ErrorCode.SENT_AWAY: 403,
        ErrorCode.WATCH_ONLY: 403,
        ErrorCode.CONTROLS_TAKEN: 409,
        ErrorCode.GUEST_UNKNOWN: 404,
        # jobs
        ErrorCode.JOB_UNKNOWN: 404,
        ErrorCode.JOB_KIND_UNKNOWN: 422,
        ErrorCode.JOB_NOT_OVER: 409,
        ErrorCode.JOB_NOT_RETRYABLE: 409,
        ErrorCode.JOB_KEY_REUSED: 409,
        ErrorCode.JOBS_UNAVAILABLE: 503,
        ErrorCode.JOB_NOT_KEPT: 507,
        ErrorCode.JOB_HAS_NO_FILE: 404,
        ErrorCode.SERVER_RESTARTED: 503,
        ErrorCode.FILM_FAILED: 500,
        ErrorCode.SCRIPT_TOO_LONG: 409,
        ErrorCode.SCRIPT_FAILED: 500,
        # agents
        ErrorCode.AGENTS_MISSING: 404,
        # films
        ErrorCode.FILM_UNKNOWN: 404,
        ErrorCode.FILM_NOT_MADE: 409,
        ErrorCode.FILM_REFUSED: 409,
        ErrorCode.FILM_SOURCE_UNKNOWN: 404,
        ErrorCode.FILM_SOURCE_UNUSABLE: 422,
        ErrorCode.FILM_SOURCE_TOO_LARGE: 413,
        ErrorCode.FILM_SOURCE_IN_USE: 409,
        ErrorCode.FILM_LORA_REFUSED: 409,
        ErrorCode.FILM_OUT_OF_MEMORY: 503,
        ErrorCode.FILM_NOTES_MISSING: 422,
        ErrorCode.FILM_QUOTA_USED: 507,
        ErrorCode.FILM_NOT_KEPT: 507,
        # feedback, and whose things are
        ErrorCode.FEEDBACK_UNKNOWN: 404,
        ErrorCode.FEEDBACK_UNAVAILABLE: 503,
        ErrorCode.FEEDBACK_NOT_KEPT: 507,
        ErrorCode.OWNERS_UNAVAILABLE: 503,
        # saved worlds
        ErrorCode.WORLD_UNKNOWN: 404,
        ErrorCode.WORLD_NOT_A_WORLD: 422,
        ErrorCode.WORLD_DAMAGED: 422,
        ErrorCode.WORLD_TOO_LARGE: 413,
        ErrorCode.WORLD_OTHER_VERSION: 422,
        ErrorCode.WORLD_OTHER_MODEL: 409,
        ErrorCode.WORLD_NOT_KEPT: 507,
        # recordings
        ErrorCode.RECORDING_UNKNOWN: 404,
        ErrorCode.RECORDING_NAME_INVALID: 422,
        ErrorCode.RECORDING_NAME_TAKEN: 409,
        ErrorCode.RECORDING_IN_USE: 409,
        ErrorCode.RECORDING_DAMAGED: 422,
        ErrorCode.RECORDING_FOLDER_REFUSED: 403,
        ErrorCode.RECORDING_FOLDER_UNUSABLE: 507,
        ErrorCode.RECORDING_DISK_FULL: 507,
        ErrorCode.RECORDING_QUOTA_USED: 507,
        ErrorCode.RECORDING_ENCODER_MISSING: 503,
        ErrorCode.RECORDING_FAILED: 500,
        # settings
        ErrorCode.SETTINGS_CHANGED: 412,
        ErrorCode.SETTINGS_REVISION_MISSING: 428,
        ErrorCode.SETTINGS_REFUSED: 422,
        ErrorCode.SETTINGS_BROKEN: 409,
        ErrorCode.SETTINGS_NOT_KEPT: 507,
        # HTTP
        ErrorCode.HOST_INVALID: 400,
        ErrorCode.HOST_FORBIDDEN: 403,
        ErrorCode.ORIGIN_FORBIDDEN: 403,
        ErrorCode.TOKEN_REQUIRED: 401,
        ErrorCode.LOCAL_ONLY: 403,
        ErrorCode.ANONYMOUS_NOT_ALLOWED: 403,
        ErrorCode.UPLOAD_QUOTA_USED: 429,
        # people
        ErrorCode.SIGN_IN_REQUIRED: 401,
        ErrorCode.SIGN_IN_FAILED: 401,
        ErrorCode.TOO_MANY_ATTEMPTS: 429,
        ErrorCode.ROLE_NOT_ALLOWED: 403,
        ErrorCode.SCOPE_MISSING: 403,
        ErrorCode.ACCOUNTS_OFF: 409,
        ErrorCode.ACCOUNTS_UNAVAILABLE: 503,
        ErrorCode.ACCOUNT_NOT_KEPT: 507,
        ErrorCode.ACCOUNT_UNKNOWN: 404,
        ErrorCode.ACCOUNT_NAME_TAKEN: 409,
        ErrorCode.ACCOUNT_NAME_INVALID: 422,
        ErrorCode.PASSWORD_INVALID: 422,
        ErrorCode.LAST_OWNER: 409,
        ErrorCode.OWNER_EXISTS: 409,
        ErrorCode.CODE_INVALID: 403,
        ErrorCode.NOT_A_PERSON: 409,
        ErrorCode.NOT_FOUND: 404,
        ErrorCode.METHOD_NOT_ALLOWED: 405,
        ErrorCode.SERVICE_UNAVAILABLE: 503,
    }
)


class DomainError(Exception):
    """A request that was understood and refused. `str()` of it is a sentence for the person who made it."""

    def __init__(self, message: str, code: ErrorCode) -> None:
        super().__init__(message)
        self.message = message
        self.code = code

    @property
    def http_status(self) -> int:
        return HTTP_STATUS[self.code]


class RetryLaterError(DomainError):
    """The same request may be served after `retry_after_s` seconds."""

    def __init__(self, message: str, code: ErrorCode, retry_after_s: int) -> None:
        super().__init__(message, code)
        self.retry_after_s = retry_after_s


class FieldsRefusedError(DomainError):
    """Settings that cannot be as they were asked for. `faults` has a sentence for each, by its name."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("Nothing was changed. " + " ".join(faults.values()), ErrorCode.SETTINGS_REFUSED)
        self.faults = faults


class NothingFollowsError(Exception):
    """A reader has seen everything there will ever be. The answer is 204, which stops an EventSource for good."""


def first_part(errors: Sequence[Mapping[str, object]]) -> str | None:
    """The part of the request that the first of pydantic's errors is about; None: all of it."""
    where = cast("Sequence[object]", errors[0]["loc"])
    named = [part for part in where if part not in ("body", "query", "path", "header")]
    return str(named[0]) if named else None


def first_fault(errors: Sequence[Mapping[str, object]]) -> str:
    """What is wrong, and where, of the first of pydantic's errors. It does not repeat what was sent."""
    first = errors[0]
    where = ".".join(str(part) for part in cast("Sequence[object]", first["loc"]))
    return f"{first['msg']} ({where})" if where else str(first["msg"])
