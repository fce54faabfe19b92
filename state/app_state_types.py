"""The server's mutable state, as unions: each state holds just the data that exist in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

from state.model_states import ModelsUnknown, ModelUse, SceneRole
from state.settings_states import SettingsUnread
from state.sign_in_states import AttemptState, AttemptTarget
from state.visitor_states import DisplacementState, NetworkName, UploadState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from access_rules import Visitor
    from error_types import ErrorCode
    from services.job_store.job import Job
    from state.model_states import ModelsState
    from state.settings_states import SettingsState

SessionId: TypeAlias = str

# --------------------------------------------------------------------------------------------------- engines


@dataclass(frozen=True, slots=True)
class EngineKey:
    """Which engine: a model at a quantisation ("none" is full precision)."""

    model_id: str
    quant: str


@dataclass(frozen=True, slots=True)
class Lease:
    """A session's right to one open world in an engine. `id` is unique while the server runs.

    `gives_way`: nobody plays by it, and its holder gives it back as soon as somebody wants the engine or its device.
    """

    id: int
    session: SessionId
    gives_way: bool = False


@dataclass(frozen=True, slots=True)
class EngineUnloaded:
    """Not in memory, and nobody has asked for it."""


@dataclass(frozen=True, slots=True)
class EngineLoading:
    """`attempt` numbers the loads of the server. Everybody who waits for the load holds one of its `leases`; a load
    that the owner asked for ahead of play may have none."""

    attempt: int
    leases: tuple[Lease, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineReady:
    """In memory. It stays there as long as it has `leases`; `max_worlds` is how many it can have (None: no limit).

    `waiting` are those that wait for one in line, the first of them first.
    `idle_since` is a reading of the monotonic clock: when the last lease was given back. None: it has leases.
    """

    leases: tuple[Lease, ...] = ()
    max_worlds: int | None = None
    waiting: tuple[Lease, ...] = ()
    idle_since: float | None = None


@dataclass(frozen=True, slots=True)
class EngineUnloading:
    """Giving its memory back. With a `keeper` it is offloaded afterwards, otherwise unloaded."""

    keeper: Lease | None = None


@dataclass(frozen=True, slots=True)
class EngineParking:
    """On its way from the device to host memory, or, where that has no room, out of memory.

    `idle_since` as of `EngineReady`. With a `keeper` it is offloaded, as in `EngineOffloaded`.
    """

    idle_since: float
    keeper: Lease | None = None


@dataclass(frozen=True, slots=True)
class EngineParked:
    """Off the device, and ready in host memory: it comes back without a load. It is unloaded where memory is needed.

    `idle_since` as of `EngineReady`. `ram` is how many bytes of host memory come back when it is unloaded.
    With a `keeper` it is offloaded, as in `EngineOffloaded`.
    """

    idle_since: float
    ram: int
    keeper: Lease | None = None


@dataclass(frozen=True, slots=True)
class EngineOffloaded:
    """Out of memory for a while. The device is kept for the session of `keeper`, whose lease can load it again."""

    keeper: Lease


@dataclass(frozen=True, slots=True)
class EngineFailed:
    """The last load failed, and the next request tries again. `message` is a sentence for the user."""

    attempt: int
    message: str


EngineState: TypeAlias = (
    EngineUnloaded
    | EngineLoading
    | EngineReady
    | EngineUnloading
    | EngineParking
    | EngineParked
    | EngineOffloaded
    | EngineFailed
)


def leases_of(state: EngineState) -> tuple[Lease, ...]:
    match state:
        case EngineLoading(leases=leases) | EngineReady(leases=leases):
            return leases
        case EngineUnloading(keeper) | EngineParking(keeper=keeper) | EngineParked(keeper=keeper):
            return () if keeper is None else (keeper,)
        case EngineOffloaded(keeper):
            return (keeper,)
        case EngineUnloaded() | EngineFailed():
            return ()


# -------------------------------------------------------------------------------------- reservation of the device


@dataclass(frozen=True, slots=True)
class Ticket:
    """A request for the reservation. `asker` is the session that waits for the scene; None: no session does."""

    id: int
    asker: SessionId | None


@dataclass(frozen=True, slots=True)
class NotReserved:
    """No scene is being made."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """`holder` makes a scene, and `waiting` are next, in the order in which they came."""

    holder: Ticket
    waiting: tuple[Ticket, ...] = ()


@dataclass(frozen=True, slots=True)
class DeviceReserved:
    """As `Reserved`, and the device is kept free of engines. `engine` is the one that gave its place, if there was."""

    holder: Ticket
    engine: EngineKey | None = None
    waiting: tuple[Ticket, ...] = ()


ReservationState: TypeAlias = NotReserved | Reserved | DeviceReserved

# -------------------------------------------------------------------------------------------------- sessions


class EndReason(StrEnum):
    """Why a session is over."""

    CLIENT_LEFT = "client_left"
    CONNECTION_LOST = "connection_lost"
    RESUMED_ELSEWHERE = "resumed_elsewhere"
    DISPLACED = "displaced"
    INIT_TIMEOUT = "init_timeout"
    INIT_FAILED = "init_failed"
    ENGINE_FAILED = "engine_failed"
    ENCODER_FAILED = "encoder_failed"
    CLIENT_TOO_SLOW = "client_too_slow"
    SHUTDOWN = "shutdown"
    SIGNED_OUT = "signed_out"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True)
class WorldInPlay:
    """Which world a session plays. `epoch` counts its worlds: what was made for an older one is dropped.

    `capped` holds passes to the model's own frame rate.
    """

    key: EngineKey
    seed_hash: str
    rng_seed: int
    epoch: int
    capped: bool


@dataclass(frozen=True, slots=True)
class NoSession:
    """Not admitted yet, or forgotten. `AppState.sessions` has no record in this state."""


@dataclass(frozen=True, slots=True)
class AwaitingSeed:
    """Connected, without a world. Gives way to a newcomer when the server is full, unless an `init` is on its way."""


@dataclass(frozen=True, slots=True)
class Preparing:
    """The first `init` is being worked on. `key` is the engine that it asks for; None: the server chooses one."""

    key: EngineKey | None


@dataclass(frozen=True, slots=True)
class Playing:
    world: WorldInPlay
    since: float  # seconds since the Unix epoch, of the first world of the session


@dataclass(frozen=True, slots=True)
class Paused:
    world: WorldInPlay
    since: float


@dataclass(frozen=True, slots=True)
class Ended:
    """Over; its slot is freed once its loop has been joined."""

    reason: EndReason


SessionState: TypeAlias = AwaitingSeed | Preparing | Playing | Paused | Ended


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One connection that was admitted."""

    id: SessionId
    client: str
    remote: str
    visitor: Visitor
    opened_at: float  # seconds since the Unix epoch
    state: SessionState = AwaitingSeed()


# ------------------------------------------------------------------------------------------------ recordings

RecordingName: TypeAlias = str  # of the file, without its suffix; every segment has its own


@dataclass(frozen=True, slots=True)
class NotRecording:
    """Not begun, or over: its file is among the finished ones, or there is none."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Passes of a session go into the file."""

    session_id: SessionId
    since: float  # seconds since the Unix epoch


@dataclass(frozen=True, slots=True)
class Finishing:
    """No more passes come; the file gets its final form. It may outlive its session, which is not known after that."""

    session_id: SessionId | None
    since: float
    ended_at: float  # seconds since the Unix epoch


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The file could not get its final form. What was recorded waits until it can, for the reason that is given."""

    since: float  # seconds since the Unix epoch
    code: ErrorCode
    message: str


RecordingState: TypeAlias = NotRecording | Recording | Finishing | Unfinished

# -------------------------------------------------------------------------------------------- scene authoring

JobId: TypeAlias = str


@dataclass(frozen=True, slots=True)
class NoJob:
    """Not taken on yet, or forgotten. `AppState.authoring` has no job in this state."""


class AuthoringStep(StrEnum):
    """What a job is busy with."""

    WRITING = "writing"
    PAINTING = "painting"
    CHECKING = "checking"
    APPLYING = "applying"


@dataclass(frozen=True, slots=True)
class AuthoringWaiting:
    """For its turn: one scene is made at a time."""


@dataclass(frozen=True, slots=True)
class AuthoringRunning:
    """`fraction` of the step, 0 to 1; None where it is not known."""

    step: AuthoringStep
    fraction: float | None = None


@dataclass(frozen=True, slots=True)
class AuthoringDone:
    """`picture_hash` is the SHA-256 (hex) of the picture file."""

    picture_hash: str


@dataclass(frozen=True, slots=True)
class AuthoringFailed:
    """Nothing came of it; also when it was cancelled. `message` is a sentence for whoever asked."""

    code: ErrorCode
    message: str


AuthoringState: TypeAlias = AuthoringWaiting | AuthoringRunning | AuthoringDone | AuthoringFailed


@dataclass(frozen=True, slots=True)
class AuthoringJob:
    """A scene that a session has asked for in words, and waits for."""

    id: JobId
    kind: Literal["edit", "scene"]
    owner: SessionId
    prompt: str
    state: AuthoringState = AuthoringWaiting()

    @property
    def is_over(self) -> bool:
        return isinstance(self.state, AuthoringDone | AuthoringFailed)


# ------------------------------------------------------------------------------------------------------ jobs


@dataclass(frozen=True, slots=True)
class LiveJob:
    """A job that has not ended, as the database has it. `fraction` of its stage is done, if that is known; `amounts`
    count the same in what the kind of job counts in, such as bytes.

    `state_since` and `stage_since` are readings of the monotonic clock.
    """

    job: Job
    state_since: float
    stage_since: float
    fraction: float | None = None
    amounts: Mapping[str, int] | None = None


# ---------------------------------------------------------------------------------------------------- server


@dataclass(frozen=True, slots=True)
class Starting:
    pass


@dataclass(frozen=True, slots=True)
class Serving:
    pass


@dataclass(frozen=True, slots=True)
class Stopping:
    """Sessions are told goodbye, and no new one is admitted."""


ServerLifecycle: TypeAlias = Starting | Serving | Stopping


@dataclass(slots=True)
class AppState:
    """All of it, under the one lock that `AppHandler` owns. Only `state.transitions` writes to it.

    `sessions` is in the order of arrival. What a dictionary does not have is in the initial state of its machine:
    `EngineUnloaded`, `NoSession`, `NotDisplaced`, `NothingUploaded`, `NoAttempts`, `NotRecording`, `NoJob`,
    `ModelIdle`.

    `jobs` mirrors what the database has of those that have not ended; what may happen to them is a table of
    `services.job_store.job`.
    """

    lifecycle: ServerLifecycle = Starting()
    engines: dict[EngineKey, EngineState] = field(default_factory=dict[EngineKey, EngineState])
    sessions: dict[SessionId, SessionRecord] = field(default_factory=dict[SessionId, SessionRecord])
    displaced: dict[NetworkName, DisplacementState] = field(default_factory=dict[NetworkName, DisplacementState])
    attempts: dict[AttemptTarget, AttemptState] = field(default_factory=dict[AttemptTarget, AttemptState])
    uploads: dict[NetworkName, UploadState] = field(default_factory=dict[NetworkName, UploadState])
    recordings: dict[RecordingName, RecordingState] = field(default_factory=dict[RecordingName, RecordingState])
    jobs: dict[JobId, LiveJob] = field(default_factory=dict[JobId, LiveJob])
    authoring: dict[JobId, AuthoringJob] = field(default_factory=dict[JobId, AuthoringJob])
    model_use: dict[SceneRole, ModelUse] = field(default_factory=dict[SceneRole, ModelUse])
    reservation: ReservationState = NotReserved()
    models: ModelsState = field(default_factory=ModelsUnknown)
    settings: SettingsState = field(default_factory=SettingsUnread)
