"""The messages between a torch worker and its process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.torch_worker.torch_worker import Plain, WorkerFault

# ---------------------------------------------------------------------------------------- to the process


@dataclass(frozen=True, slots=True)
class Call:
    number: int
    method: str
    payload: Plain


@dataclass(frozen=True, slots=True)
class Cancel:
    number: int


ToProcess: TypeAlias = Call | Cancel

# -------------------------------------------------------------------------------------- from the process


@dataclass(frozen=True, slots=True)
class Loaded:
    pass


@dataclass(frozen=True, slots=True)
class LoadFailed:
    fault: WorkerFault
    message: str


@dataclass(frozen=True, slots=True)
class Progressed:
    number: int
    payload: Plain


@dataclass(frozen=True, slots=True)
class Answered:
    number: int
    payload: Plain


@dataclass(frozen=True, slots=True)
class Failed:
    number: int
    fault: WorkerFault
    message: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    number: int


@dataclass(frozen=True, slots=True)
class Logged:
    """One log event. `level` is the standard library's number."""

    logger: str
    level: int
    event: str
    fields: Mapping[str, Plain]


FromProcess: TypeAlias = Loaded | LoadFailed | Progressed | Answered | Failed | Cancelled | Logged
