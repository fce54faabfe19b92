"""Where models are pulled from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import AfterValidator

from runtime_config.applies import NEXT_JOB
from runtime_config.endpoint_settings import is_plain_address
from runtime_config.launch_error import LaunchError
from runtime_config.setting import Setting


def _checked_endpoint(address: str) -> str:
    """Without a slash at its end."""
    if not is_plain_address(address):
        raise LaunchError(
            "The model hub's address cannot be used: write http(s)://host[:port]/path with nothing after it.",
            ("hub_endpoint",),
        )
    return address.rstrip("/")


def _checked_token(token: str) -> str:
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise LaunchError("The model hub's token has characters that do not fit an HTTP header.", ("hub_token",))
    return token


@dataclass(frozen=True, slots=True)
class HubConfig:
    """What is None is taken from the variables of the Hugging Face libraries, if they are set."""

    endpoint: Annotated[
        Annotated[str, AfterValidator(_checked_endpoint)] | None,
        Setting(
            "hub_endpoint",
            "address of the hub from which models are pulled, such as a mirror's",
            default="HF_ENDPOINT, or else Hugging Face",
            metavar="URL",
            applies=NEXT_JOB,
        ),
    ] = None
    token: Annotated[
        Annotated[str, AfterValidator(_checked_token)] | None,
        Setting(
            "hub_token",
            "token for that hub, which gated models need; prefer the variable",
            default="HF_TOKEN, or that of whoever has signed in with `hf auth login`",
            metavar="SECRET",
            applies=NEXT_JOB,
            is_secret=True,
        ),
    ] = field(default=None, repr=False)
