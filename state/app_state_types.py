"""The server's mutable state, as unions: each state holds just the data that exist in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from concurrent.futures import Future

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
    """`attempt` tells this load from an older one of the same engine; `finished` resolves when it is over."""

    attempt: int
    finished: Future[None]


@dataclass(frozen=True, slots=True)
class EngineReady:
    """In memory. It is never unloaded while a session is among its `users`."""

    engine: WorldEngine
    users: frozenset[SessionId] = frozenset()


@dataclass(frozen=True, slots=True)
class EngineFailed:
    """The last load failed; the next request for it tries again. `message` is a sentence for the user."""

    attempt: int
    message: str


EngineState: TypeAlias = EngineUnloaded | EngineLoading | EngineReady | EngineFailed

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
    """All of it, under the one lock that `AppHandler` owns. `sessions` is in the order of arrival."""

    lifecycle: ServerLifecycle = Starting()
    engines: dict[EngineKey, EngineState] = field(default_factory=dict[EngineKey, EngineState])
    sessions: dict[SessionId, SessionRecord] = field(default_factory=dict[SessionId, SessionRecord])
