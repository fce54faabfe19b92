"""Disks and folders, looked at without leaving anything there."""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import TYPE_CHECKING

from runtime_config.folder_lock import holder_of
from services.machine_probe.machine_probe import DiskSpace, FolderHeld, FolderState, FolderUnusable, FolderUsable

if TYPE_CHECKING:
    from pathlib import Path


def space_of(folder: Path) -> DiskSpace | None:
    try:
        usage = shutil.disk_usage(_nearest(folder))
    except OSError:
        return None
    return DiskSpace(free=usage.free, total=usage.total)


def state_of(folder: Path) -> FolderState:
    try:
        if not folder.exists():
            return _could_be_made(folder)
        if not folder.is_dir():
            return FolderUnusable("it is a file")
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x")
        holder = holder_of(folder)
    except OSError as error:
        return FolderUnusable(error.strerror or str(error))
    return FolderUsable() if holder is None else FolderHeld(holder.pid)


def _could_be_made(folder: Path) -> FolderState:
    parent = _nearest(folder)
    if not parent.is_dir():
        return FolderUnusable(f"{parent.name} above it is a file")
    if not os.access(parent, os.W_OK | os.X_OK):
        return FolderUnusable("it is not there, and may not be made")
    return FolderUsable(is_there=False)


def _nearest(folder: Path) -> Path:
    """The folder itself, or the first one above it that exists."""
    return next((each for each in (folder, *folder.parents) if each.exists()), folder)
