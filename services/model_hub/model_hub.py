"""What a model hub is: repositories of models, on this machine and where they are pulled from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runtime_config.hub_config import HubConfig
    from services.model_hub.repository import Repository


class HubFault(StrEnum):
    """Why a model could not be pulled or removed."""

    MALFORMED = "malformed"  # no model id
    UNREACHABLE = "unreachable"  # no connection, or one that breaks again and again
    NOT_ALLOWED = "not_allowed"  # the hub wants a token, or its terms accepted
    UNKNOWN = "unknown"  # the hub has no such repository or revision
    BUSY = "busy"  # the hub refuses for now
    BROKEN = "broken"  # the hub contradicts itself, or leads where the server does not follow
    UNUSABLE = "unusable"  # the files are there, and are no model that this server reads
    NO_ROOM = "no_room"
    IN_USE = "in_use"  # another process pulls it
    NOT_KEPT = "not_kept"  # the disk refuses
    NOT_REMOVED = "not_removed"


class ModelHubError(RuntimeError):
    """`str()` of it is a sentence for the person who asked, which names no path and no token."""

    def __init__(self, fault: HubFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class OnDisk:
    """Every file is there and has its size. `revision` is the commit; None: a folder in place, which may hold any."""

    folder: Path
    revision: str | None
    size_bytes: int

    @property
    def is_in_place(self) -> bool:
        """A folder of the person's own, which the settings name: it is neither pulled into nor removed."""
        return self.revision is None


@dataclass(frozen=True, slots=True)
class Partly:
    """A pull has not come to its end, or files are missing. A pull goes on from what is there."""

    done_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Absent:
    """Nothing of it is on this machine."""


@dataclass(frozen=True, slots=True)
class Damaged:
    """What is there cannot be used. `reason` is a sentence."""

    reason: str


Found: TypeAlias = OnDisk | Partly | Absent | Damaged


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far a pull is. What an earlier one has left counts as done."""

    done_bytes: int
    total_bytes: int
    done_files: int
    total_files: int


class ModelHub(Protocol):
    """A model id is `owner/name`. Every method but `pull` and `use` blocks."""

    def use(self, config: HubConfig, models_dir: Path | None) -> None:
        """Pull by these settings from now on; a pull that runs ends as it began.

        `models_dir` holds models as OWNER/NAME that a person keeps themselves. They are used where they lie.
        """
        ...

    def find(self, repository: Repository) -> Found:
        """What is on this machine, by names, sizes and the headers of weights. It never asks the network."""
        ...

    async def pull(self, repository: Repository, on_progress: Callable[[PullProgress], None]) -> OnDisk:
        """Bring what is missing to this machine, and verify all of it. Cancelling keeps the bytes that came.

        `on_progress` is called on the event loop, often.

        Raises:
            ModelHubError: it could not be brought here, or is no model that this server reads.
        """
        ...

    def delete_cached(self, model_id: str) -> bool:
        """Remove the model from disk; False when it was not there.

        Raises:
            ModelHubError: no model id, or the files cannot be removed.
        """
        ...

    def free_bytes(self) -> int | None:
        """Room on the disk where models are kept; None: the system does not say."""
        ...
