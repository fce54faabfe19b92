"""What can happen to the machines of AppState: a frozen dataclass for each event. `state.transitions` applies them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from access_rules import Visitor
    from error_types import ErrorCode
    from runtime_config.settings_fault import SettingsFault
    from state.app_state_types import (
        AuthoringJob,
        AuthoringStep,
        EndReason,
        EngineKey,
        Lease,
        SessionId,
        Ticket,
        WorldInPlay,
    )
    from state.model_states import ModelsKnown
    from state.settings_states import SettingsInForce

# --------------------------------------------------------------------------------------------------- engines


@dataclass(frozen=True, slots=True)
class LoadBegan:
    """A load for the holder of `lease`. None: ahead of play, for nobody yet."""

    attempt: int
    lease: Lease | None = None


@dataclass(frozen=True, slots=True)
class LoadSucceeded:
    """`at` is on the monotonic clock, in seconds."""

    at: float
    max_worlds: int | None = None


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """`message` is a sentence for the user."""

    message: str


@dataclass(frozen=True, slots=True)
class LeaseTaken:
    lease: Lease


@dataclass(frozen=True, slots=True)
class LineJoined:
    """The engine has no room for `lease`, which waits until it has."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class LineLeft:
    """`lease` no longer waits."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class LeaseReturned:
    """`at` is on the monotonic clock, in seconds."""

    lease: Lease
    at: float


@dataclass(frozen=True, slots=True)
class Offloaded:
    """The holder of `lease`, which is the only one, has the engine unloaded for a while."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class Evicted:
    """An engine without leases is unloaded to make room."""


@dataclass(frozen=True, slots=True)
class ParkBegan:
    """An engine leaves the device, for host memory if that has room: one without leases, or, for a while, one that the
    holder of `lease`, which is the only one, has offloaded. `at` is on the monotonic clock, in seconds."""

    at: float
    lease: Lease | None = None


@dataclass(frozen=True, slots=True)
class ParkFinished:
    """It is in host memory, of which `ram` bytes are free again without it."""

    ram: int


@dataclass(frozen=True, slots=True)
class UnloadFinished:
    """The memory is back."""


@dataclass(frozen=True, slots=True)
class TakenDown:
    """The server ends: whoever applies this closes the engine."""


EngineEvent: TypeAlias = (
    LoadBegan
    | LoadSucceeded
    | LoadFailed
    | LeaseTaken
    | LineJoined
    | LineLeft
    | LeaseReturned
    | Offloaded
    | Evicted
    | ParkBegan
    | ParkFinished
    | UnloadFinished
    | TakenDown
)

# ------------------------------------------------------------------------- models beside the engine, and their memory


@dataclass(frozen=True, slots=True)
class ModelTaken:
    """By the reservation."""


@dataclass(frozen=True, slots=True)
class ModelReturned:
    pass


@dataclass(frozen=True, slots=True)
class VacatingBegan:
    pass


@dataclass(frozen=True, slots=True)
class VacatingEnded:
    pass


ModelUseEvent: TypeAlias = ModelTaken | ModelReturned | VacatingBegan | VacatingEnded


@dataclass(frozen=True, slots=True)
class ReservationAsked:
    ticket: Ticket


@dataclass(frozen=True, slots=True)
class ReservationLeft:
    """By its holder, or by somebody who no longer waits."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class DeviceTaken:
    """The device has no engine in memory, and gets none until `DeviceReturned`. `engine` gave its place."""

    engine: EngineKey | None = None


@dataclass(frozen=True, slots=True)
class DeviceReturned:
    pass


ReservationEvent: TypeAlias = ReservationAsked | ReservationLeft | DeviceTaken | DeviceReturned


@dataclass(frozen=True, slots=True)
class ModelsObserved:
    known: ModelsKnown


# -------------------------------------------------------------------------------------------------- sessions


@dataclass(frozen=True, slots=True)
class SessionAdmitted:
    client: str
    remote: str
    visitor: Visitor
    opened_at: float  # seconds since the Unix epoch


@dataclass(frozen=True, slots=True)
class SessionDisplaced:
    """Its slot goes to a newcomer."""


@dataclass(frozen=True, slots=True)
class PreparingBegan:
    key: EngineKey | None


@dataclass(frozen=True, slots=True)
class PreparingAbandoned:
    pass


@dataclass(frozen=True, slots=True)
class PlayingBegan:
    world: WorldInPlay
    since: float  # seconds since the Unix epoch


@dataclass(frozen=True, slots=True)
class WorldChanged:
    world: WorldInPlay


@dataclass(frozen=True, slots=True)
class PauseAsked:
    pass


@dataclass(frozen=True, slots=True)
class ResumeAsked:
    pass


@dataclass(frozen=True, slots=True)
class SessionEnded:
    reason: EndReason


@dataclass(frozen=True, slots=True)
class SessionForgotten:
    """Its slot is free."""


SessionEvent: TypeAlias = (
    SessionAdmitted
    | SessionDisplaced
    | PreparingBegan
    | PreparingAbandoned
    | PlayingBegan
    | WorldChanged
    | PauseAsked
    | ResumeAsked
    | SessionEnded
    | SessionForgotten
)

# ------------------------------------------------------------------------------------------ visitors' addresses


@dataclass(frozen=True, slots=True)
class PlaceLost:
    at: float  # on the monotonic clock, in seconds


@dataclass(frozen=True, slots=True)
class DisplacementForgotten:
    pass


DisplacementEvent: TypeAlias = PlaceLost | DisplacementForgotten


@dataclass(frozen=True, slots=True)
class BytesUploaded:
    count: int
    at: float  # on the monotonic clock, in seconds


@dataclass(frozen=True, slots=True)
class PictureTaken:
    at: float  # on the monotonic clock, in seconds


@dataclass(frozen=True, slots=True)
class PictureGivenBack:
    """It was not kept."""


@dataclass(frozen=True, slots=True)
class UploadsForgotten:
    pass


UploadEvent: TypeAlias = BytesUploaded | PictureTaken | PictureGivenBack | UploadsForgotten

# ------------------------------------------------------------------------------------------------ recordings


@dataclass(frozen=True, slots=True)
class RecordingBegan:
    session_id: SessionId
    since: float  # seconds since the Unix epoch


@dataclass(frozen=True, slots=True)
class RecordingStopped:
    """No more passes come; the file is being finished."""

    ended_at: float  # seconds since the Unix epoch


@dataclass(frozen=True, slots=True)
class RecordingClosed:
    """The file is finished, or there is none."""


@dataclass(frozen=True, slots=True)
class RecordingLeft:
    """The file cannot be finished now. `since` is when the recording began, where nothing else tells."""

    since: float  # seconds since the Unix epoch
    code: ErrorCode
    message: str


@dataclass(frozen=True, slots=True)
class RecordingRetried:
    """It is tried again to finish the file."""

    at: float  # seconds since the Unix epoch


RecordingEvent: TypeAlias = RecordingBegan | RecordingStopped | RecordingClosed | RecordingLeft | RecordingRetried

# -------------------------------------------------------------------------------------------- scene authoring


@dataclass(frozen=True, slots=True)
class JobAccepted:
    job: AuthoringJob


@dataclass(frozen=True, slots=True)
class JobAdvanced:
    """`fraction` of the step, 0 to 1; None where it is not known."""

    step: AuthoringStep
    fraction: float | None = None


@dataclass(frozen=True, slots=True)
class JobSucceeded:
    """`picture_hash` is the SHA-256 (hex) of the picture file."""

    picture_hash: str


@dataclass(frozen=True, slots=True)
class JobFailed:
    """`message` is a sentence for whoever asked."""

    code: ErrorCode
    message: str


@dataclass(frozen=True, slots=True)
class JobForgotten:
    pass


AuthoringEvent: TypeAlias = JobAccepted | JobAdvanced | JobSucceeded | JobFailed | JobForgotten

# --------------------------------------------------------------------------------------------------- sign-in


@dataclass(frozen=True, slots=True)
class AttemptMade:
    """Before the password is looked at. `at` is on the monotonic clock, in seconds."""

    at: float


@dataclass(frozen=True, slots=True)
class AttemptSucceeded:
    pass


@dataclass(frozen=True, slots=True)
class AttemptsForgotten:
    pass


AttemptEvent: TypeAlias = AttemptMade | AttemptSucceeded | AttemptsForgotten

# -------------------------------------------------------------------------------------------------- settings


@dataclass(frozen=True, slots=True)
class SettingsRead:
    """The files are sound, and this is in force from now on."""

    in_force: SettingsInForce


@dataclass(frozen=True, slots=True)
class SettingsBroken:
    """`revision` is that of the bytes that cannot be used, None where they cannot be read; `at` is a wall time."""

    faults: tuple[SettingsFault, ...]
    revision: str | None
    at: float


SettingsEvent: TypeAlias = SettingsRead | SettingsBroken

# ---------------------------------------------------------------------------------------------------- server


@dataclass(frozen=True, slots=True)
class ServingBegan:
    pass


@dataclass(frozen=True, slots=True)
class StopBegan:
    pass


LifecycleEvent: TypeAlias = ServingBegan | StopBegan
