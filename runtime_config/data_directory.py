"""The data folder: where the platform keeps application data, and a check that it can be written."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from runtime_config.launch_error import LaunchError

if TYPE_CHECKING:
    from collections.abc import Mapping


def default_data_directory(environment: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """The folder for application data by the convention of `platform` (a `sys.platform` value).

    `environment` is the process's own unless another is given.

    Raises:
        LaunchError: the user has no home folder.
    """
    environment = os.environ if environment is None else environment
    if platform == "win32":
        local = environment.get("LOCALAPPDATA")
        return (Path(local) if local else _home() / "AppData" / "Local") / "Terrarium"
    if platform == "darwin":
        return _home() / "Library" / "Application Support" / "Terrarium"
    shared = environment.get("XDG_DATA_HOME", "")
    # The XDG specification says that a relative path is to be ignored.
    return (Path(shared) if os.path.isabs(shared) else _home() / ".local" / "share") / "terrarium"


def locate_data_directory(path: Path, flag: str = "--data-dir") -> Path:
    """`path`, absolute, whether it is there or not.

    Raises:
        LaunchError: it begins with the home folder of a user who has none.
    """
    try:
        return path.expanduser().absolute()
    except RuntimeError as exc:
        raise LaunchError(_cannot_be_written(path, flag, exc)) from exc


def prepare_data_directory(path: Path, flag: str = "--data-dir") -> Path:
    """Create `path` if it is missing, check that files can be written in it, and return it absolute.

    `flag` is named in the error, as the way to choose another folder.

    Raises:
        LaunchError: it cannot be created or written.
    """
    absolute = locate_data_directory(path, flag)
    try:
        absolute.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=absolute) as probe:
            probe.write(b"x")
    except (OSError, ValueError) as exc:
        raise LaunchError(_cannot_be_written(path, flag, exc)) from exc
    return absolute


def _cannot_be_written(path: Path, flag: str, error: Exception) -> str:
    cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"The folder {path} cannot be written ({cause}). Choose another one with {flag}."


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError as exc:
        msg = "This user has no home folder to keep data in. Choose a folder with --data-dir."
        raise LaunchError(msg) from exc
