"""From the command line and the environment to a `RuntimeConfig`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from runtime_config.authoring_settings import authoring_config
from runtime_config.data_directory import default_data_directory, prepare_data_directory
from runtime_config.launch_arguments import parse_arguments
from runtime_config.launch_error import LaunchError
from runtime_config.runtime_config import (
    MIB,
    AccessConfig,
    JpegConfig,
    LocalImages,
    LocalWriter,
    LogFormat,
    LogLevel,
    MossConfig,
    MossSteps,
    Quantisation,
    RecordingConfig,
    RuntimeConfig,
    SeedSafety,
    SessionLimits,
    Subsampling,
    UnloadEngine,
)
from runtime_config.web_origin import is_loopback_host, parse_origin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic_core import ErrorDetails

_PREFIX: Final = "TERRARIUM_"
_SHORTEST_TOKEN: Final = 16
# What RFC 6750 lets a Bearer header carry.
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?", re.ASCII)
_DEFAULTS: Final = AccessConfig()
_JPEG: Final = JpegConfig()
_RECORDING: Final = RecordingConfig()
_LIMITS: Final = SessionLimits()
_MOSS: Final = MossConfig()


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _split_paths(value: object) -> object:
    """Folders may have commas in their names, so they are separated as in PATH."""
    return [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value


def _number(value: object) -> object:
    return int(value) if isinstance(value, str) and value.strip().isdecimal() else value


Origins: TypeAlias = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Folders: TypeAlias = Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_split_paths)]
Quality: TypeAlias = Annotated[int, Field(ge=1, le=100)]
# Flags and variables are text, which a literal number does not match by itself.
Steps: TypeAlias = Annotated[MossSteps, BeforeValidator(_number)]


class LaunchSettings(BaseSettings):
    """What can be said at start, each field as a flag, as TERRARIUM_<NAME>, or both. An empty variable says nothing."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_ignore_empty=True, extra="ignore", frozen=True)

    host: str = _DEFAULTS.host
    port: Annotated[int, Field(ge=0, le=65535)] = _DEFAULTS.port
    data_dir: Path | None = None
    log_format: LogFormat | None = None
    log_level: LogLevel = "info"
    parent_pid: Annotated[int, Field(ge=1)] | None = None
    launched_from_standalone: bool = False
    allowed_origin: Origins = ()
    token: str | None = Field(default=None, repr=False)
    allow_anonymous: bool = False
    max_sessions: Annotated[int, Field(ge=1, le=1024)] = 8
    seed_safety: SeedSafety | None = None
    max_upload_mib: Annotated[int, Field(ge=1, le=1024)] = 64
    jpeg_quality: Quality = _JPEG.quality
    jpeg_subsampling: Subsampling = _JPEG.subsampling
    small_jpeg_quality: Quality = _JPEG.small_quality
    small_jpeg_subsampling: Subsampling = _JPEG.small_subsampling
    encoder_threads: Annotated[int, Field(ge=1, le=64)] | None = None
    moments_mib: Annotated[int, Field(ge=1, le=65536)] = _LIMITS.moment_bytes // MIB
    moss_weights: Path | None = None
    moss_steps: Steps = _MOSS.steps
    recordings_dir: Path | None = None
    client_recordings_dir: Folders = ()
    recordings_quota_mib: Annotated[int, Field(ge=1, le=1 << 30)] = _RECORDING.quota_bytes // MIB
    writer_endpoint: str | None = None
    writer_model: str | None = None
    writer_key: str | None = Field(default=None, repr=False)
    writer_sees: bool = True
    local_writer: LocalWriter = "off"
    local_writer_folder: Path | None = None
    local_writer_revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = None
    local_writer_quant: Quantisation = "none"
    image_endpoint: str | None = None
    image_model: str | None = None
    image_key: str | None = Field(default=None, repr=False)
    local_images: LocalImages = "off"
    local_image_folder: Path | None = None
    local_images_quant: Quantisation = "none"
    unload_engine: UnloadEngine = "auto"
    image_size: Annotated[str, Field(pattern=r"^[1-9]\d{1,3}x[1-9]\d{1,3}$")] | None = None


def load_runtime_config(arguments: Sequence[str] | None = None) -> RuntimeConfig:
    """Read flags (None: the process's own) and environment, check them, and make the data folder.

    Raises:
        LaunchError: something asked for is malformed, unsafe or impossible.
        SystemExit: after --help.
    """
    flags = parse_arguments(arguments)
    try:
        settings = LaunchSettings.model_validate(flags)  # reads the environment for the rest
    except ValidationError as exc:
        raise LaunchError(_explain(exc.errors()[0], flags)) from None  # the chain would show a token
    access = _access(settings)
    data_dir = prepare_data_directory(settings.data_dir or default_data_directory(os.environ))
    return RuntimeConfig(
        data_dir=data_dir,
        access=access,
        log_format=settings.log_format,
        log_level=settings.log_level,
        parent_pid=settings.parent_pid,
        launched_from_standalone=settings.launched_from_standalone,
        max_sessions=settings.max_sessions,
        seed_safety=_seed_safety(settings.seed_safety, access.host),
        max_upload_bytes=settings.max_upload_mib * MIB,
        jpeg=_jpeg(settings),
        recording=_recording(settings),
        moss=MossConfig(weights=settings.moss_weights, steps=settings.moss_steps),
        authoring=authoring_config(settings),
        limits=SessionLimits(moment_bytes=settings.moments_mib * MIB),
    )


def _explain(error: ErrorDetails, flags: Mapping[str, object]) -> str:
    name = str(error["loc"][0])
    source = f"--{name.replace('_', '-')}" if name in flags else f"{_PREFIX}{name.upper()}"
    if name in {"token", "writer_key", "image_key"}:
        return f"{source}: this {name.rpartition('_')[2]} is not text."
    problem = error["msg"].removeprefix("Input ").partition(", unable")[0].replace("a valid integer", "a whole number")
    return f"{source}: {error['input']!r} will not do, it {problem.replace('a valid boolean', 'yes or no')}."


def _access(settings: LaunchSettings) -> AccessConfig:
    host = settings.host.removeprefix("[").removesuffix("]")
    if _HOST.fullmatch(host) is None:
        msg = f"The host {settings.host!r} is neither an address nor a host name."
        raise LaunchError(msg)
    _check_token(settings.token)
    if not (is_loopback_host(host) or settings.token or settings.allow_anonymous):
        msg = (
            f"Listening on {host} lets other machines in, and nothing would ask who they are. "
            "Set a secret of 16 characters or more in TERRARIUM_TOKEN, "
            "or pass --allow-anonymous if everyone who can reach this address may play."
        )
        raise LaunchError(msg)
    return AccessConfig(
        host=host,
        port=settings.port,
        allowed_origins=tuple(_check_origin(text) for text in settings.allowed_origin),
        token=settings.token,
        allow_anonymous=settings.allow_anonymous,
    )


def _check_token(token: str | None) -> None:
    if token is None:
        return
    if len(token) < _SHORTEST_TOKEN:
        msg = f"The token is too short to keep anyone out: it needs {_SHORTEST_TOKEN} characters or more."
        raise LaunchError(msg)
    if _TOKEN.fullmatch(token) is None:
        msg = "The token has characters that do not fit an HTTP header: use letters, digits and - . _ ~ + / only."
        raise LaunchError(msg)


def _check_origin(text: str) -> str:
    if parse_origin(text) is None:
        msg = (
            f"The allowed origin {text!r} is malformed. "
            "Write scheme://host or scheme://host:port with nothing after it, or `file://`, or `null`."
        )
        raise LaunchError(msg)
    return text


def _seed_safety(asked: SeedSafety | None, host: str) -> SeedSafety:
    if is_loopback_host(host):
        return asked or "when-available"
    if asked == "off":
        msg = (
            f"TERRARIUM_SEED_SAFETY=off is for a server that only this machine can reach, and {host} is not. "
            "Use `strict` or `when-available`, or listen on 127.0.0.1."
        )
        raise LaunchError(msg)
    return asked or "strict"


def _jpeg(settings: LaunchSettings) -> JpegConfig:
    return JpegConfig(
        quality=settings.jpeg_quality,
        subsampling=settings.jpeg_subsampling,
        small_quality=settings.small_jpeg_quality,
        small_subsampling=settings.small_jpeg_subsampling,
        lowest_quality=min(_JPEG.lowest_quality, settings.jpeg_quality, settings.small_jpeg_quality),
        threads=settings.encoder_threads,
    )


def _recording(settings: LaunchSettings) -> RecordingConfig:
    folder = settings.recordings_dir
    return RecordingConfig(
        folder=None if folder is None else prepare_data_directory(folder, "--recordings-dir"),
        client_folders=tuple(_check_folder(path) for path in settings.client_recordings_dir),
        quota_bytes=settings.recordings_quota_mib * MIB,
    )


def _check_folder(path: Path) -> Path:
    """An existing folder, resolved: what lies in it is decided by where links lead."""
    try:
        resolved = path.expanduser().resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        resolved = None
    if resolved is None or not resolved.is_dir():
        msg = f"The folder {path}, into which clients may record, is not there. Make it, or name another one."
        raise LaunchError(msg)
    return resolved
