"""Checks what was said about an endpoint before anything is sent to it."""

from __future__ import annotations

from urllib.parse import urlsplit

from runtime_config.launch_error import LaunchError
from runtime_config.runtime_config import EndpointConfig


def check_endpoint(name: str, base_url: str | None, model: str | None, key: str | None) -> EndpointConfig | None:
    """The endpoint of TERRARIUM_`name`_ENDPOINT; None if none is configured.

    Raises:
        LaunchError: the address is malformed, the model is not named, or the key does not fit an HTTP header.
    """
    if base_url is None:
        return None
    variable = f"TERRARIUM_{name}_ENDPOINT"
    if not _is_plain(base_url):
        msg = f"{variable} is no address that can be used: write http(s)://host[:port]/path with nothing after it."
        raise LaunchError(msg)
    if not model:
        raise LaunchError(f"{variable} needs TERRARIUM_{name}_MODEL: the name of the model that it should use.")
    if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
        raise LaunchError(f"TERRARIUM_{name}_KEY has characters that do not fit an HTTP header.")
    return EndpointConfig(base_url.rstrip("/"), model, key)


def _is_plain(url: str) -> bool:
    """No user and password, which would show up in logs, and nothing that a path appended to it would end up in."""
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError:
        return False
    is_http = parts.scheme in {"http", "https"} and bool(parts.hostname)
    is_clean = "@" not in parts.netloc and not parts.query and not parts.fragment and "?" not in url and "#" not in url
    return is_http and has_port and is_clean and url.isprintable() and " " not in url
