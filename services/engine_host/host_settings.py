"""How an engine is hosted in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class HostLimits:
    """How long the process may take, in seconds, before it is killed; and how often it may be started again."""

    load_s: float = 900.0  # the first load compiles kernels
    step_s: float = 60.0  # including the steps that go before it
    other_s: float = 120.0  # opening, snapshots and the like
    restarts: int = 3
    restarts_window_s: float = 300.0


@dataclass(frozen=True, slots=True)
class HostSettings:
    """`name` is what people call the model. `kernels` is a folder that keeps compiled kernels from start to start.

    An engine that computes on the processor gets a `niceness` (as of Unix) above 0: the server needs it too.
    """

    name: str
    kernels: Path | None = None
    niceness: int = 0
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    limits: HostLimits = HostLimits()
