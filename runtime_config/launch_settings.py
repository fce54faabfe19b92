"""The server's configuration at start: settings as they were given, checked together, with the data folder made."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from runtime_config.data_directory import locate_data_directory, prepare_data_directory
from runtime_config.endpoint_settings import check_endpoint
from runtime_config.folder_lock import folders_held
from runtime_config.launch_error import LaunchError
from runtime_config.read_config import read_config
from runtime_config.runtime_config import RuntimeConfig
from runtime_config.web_origin import is_loopback_host

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from runtime_config.runtime_config import AccessConfig, JpegConfig, RecordingConfig, SeedSafety


def load_runtime_config(arguments: Sequence[str] | None = None, *, for_reading: bool = False) -> RuntimeConfig:
    """Read flags (None: the process's own) and environment, check them, and make the folders that are written to.

    `for_reading`: nothing will be written, so that folders are neither made nor need to be writable.

    Raises:
        LaunchError: something asked for is malformed, unsafe or impossible.
        SystemExit: after --help.
    """
    config, chosen = read_config(RuntimeConfig, arguments, os.environ)
    _check_access(config.access)
    check_endpoint("WRITER", config.authoring.writer)
    check_endpoint("IMAGE", config.authoring.images)
    return replace(
        config,
        seed_safety=_seed_safety(config.seed_safety if "seed_safety" in chosen else None, config.access.host),
        jpeg=_jpeg(config.jpeg),
        data_dir=(locate_data_directory if for_reading else prepare_data_directory)(config.data_dir),
        recording=config.recording if for_reading else _recording(config.recording),
    )


@contextmanager
def data_held(config: RuntimeConfig) -> Generator[None]:
    """Hold what the server writes to, so that no second server sweeps or changes it.

    Raises:
        LaunchError: another server has it.
    """
    recordings = config.recording.folder
    with folders_held(
        {"--data-dir": config.data_dir, **({} if recordings is None else {"--recordings-dir": recordings})}
    ):
        yield


def _check_access(access: AccessConfig) -> None:
    if is_loopback_host(access.host) or access.token or access.accounts or access.allow_anonymous:
        return
    raise LaunchError(
        f"Listening on {access.host} lets other machines in, and nothing would ask who they are. "
        "Set a secret of 16 characters or more in TERRARIUM_TOKEN, pass --accounts if people shall sign in, "
        "or pass --allow-anonymous if everyone who can reach this address may play."
    )


def _seed_safety(chosen: SeedSafety | None, host: str) -> SeedSafety:
    if is_loopback_host(host):
        return chosen or "when-available"
    if chosen == "off":
        raise LaunchError(
            f"TERRARIUM_SEED_SAFETY=off is for a server that only this machine can reach, and {host} is not. "
            "Use `strict` or `when-available`, or listen on 127.0.0.1."
        )
    return chosen or "strict"


def _jpeg(jpeg: JpegConfig) -> JpegConfig:
    """A slow client's frames are never lowered to a quality above the best one."""
    return replace(jpeg, lowest_quality=min(jpeg.lowest_quality, jpeg.quality, jpeg.small_quality))


def _recording(recording: RecordingConfig) -> RecordingConfig:
    if recording.folder is None:
        return recording
    return replace(recording, folder=prepare_data_directory(recording.folder, "--recordings-dir"))
