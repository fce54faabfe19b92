"""REST request and response models."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from runtime_config.runtime_config import SeedSafety
from wire_protocol import EngineBackend


class ApiModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ErrorResponse(ApiModel):
    """The body of every answer that is not a success."""

    code: str
    message: str


# ---------------------------------------------------------------------------------------------------- health


class WorldEngineHealth(ApiModel):
    loaded: bool
    warmed_up: bool
    has_seed: bool


class SafetyHealth(ApiModel):
    """`loaded`: seed pictures can be judged. Otherwise `reason` says why not, and `policy` what happens then."""

    loaded: bool
    policy: SeedSafety
    reason: str | None


class Capabilities(ApiModel):
    backends: list[EngineBackend]
    quants: dict[EngineBackend, list[str]]


class HealthResponse(ApiModel):
    status: Literal["ok"] = "ok"
    startup_complete: bool
    world_engine: WorldEngineHealth
    safety: SafetyHealth
    capabilities: Capabilities
    launched_from_standalone: bool
    version: str
    default_model: str


class ShutdownResponse(ApiModel):
    status: Literal["shutting_down", "already_shutting_down"]


# ---------------------------------------------------------------------------------------------------- models


class PickerModel(ApiModel):
    """One model that can be played. `loaded`: its engine is in memory now."""

    id: str
    size_bytes: int | None
    is_local: bool
    model_type: str | None
    title: str
    description: str
    loaded: bool


class ModelInfoResponse(ApiModel):
    id: str
    size_bytes: int | None
    exists: bool
    is_local: bool
    error: str | None


# -------------------------------------------------------------------------------------------------- sessions


class Percentiles(ApiModel):
    """Milliseconds over the last few hundred passes; null before the first one."""

    p50: float | None
    p95: float | None
    p99: float | None


SessionStateName: TypeAlias = Literal["awaiting_seed", "preparing", "playing", "paused", "ended"]


class SessionSummary(ApiModel):
    """One open session. `receipt_to_send_ms`: from a control's arrival to the end of sending the pass that read it."""

    id: str
    client: str
    remote: str
    state: SessionStateName
    model: str | None
    opened_at: float  # seconds since the Unix epoch
    playing_since: float | None
    frames_sent: int
    passes_replaced: int
    frames_per_second: float
    receipt_to_send_ms: Percentiles


class SessionsResponse(ApiModel):
    max_sessions: int
    sessions: list[SessionSummary]


# ----------------------------------------------------------------------------------------------------- seeds


class SeedSummary(ApiModel):
    """A seed picture on the server. `hash` is the SHA-256 (hex) of the file, and its name in every other call."""

    hash: str
    title: str
    description: str
    origin: Literal["shipped", "uploaded"]
    width: int
    height: int
    size_bytes: int
    image_url: str
    thumbnail_url: str


class SeedsResponse(ApiModel):
    """Shipped seeds first, then uploads, newest first."""

    seeds: list[SeedSummary]
