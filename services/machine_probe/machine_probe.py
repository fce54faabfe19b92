"""What the doctor asks of a machine: torch, ffmpeg, disks, folders and the database, each as it is at this moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

# ----------------------------------------------------------------------------------------------------- torch


@dataclass(frozen=True, slots=True)
class TorchMissing:
    """It is not installed."""


@dataclass(frozen=True, slots=True)
class TorchBroken:
    """It is installed, and importing it fails or never ends. `reason` ends a sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class TorchFound:
    """`cuda` is the version that it was built for, such as "13.0"; None: this build uses no NVIDIA card.

    `devices` are the names of the cards that it can use. `fault` is what it said when the first one was to add two
    numbers; None: that worked, or it was not tried.
    """

    version: str
    cuda: str | None
    devices: tuple[str, ...] = ()
    fault: str | None = None


TorchState: TypeAlias = TorchMissing | TorchBroken | TorchFound

# ---------------------------------------------------------------------------------------------------- ffmpeg


@dataclass(frozen=True, slots=True)
class FfmpegMissing:
    """There is none, or it does not start. `reason` is a sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class FfmpegFound:
    """The H.264 encoders by their names in ffmpeg: `hardware` are those that this machine has and that work."""

    version: str
    has_software: bool
    hardware: tuple[str, ...] = ()


FfmpegState: TypeAlias = FfmpegMissing | FfmpegFound

# ------------------------------------------------------------------------------------------ folders and database


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """Bytes of the disk that a folder is on, or would be made on."""

    free: int
    total: int


@dataclass(frozen=True, slots=True)
class FolderUsable:
    """`is_there`: it need not be made first."""

    is_there: bool = True


@dataclass(frozen=True, slots=True)
class FolderHeld:
    """A server works with it. `pid` is its process, None where nobody knows."""

    pid: int | None


@dataclass(frozen=True, slots=True)
class FolderUnusable:
    """It cannot be written or made. `reason` ends a sentence."""

    reason: str


FolderState: TypeAlias = FolderUsable | FolderHeld | FolderUnusable


@dataclass(frozen=True, slots=True)
class DatabaseAbsent:
    """The next start makes it."""


@dataclass(frozen=True, slots=True)
class DatabaseSound:
    """`needs_upgrade`: an older version made it, and the next start brings it to the newest layout."""

    where: str
    needs_upgrade: bool = False


@dataclass(frozen=True, slots=True)
class DatabaseNewer:
    """A newer version of Terrarium made it."""


@dataclass(frozen=True, slots=True)
class DatabaseUnusable:
    """`reason` ends a sentence."""

    reason: str


DatabaseState: TypeAlias = DatabaseAbsent | DatabaseSound | DatabaseNewer | DatabaseUnusable


class MachineProbe(Protocol):
    """Every method blocks, changes nothing, and never raises: what goes wrong is the answer."""

    def torch(self, *, try_card: bool) -> TorchState:
        """`try_card`: have the first card compute something, which takes some hundred MB of its memory meanwhile."""
        ...

    def nvidia_cards(self) -> int | None:
        """How many cards are plugged in, whether a driver knows of them or not. None: this system does not say."""
        ...

    def ffmpeg(self) -> FfmpegState: ...

    def disk(self, folder: Path) -> DiskSpace | None:
        """None: the system does not say."""
        ...

    def folder(self, folder: Path) -> FolderState: ...

    def database(self, file: Path, url: str | None) -> DatabaseState:
        """`url` is the address of a database server; None: it is the file."""
        ...
