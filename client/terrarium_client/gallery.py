"""The pictures of a server that worlds can begin in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import Request, urlopen

from pydantic import BaseModel, ConfigDict

from terrarium_client.errors import ConnectionLostError, RefusedError
from terrarium_client.transport import session_address

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIMEOUT_S = 20.0


class GallerySeed(BaseModel):
    """A picture: `hash` is what `World.init` takes as `seed`, `model` the engine that it opens in by itself."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    hash: str
    title: str = ""
    model: str | None = None


def gallery(url: str, *, token: str | None = None) -> tuple[GallerySeed, ...]:
    """The pictures of the server at `url`. Waits for its answer.

    Raises:
        RefusedError: the server does not show them.
        ConnectionLostError: no server answers.
        ValueError: `url` is no address of a server.
    """
    answer = _get(url, "/api/seeds", token)
    return tuple(GallerySeed.model_validate(seed) for seed in answer["seeds"])


def _get(url: str, path: str, token: str | None) -> Mapping[str, Any]:
    parts = urlsplit(session_address(url, is_stepped=False))
    scheme = {"ws": "http", "wss": "https"}[parts.scheme]
    address = urlunsplit((scheme, parts.netloc, parts.path.removesuffix("/ws") + path, "", ""))
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        with urlopen(Request(address, headers=headers), timeout=_TIMEOUT_S) as answer:
            return json.load(answer)
    except HTTPError as error:
        raise _refusal(error) from error
    except (URLError, OSError, ValueError) as error:
        raise ConnectionLostError(f"No server answers at {address}: {error}") from error


def _refusal(error: HTTPError) -> RefusedError:
    try:
        said: dict[str, str] = json.loads(error.read())
    except ValueError:
        said = {}
    return RefusedError(said.get("message", f"The server answered {error.code}."), said.get("code", ""))
