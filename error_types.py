"""Errors that reach a person: their codes, and the exceptions handlers raise."""

from __future__ import annotations

from enum import StrEnum


class ErrorCode(StrEnum):
    """The finer cause of an error, on the socket (`code`) and in REST bodies. Stable: clients may switch on it."""

    # the connection
    PROTOCOL_VERSION_MISMATCH = "protocolVersionMismatch"
    SERVER_BUSY = "serverBusy"
    DISPLACED = "displaced"
    INIT_TIMEOUT = "initTimeout"
    SHUTTING_DOWN = "shuttingDown"
    CLIENT_TOO_SLOW = "clientTooSlow"
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
    UNSUPPORTED_QUANT = "unsupportedQuant"
    UNSUPPORTED_BACKEND = "unsupportedBackend"
    MODEL_LOAD_FAILED = "modelLoadFailed"
    MODEL_BUSY = "modelBusy"
    MODEL_BUILT_IN = "modelBuiltIn"
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
    # play
    SNAPSHOT_UNKNOWN = "snapshotUnknown"
    NOTHING_TO_REWIND = "nothingToRewind"
    AUTHORING_EMPTY_PROMPT = "authoringEmptyPrompt"
    AUTHORING_UNAVAILABLE = "authoringUnavailable"
    AUTHORING_PROMPT_TOO_LONG = "authoringPromptTooLong"
    AUTHORING_IN_PROGRESS = "authoringInProgress"
    AUTHORING_LOAD_FAILED = "authoringLoadFailed"
    AUTHORING_EDIT_REFUSED = "authoringEditRefused"
    AUTHORING_SCENE_REFUSED = "authoringSceneRefused"
    AUTHORING_FAILED = "authoringFailed"
    AUTHORING_OUTDATED = "authoringOutdated"
    SCENE_JOB_UNKNOWN = "sceneJobUnknown"
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
    # HTTP
    HOST_FORBIDDEN = "hostForbidden"
    ORIGIN_FORBIDDEN = "originForbidden"
    TOKEN_REQUIRED = "tokenRequired"
    LOCAL_ONLY = "localOnly"
    NOT_FOUND = "notFound"
    METHOD_NOT_ALLOWED = "methodNotAllowed"
    SERVICE_UNAVAILABLE = "serviceUnavailable"


class DomainError(Exception):
    """A request that was understood and refused. `str()` of it is a sentence for the person who made it."""

    def __init__(self, message: str, code: ErrorCode) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class HTTPError(DomainError):
    """A `DomainError` with the HTTP status that its request is answered with."""

    def __init__(self, status: int, message: str, code: ErrorCode) -> None:
        super().__init__(message, code)
        self.status = status
