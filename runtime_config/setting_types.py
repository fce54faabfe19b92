"""Types of settings that are more than a number or a choice, and the sentences that refuse a bad value.

Flags and variables are text, so that lists and sizes are read from text here. A check raises `LaunchError`, and not
`ValueError`, where its sentence must not repeat the value, or says more than that the value will not do.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, cast

from pydantic import AfterValidator, BeforeValidator, Field

from runtime_config.launch_error import LaunchError
from runtime_config.web_origin import parse_origin

if TYPE_CHECKING:
    from collections.abc import Sequence

MIB: Final = 1024 * 1024

_SHORTEST_TOKEN: Final = 16
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)  # what a Bearer header can carry (RFC 6750)
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?", re.ASCII)


def checked_host(text: str) -> str:
    """Without the brackets around an IPv6 address."""
    host = text.removeprefix("[").removesuffix("]")
    if _HOST.fullmatch(host) is None:
        raise LaunchError(f"The host {text!r} is neither an address nor a host name.")
    return host


def checked_token(token: str | None) -> str | None:
    if token is None:
        return None
    if len(token) < _SHORTEST_TOKEN:
        raise LaunchError(f"The token is too short to keep anyone out: it needs {_SHORTEST_TOKEN} characters or more.")
    if _TOKEN.fullmatch(token) is None:
        raise LaunchError(
            "The token has characters that do not fit an HTTP header: use letters, digits and - . _ ~ + / only."
        )
    return token


def _split_at_commas(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def split_each_at_commas(value: object) -> object:
    """For choices, which have no commas of their own: several in a variable, in one flag, or in repeated flags."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list | tuple):
        return value
    texts = [text for text in cast("Sequence[object]", given) if isinstance(text, str)]
    return tuple(dict.fromkeys(part.strip() for text in texts for part in text.split(",") if part.strip()))


def _split_as_path(value: object) -> object:
    """Folders may have commas in their names."""
    return [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value


def _checked_origin(text: str) -> str:
    if parse_origin(text) is None:
        raise LaunchError(
            f"The allowed origin {text!r} is malformed. "
            "Write scheme://host or scheme://host:port with nothing after it, or `file://`, or `null`."
        )
    return text


def _existing_folder(path: Path) -> Path:
    """The folder behind all links, since they decide what lies in it."""
    try:
        resolved = path.expanduser().resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        resolved = None
    if resolved is None or not resolved.is_dir():
        raise LaunchError(
            f"The folder {path}, into which clients may record, is not there. Make it, or name another one."
        )
    return resolved


def _in_bytes(mebibytes: int | None) -> int | None:
    return None if mebibytes is None else mebibytes * MIB


Origins: TypeAlias = Annotated[
    tuple[Annotated[str, AfterValidator(_checked_origin)], ...], BeforeValidator(_split_at_commas)
]
Folders: TypeAlias = Annotated[
    tuple[Annotated[Path, AfterValidator(_existing_folder)], ...], BeforeValidator(_split_as_path)
]
MEBIBYTES: Final = AfterValidator(_in_bytes)  # after the bounds, which are in MiB as well
Commit: TypeAlias = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
PictureSize: TypeAlias = Annotated[str, Field(pattern=r"^[1-9]\d{1,3}x[1-9]\d{1,3}$")]
