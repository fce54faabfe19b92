"""Where models are pulled from, and with which token: by the settings, or by the Hugging Face libraries' variables."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.model_hub.hub_cache import home_dir

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime_config.hub_config import HubConfig

_HUGGING_FACE: Final = "https://huggingface.co"
_LONGEST_TOKEN: Final = 1000  # characters


@dataclass(frozen=True, slots=True)
class HubAccess:
    """`endpoint` is without a slash at its end."""

    endpoint: str
    token: str | None = field(default=None, repr=False)  # never printed


def hub_access(config: HubConfig, environ: Mapping[str, str]) -> HubAccess:
    """What is in force now. Blocks, as the token may be in a file.

    A token of the environment is for the environment's hub, and never goes to another one that the settings name.
    """
    theirs = (environ.get("HF_ENDPOINT") or _HUGGING_FACE).rstrip("/")
    endpoint = config.endpoint or theirs
    token = config.token
    if token is None and endpoint == theirs:
        token = environ.get("HF_TOKEN") or environ.get("HUGGING_FACE_HUB_TOKEN") or _token_of_file(environ)
    return HubAccess(endpoint, token)


def _token_of_file(environ: Mapping[str, str]) -> str | None:
    """What `hf auth login` has left."""
    given = environ.get("HF_TOKEN_PATH")
    file = Path(given).expanduser() if given else home_dir(environ) / "token"
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return token if token.isprintable() and 0 < len(token) <= _LONGEST_TOKEN and " " not in token else None
