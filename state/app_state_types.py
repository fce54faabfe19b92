"""The server's mutable state, as unions: each state holds just the data that exist in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from concurrent.futures import Future

    from error_types import ErrorCode
    from services.world_engine.world_engine import WorldEngine

SessionId: TypeAlias = str

# --------------------------------------------------------------------------------------------------- engines


@dataclass(frozen=True, slots=True)
class EngineKey:
    """Which engine: a model at a quantisation ("none" is full precision)."""

    model_id: str
    quant: str


@dataclass(frozen=True, slots=True)
class EngineUnloaded:
    pass


@dataclass(frozen=True, slots=True)
class EngineLoading:
    """`attempt` tells this load from an older one of the same engine; `finished` resolves when it is over.

    `users` get it back: they had it before.
    """

    attempt: int
    finished: Future[None]
    users: frozenset[SessionId] = frozenset()


@dataclass(frozen=True, slots=True)
class EngineReady:
    """In memory. It is never unloaded while a session is among its `users`."""

    engine: WorldEngine
    users: frozenset[SessionId] = frozenset()


@dataclass(frozen=True, slots=True)
class EngineAside:
    """Not in memory for a while, which a model for scenes needs; it is kept for `user`, if it had one.

    `finished` resolves when it is there again, or free for anybody to load.
    """

    finished: Future[None]
    user: SessionId | None


@dataclass(frozen=True, slots=True)
class EngineFailed:
    """The last load failed; the next request for it tries again. `message` is a sentence for the user."""

    attempt: int
    message: str


EngineState: TypeAlias = EngineUnloaded | EngineLoading | EngineReady | EngineAside | EngineFailed

# -------------------------------------------------------------------------------------------------- sessions


class EndReason(StrEnum):
    """Why a session is over."""

    CLIENT_LEFT = "client_left"
    DISPLACED = "displaced"
    INIT_TIMEOUT = "init_timeout"
    INIT_FAILED = "init_failed"
    ENGINE_FAILED = "engine_failed"
    CLIENT_TOO_SLOW = "client_too_slow"
    SHUTDOWN = "shutdown"
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
class AwaitingSeed:
    """Connected, without a world. Gives way to a newcomer when the server is full, unless an `init` is on its way."""


@dataclass(frozen=True, slots=True)
class Preparing:
    """The first `init` is being worked on."""

    key: EngineKey


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
    """No more passes come; the file gets its final form. It may outlive its session."""

    session_id: SessionId
    since: float
    ended_at: float  # seconds since the Unix epoch


RecordingState: TypeAlias = NotRecording | Recording | Finishing

# -------------------------------------------------------------------------------------------- scene authoring

JobId: TypeAlias = str


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
    """A scene that somebody asked for in words. `owner` is the session that waits for it; None for a scene without."""

    id: JobId
    kind: Literal["edit", "scene"]
    owner: SessionId | None
    wish: str
    created_at: float  # seconds since the Unix epoch
    state: AuthoringState = AuthoringWaiting()

    @property
    def is_over(self) -> bool:
        return isinstance(self.state, AuthoringDone | AuthoringFailed)


# ---------------------------------------------------------------------------------------------------- server


@dataclass(frozen=True, slots=True)
class Starting:
    pass


@dataclass(frozen=True, slots=True)
class Serving:
    pass


@dataclass(frozen=True, slots=True)
class Stopping:
    """Sessions say farewell; no new one is admitted."""


ServerLifecycle: TypeAlias = Starting | Serving | Stopping


@dataclass(slots=True)
class AppState:
    """All of it, under the one lock that `AppHandler` owns. `sessions` is in the order of arrival.

    A recording that `recordings` does not have is `NotRecording`.
    """

    lifecycle: ServerLifecycle = Starting()
    engines: dict[EngineKey, EngineState] = field(default_factory=dict[EngineKey, EngineState])
    sessions: dict[SessionId, SessionRecord] = field(default_factory=dict[SessionId, SessionRecord])
    recordings: dict[RecordingName, RecordingState] = field(default_factory=dict[RecordingName, RecordingState])
    authoring: dict[JobId, AuthoringJob] = field(default_factory=dict[JobId, AuthoringJob])
