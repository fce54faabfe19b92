"""Requests to a model hub, which is not trusted: bounded in time and size, with the token for the hub alone."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import httpx

from runtime_config.web_origin import is_loopback_host
from services.model_hub.hub_refusals import TryAgainError, refusal
from services.model_hub.model_hub import HubFault, ModelHubError
from services.model_hub.repository_files import listing_of_hub

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Generator

    from services.model_hub.hub_access import HubAccess
    from services.model_hub.repository_files import Listing

_CONNECT_TIMEOUT_S: Final = 10.0
_MAX_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_LONGEST_LISTING: Final = 32 * 1024 * 1024  # bytes
_UNREACHABLE: Final = "The model hub cannot be reached. Check this machine's connection, and the setting hub_endpoint."
_BROKE: Final = "The connection to the model hub broke again and again. Pull again to go on from here."


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of a file from `start` on: where it was asked for, or 0 from a hub that sends whole files alone.

    `total` is the size of the whole file, as far as the hub says it. `chunks` are as they arrive: whatever collected
    them first would be lost with the connection.
    """

    start: int
    total: int | None
    chunks: AsyncIterator[bytes]


class HubConnection:
    """To be used on one event loop, until the end of `hub_connection`'s block."""

    def __init__(self, access: HubAccess, client: httpx.AsyncClient) -> None:
        self._access = access
        self._client = client
        with _transport_errors_told():
            self._endpoint = httpx.URL(access.endpoint)

    async def listing(self, model_id: str, revision: str) -> Listing:
        """The files of a revision. Raises: ModelHubError."""
        address = f"/api/models/{model_id}/revision/{quote(revision, safe='')}?blobs=true"
        async with self._get(model_id, address, {}) as response:
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > _LONGEST_LISTING:
                    raise ModelHubError(HubFault.BROKEN, f"What the hub says of {model_id} is too long to be a list.")
        try:
            answer: object = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        return listing_of_hub(model_id, answer)

    @asynccontextmanager
    async def open(self, model_id: str, commit: str, path: str, start: int) -> AsyncGenerator[Body]:
        """A file from byte `start` on. Raises: ModelHubError."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        async with self._get(model_id, f"/{model_id}/resolve/{commit}/{quote(path)}", headers) as response:
            begins, total = _extent(response, start)
            yield Body(begins, total, response.aiter_raw())

    @asynccontextmanager
    async def _get(self, model_id: str, address: str, headers: dict[str, str]) -> AsyncGenerator[httpx.Response]:
        url = httpx.URL(self._access.endpoint + address)
        with _transport_errors_told():
            for _ in range(_MAX_REDIRECTS + 1):
                async with self._client.stream("GET", url, headers={**headers, **self._token_for(url)}) as response:
                    if response.status_code in _REDIRECTS:
                        url = followed(self._endpoint, url, response.headers.get("location", ""))
                        continue
                    if response.status_code not in {200, 206}:
                        raise refusal(response.status_code, response.headers, model_id, self._access)
                    if response.headers.get("content-encoding", "identity").lower() != "identity":
                        raise ModelHubError(HubFault.BROKEN, "The model hub compresses files, which was not asked for.")
                    yield response
                    return
        raise ModelHubError(HubFault.BROKEN, f"The model hub redirected more than {_MAX_REDIRECTS} times.")

    def _token_for(self, url: httpx.URL) -> dict[str, str]:
        """The token is for the hub itself, and not for whoever keeps its files."""
        if self._access.token is None or not _is_same_origin(url, self._endpoint):
            return {}
        return {"Authorization": f"Bearer {self._access.token}"}


@asynccontextmanager
async def hub_connection(access: HubAccess, silence_s: float) -> AsyncGenerator[HubConnection]:
    """It goes through the environment's proxy (`HTTPS_PROXY`, `NO_PROXY`): many machines reach a hub in no other way.

    Through `https` a proxy sees neither the token nor what is pulled, and httpx takes no passwords out of a `.netrc`. A
    connection on which no byte comes for `silence_s` seconds is given up.
    """
    timeout = httpx.Timeout(silence_s, connect=_CONNECT_TIMEOUT_S)
    headers = {"Accept-Encoding": "identity", "User-Agent": "terrarium"}
    async with httpx.AsyncClient(trust_env=True, follow_redirects=False, timeout=timeout, headers=headers) as client:
        yield HubConnection(access, client)


@contextmanager
def _transport_errors_told() -> Generator[None]:
    try:
        yield
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise ModelHubError(HubFault.BROKEN, "The address of the model hub cannot be used.") from error
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise TryAgainError(HubFault.UNREACHABLE, _UNREACHABLE) from error
    except httpx.HTTPError as error:
        raise TryAgainError(HubFault.UNREACHABLE, _BROKE) from error


def followed(endpoint: httpx.URL, url: httpx.URL, location: str) -> httpx.URL:
    """Where a redirect leads. A hub keeps its files with others, which may be any host of the internet, over TLS.

    Without TLS the hub itself is followed, and a hub on this machine to another port of it.

    Raises:
        ModelHubError: to anywhere else, such as a file, or a host of the server's own network.
    """
    try:
        target = url.join(location)
    except httpx.InvalidURL:
        target = httpx.URL()
    is_local = all(is_loopback_host(each.host) and each.scheme == "http" for each in (endpoint, url, target))
    is_safe = target.scheme == "https" and bool(target.host) and not target.userinfo
    if is_safe or is_local or (target.scheme == "http" and _is_same_origin(target, endpoint)):
        return target
    raise ModelHubError(HubFault.BROKEN, "The model hub redirected to where the server does not follow.")


def _is_same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)


def _extent(response: httpx.Response, start: int) -> tuple[int, int | None]:
    """Where the body begins, and how long the whole file is."""
    length = response.headers.get("content-length", "")
    if response.status_code == 200:
        return 0, int(length) if length.isdecimal() else None
    span, _, total = response.headers.get("content-range", "").removeprefix("bytes ").partition("/")
    if span.partition("-")[0] != str(start):
        raise ModelHubError(HubFault.BROKEN, "The model hub sends another part of a file than was asked for.")
    return start, int(total) if total.isdecimal() else None
