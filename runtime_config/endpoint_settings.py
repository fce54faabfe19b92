"""Checks the settings of an endpoint before anything is sent to it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runtime_config.launch_error import LaunchError

if TYPE_CHECKING:
    from runtime_config.authoring_config import EndpointConfig


def check_endpoint(name: str, endpoint: EndpointConfig | None) -> None:
    """Check the endpoint of TERRARIUM_`name`_ENDPOINT, if one is configured.

    Raises:
        LaunchError: the address is malformed, the model is not named, or the key does not fit an HTTP header.
    """
    if endpoint is None:
        return
    variable, key = f"TERRARIUM_{name}_ENDPOINT", endpoint.key
    address, model, secret = (f"{name.lower()}_{part}" for part in ("endpoint", "model", "key"))
    if not is_plain_address(endpoint.base_url):
        msg = f"{variable} is no address that can be used: write http(s)://host[:port]/path with nothing after it."
        raise LaunchError(msg, (address,))
    if not endpoint.model:
        raise LaunchError(
            f"{variable} needs TERRARIUM_{name}_MODEL: the name of the model that it should use.", (address, model)
        )
    if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
        raise LaunchError(f"TERRARIUM_{name}_KEY has characters that do not fit an HTTP header.", (secret,))


def is_plain_address(url: str) -> bool:
    """Without a user and password, which would show up in logs, and without a query, which would swallow the path."""
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError:
        return False
    is_http = parts.scheme in {"http", "https"} and bool(parts.hostname)
    is_clean = "@" not in parts.netloc and not parts.query and not parts.fragment and "?" not in url and "#" not in url
    return is_http and has_port and is_clean and url.isprintable() and " " not in url
