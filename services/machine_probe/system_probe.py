"""A `MachineProbe` of the machine that this process runs on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.database.inspection import inspect_database
from services.machine_probe._storage import space_of, state_of
from services.machine_probe._torch import describe_torch
from services.video_writer.encoders_here import describe_ffmpeg

if TYPE_CHECKING:
    from services.machine_probe.machine_probe import DatabaseState, DiskSpace, FfmpegState, FolderState, TorchState

_PCI: Final = Path("/sys/bus/pci/devices")
_NVIDIA: Final = "0x10de"
_DISPLAY: Final = "0x03"  # how the class of every graphics card begins, whether a screen can be plugged in or not


class SystemProbe:
    def __init__(self, pci_devices: Path = _PCI) -> None:
        self._pci_devices = pci_devices

    def torch(self, *, try_card: bool) -> TorchState:
        return describe_torch(try_card=try_card)

    def nvidia_cards(self) -> int | None:
        if sys.platform != "linux":
            return None
        try:
            devices = list(self._pci_devices.iterdir())
        except OSError:
            return None
        return sum(_read(each / "vendor") == _NVIDIA and _read(each / "class").startswith(_DISPLAY) for each in devices)

    def ffmpeg(self) -> FfmpegState:
        return describe_ffmpeg()

    def disk(self, folder: Path) -> DiskSpace | None:
        return space_of(folder)

    def folder(self, folder: Path) -> FolderState:
        return state_of(folder)

    def database(self, file: Path, url: str | None) -> DatabaseState:
        return inspect_database(file, url)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
