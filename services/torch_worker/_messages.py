"""The messages between a torch worker and its process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from services.child_process.log_relay import Logged

if TYPE_CHECKING:
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


FromProcess: TypeAlias = Loaded | LoadFailed | Progressed | Answered | Failed | Cancelled | Logged
