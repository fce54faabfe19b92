"""What a person is told when a service fails: the one place where its error becomes a `DomainError`."""

from __future__ import annotations

from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from error_types import DomainError, ErrorCode
from services.account_store.account_store import AccountFault, AccountStoreError
from services.feedback_store.feedback_store import FeedbackFault, FeedbackStoreError
from services.film_store.film_store import FilmStoreError
from services.job_folder.job_folder import JobFolderError
from services.job_store.job_store import JobStoreError, JobStoreFault
from services.local_models.model_error import ModelError, ModelFault
from services.media_probe.media_probe import MediaError
from services.model_hub.model_hub import HubFault, ModelHubError
from services.ownership_store.ownership_store import OwnershipStoreError
from services.peer_store.peer_store import PeerStoreError
from services.picture_decoder.picture_decoder import PictureError, PictureFault
from services.recording_store.recording_store import RecordingStoreError, StoreFault
from services.seed_store.seed_store import SeedStoreError
from services.source_store.source_store import SourceStoreError
from services.video_pipeline.video_pipeline import VideoFault, VideoPipelineError
from services.video_writer.video_writer import RecordingFault, VideoError
from services.world_engine.world_engine import EngineFaultError
from services.world_files.world_file import WorldFileError, WorldFileFault
from services.world_files.world_store import WorldStoreError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

ServiceError: TypeAlias = (
    AccountStoreError
    | EngineFaultError
    | FeedbackStoreError
    | FilmStoreError
    | JobFolderError
    | JobStoreError
    | MediaError
    | ModelError
    | ModelHubError
    | OwnershipStoreError
    | PeerStoreError
    | PictureError
    | RecordingStoreError
    | SeedStoreError
    | SourceStoreError
    | VideoError
    | VideoPipelineError
    | WorldFileError
    | WorldStoreError
)

_SERVICE_ERRORS: Final = (
    AccountStoreError,
    EngineFaultError,
    FeedbackStoreError,
    FilmStoreError,
    JobFolderError,
    JobStoreError,
    MediaError,
    ModelError,
    ModelHubError,
    OwnershipStoreError,
    PeerStoreError,
    PictureError,
    RecordingStoreError,
    SeedStoreError,
    SourceStoreError,
    VideoError,
    VideoPipelineError,
    WorldFileError,
    WorldStoreError,
)

# A table for each enumeration, as members of two `StrEnum`s with the same text are equal, and so the same key.
_ACCOUNT_CODES: Final[Mapping[AccountFault, ErrorCode]] = MappingProxyType(
    {
        AccountFault.NAME_TAKEN: ErrorCode.ACCOUNT_NAME_TAKEN,
        AccountFault.OWNER_EXISTS: ErrorCode.OWNER_EXISTS,
        AccountFault.LAST_OWNER: ErrorCode.LAST_OWNER,
        AccountFault.UNKNOWN: ErrorCode.ACCOUNT_UNKNOWN,
        AccountFault.UNAVAILABLE: ErrorCode.ACCOUNTS_UNAVAILABLE,
        AccountFault.FULL: ErrorCode.ACCOUNT_NOT_KEPT,
    }
)
_FEEDBACK_CODES: Final[Mapping[FeedbackFault, ErrorCode]] = MappingProxyType(
    {
        FeedbackFault.TOO_MUCH: ErrorCode.TOO_MANY_REQUESTS,
        FeedbackFault.UNAVAILABLE: ErrorCode.FEEDBACK_UNAVAILABLE,
        FeedbackFault.FULL: ErrorCode.FEEDBACK_NOT_KEPT,
    }
)
_HUB_CODES: Final[Mapping[HubFault, ErrorCode]] = MappingProxyType(
    {
        HubFault.MALFORMED: ErrorCode.INVALID_REQUEST,
        HubFault.UNREACHABLE: ErrorCode.MODEL_HUB_UNAVAILABLE,
        HubFault.NOT_ALLOWED: ErrorCode.MODEL_ACCESS_NEEDED,
        HubFault.UNKNOWN: ErrorCode.UNKNOWN_MODEL,
        HubFault.BUSY: ErrorCode.MODEL_HUB_UNAVAILABLE,
        HubFault.BROKEN: ErrorCode.MODEL_UNUSABLE,
        HubFault.UNUSABLE: ErrorCode.MODEL_UNUSABLE,
        HubFault.NO_ROOM: ErrorCode.MODEL_NOT_KEPT,
        HubFault.IN_USE: ErrorCode.MODEL_IN_USE,
        HubFault.NOT_KEPT: ErrorCode.MODEL_NOT_KEPT,
        HubFault.NOT_REMOVED: ErrorCode.INVALID_REQUEST,
    }
)
_MODEL_CODES: Final[Mapping[ModelFault, ErrorCode]] = MappingProxyType(
    {
        ModelFault.NOT_LOADED: ErrorCode.AUTHORING_LOAD_FAILED,
        ModelFault.OUT_OF_MEMORY: ErrorCode.AUTHORING_LOAD_FAILED,
        ModelFault.REFUSED: ErrorCode.AUTHORING_SCENE_REFUSED,
        ModelFault.FAILED: ErrorCode.AUTHORING_FAILED,
    }
)
_PICTURE_CODES: Final[Mapping[PictureFault, ErrorCode]] = MappingProxyType(
    {
        PictureFault.EMPTY: ErrorCode.SEED_EMPTY,
        PictureFault.NOT_A_PICTURE: ErrorCode.SEED_NOT_A_PICTURE,
        PictureFault.TOO_LARGE: ErrorCode.SEED_TOO_LARGE,
        PictureFault.TOO_BUSY: ErrorCode.SERVER_BUSY,
    }
)
RECORDING_CODES: Final[Mapping[RecordingFault, ErrorCode]] = MappingProxyType(
    {
        RecordingFault.DISK_FULL: ErrorCode.RECORDING_DISK_FULL,
        RecordingFault.FOLDER_GONE: ErrorCode.RECORDING_FOLDER_UNUSABLE,
        RecordingFault.NOT_WRITABLE: ErrorCode.RECORDING_FOLDER_UNUSABLE,
        RecordingFault.NAME_TAKEN: ErrorCode.RECORDING_NAME_TAKEN,
        RecordingFault.ENCODER_MISSING: ErrorCode.RECORDING_ENCODER_MISSING,
        RecordingFault.ENCODER_FAILED: ErrorCode.RECORDING_FAILED,
        RecordingFault.ENCODER_TOO_SLOW: ErrorCode.RECORDING_FAILED,
        RecordingFault.WRITER_CLOSED: ErrorCode.SHUTTING_DOWN,
    }
)
_JOB_CODES: Final[Mapping[JobStoreFault, ErrorCode]] = MappingProxyType(
    {
        JobStoreFault.KEY_REUSED: ErrorCode.JOB_KEY_REUSED,
        JobStoreFault.UNAVAILABLE: ErrorCode.JOBS_UNAVAILABLE,
        JobStoreFault.BUSY: ErrorCode.JOBS_UNAVAILABLE,
        JobStoreFault.FULL: ErrorCode.JOB_NOT_KEPT,
    }
)
_STORE_CODES: Final[Mapping[StoreFault, ErrorCode]] = MappingProxyType(
    {
        StoreFault.UNKNOWN: ErrorCode.RECORDING_UNKNOWN,
        StoreFault.NAME_INVALID: ErrorCode.RECORDING_NAME_INVALID,
        StoreFault.NAME_TAKEN: ErrorCode.RECORDING_NAME_TAKEN,
        StoreFault.BUSY: ErrorCode.RECORDING_IN_USE,
        StoreFault.FOLDER: ErrorCode.RECORDING_FOLDER_UNUSABLE,
    }
)
_VIDEO_CODES: Final[Mapping[VideoFault, ErrorCode]] = MappingProxyType(
    {
        VideoFault.NOT_PULLED: ErrorCode.MODEL_NOT_PULLED,
        VideoFault.DOES_NOT_FIT: ErrorCode.MODEL_DOES_NOT_FIT,
        VideoFault.CANNOT: ErrorCode.FILM_REFUSED,
        VideoFault.OUT_OF_MEMORY: ErrorCode.FILM_OUT_OF_MEMORY,
        VideoFault.LORA_REFUSED: ErrorCode.FILM_LORA_REFUSED,
        VideoFault.SOURCE_UNUSABLE: ErrorCode.FILM_SOURCE_UNUSABLE,
        VideoFault.DISK_FULL: ErrorCode.FILM_NOT_KEPT,
        VideoFault.WORKER_DIED: ErrorCode.FILM_FAILED,
        VideoFault.FAILED: ErrorCode.FILM_FAILED,
    }
)
_WORLD_FILE_CODES: Final[Mapping[WorldFileFault, ErrorCode]] = MappingProxyType(
    {
        WorldFileFault.NOT_A_WORLD: ErrorCode.WORLD_NOT_A_WORLD,
        WorldFileFault.DAMAGED: ErrorCode.WORLD_DAMAGED,
        WorldFileFault.TOO_LARGE: ErrorCode.WORLD_TOO_LARGE,
        WorldFileFault.OTHER_VERSION: ErrorCode.WORLD_OTHER_VERSION,
    }
)


@contextmanager
def service_errors_translated() -> Generator[None]:
    """Around calls of services.

    Raises:
        DomainError: with the sentence of the service's error and the code of its fault.
    """
    try:
        yield
    except _SERVICE_ERRORS as error:
        raise DomainError(str(error), _code_of(error)) from error


def _code_of(error: ServiceError) -> ErrorCode:
    match error:
        case FeedbackStoreError():
            return _FEEDBACK_CODES[error.fault]
        case OwnershipStoreError():
            return ErrorCode.OWNERS_UNAVAILABLE
        case PeerStoreError():
            return ErrorCode.JOBS_UNAVAILABLE
        case AccountStoreError():
            return _ACCOUNT_CODES[error.fault]
        case EngineFaultError():
            return ErrorCode.ENGINE_FAILED
        case FilmStoreError() | SourceStoreError():
            return ErrorCode.FILM_NOT_KEPT
        case MediaError():
            return ErrorCode.FILM_SOURCE_UNUSABLE
        case VideoPipelineError():
            return _VIDEO_CODES[error.fault]
        case JobFolderError():
            return ErrorCode.JOB_NOT_KEPT
        case JobStoreError():
            return _JOB_CODES[error.fault]
        case ModelError():
            return _MODEL_CODES[error.fault]
        case PictureError():
            return _PICTURE_CODES[error.code]
        case RecordingStoreError():
            return _STORE_CODES[error.fault]
        case WorldFileError():
            return _WORLD_FILE_CODES[error.fault]
        case ModelHubError():
            return _HUB_CODES[error.fault]
        case SeedStoreError():
            return ErrorCode.SEED_NOT_KEPT
        case VideoError():
            return ErrorCode.RECORDING_DAMAGED
        case WorldStoreError():
            return ErrorCode.WORLD_NOT_KEPT
        case _:
            assert_never(error)
