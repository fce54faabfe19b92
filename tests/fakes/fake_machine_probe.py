"""A machine of which a test says what is on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.machine_probe.machine_probe import (
    DatabaseAbsent,
    DiskSpace,
    FfmpegFound,
    FolderUsable,
    TorchMissing,
)

if TYPE_CHECKING:
    from pathlib import Path

    from services.machine_probe.machine_probe import DatabaseState, FfmpegState, FolderState, TorchState


class FakeMachineProbe:
    """A test exchanges what it answers. `tried_card` is what `torch` was last asked for."""

    def __init__(self) -> None:
        self.torch_state: TorchState = TorchMissing()
        self.cards: int | None = 0
        self.ffmpeg_state: FfmpegState = FfmpegFound("7.1", has_software=True)
        self.space: DiskSpace | None = DiskSpace(free=100 << 30, total=200 << 30)
        self.folder_state: FolderState = FolderUsable()
        self.database_state: DatabaseState = DatabaseAbsent()
        self.tried_card: bool | None = None

    def torch(self, *, try_card: bool) -> TorchState:
        self.tried_card = try_card
        return self.torch_state

    def nvidia_cards(self) -> int | None:
        return self.cards

    def ffmpeg(self) -> FfmpegState:
        return self.ffmpeg_state

    def disk(self, folder: Path) -> DiskSpace | None:
        del folder
        return self.space

    def folder(self, folder: Path) -> FolderState:
        del folder
        return self.folder_state

    def database(self, file: Path, url: str | None) -> DatabaseState:
        del file, url
        return self.database_state
