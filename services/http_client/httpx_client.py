"""HTTP requests with httpx, bounded in bytes, time and redirects."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import httpx

from services.http_client.http_client import (
    MAX_REDIRECTS,
    HTTPClientError,
    HTTPFault,
    HTTPRequestPayload,
    HTTPResponsePayload,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONNECT_TIMEOUT_S: Final = 10.0
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_SCHEMES: Final = frozenset({"http", "https"})


class HttpxClient:
    """An `HTTPClient`. It ignores the environment's proxies and `.netrc`."""

    async def send(self, request: HTTPRequestPayload) -> HTTPResponsePayload:
        try:
            async with asyncio.timeout(request.timeout_s):
                return await self._send(request)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise HTTPClientError(HTTPFault.TIMEOUT, "The server took too long to answer.") from error
        except (httpx.ProtocolError, httpx.DecodingError, httpx.InvalidURL) as error:
            raise HTTPClientError(HTTPFault.BROKEN, "The server's answer is not valid HTTP.") from error
        except httpx.HTTPError as error:
            raise HTTPClientError(HTTPFault.UNREACHABLE, "The server cannot be reached.") from error

    async def _send(self, request: HTTPRequestPayload) -> HTTPResponsePayload:
        url = _parse(request.url)
        # Each request gets a client of its own, so that none is bound to an event loop. Requests are rare.
        timeout = httpx.Timeout(request.timeout_s, connect=min(_CONNECT_TIMEOUT_S, request.timeout_s))
        async with httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=timeout) as client:
            for _ in range(MAX_REDIRECTS + 1):
                # A small compressed body may unpack to a thousand times its size, so none is requested.
                headers = {**request.headers, "Accept-Encoding": "identity"}
                async with client.stream(request.method, url, headers=headers, content=request.body) as response:
                    if response.status_code not in _REDIRECTS:
                        return HTTPResponsePayload(response.status_code, await _read(response, request.max_bytes))
                    url = _follow(request, url, response.status_code, response.headers)
        raise HTTPClientError(HTTPFault.BAD_REDIRECT, f"The server redirected more than {MAX_REDIRECTS} times.")


def _parse(url: str) -> httpx.URL:
    parsed = httpx.URL(url)
    if parsed.scheme not in _SCHEMES or not parsed.host:
        raise HTTPClientError(HTTPFault.BROKEN, "The address is not an HTTP address.")
    return parsed


def _follow(request: HTTPRequestPayload, url: httpx.URL, status: int, headers: Mapping[str, str]) -> httpx.URL:
    if request.method == "POST" and status not in {307, 308}:
        raise HTTPClientError(HTTPFault.BAD_REDIRECT, "The server sent a redirect that would drop the request's body.")
    target = url.join(headers.get("location", ""))
    if (target.scheme, target.host, target.port) != (url.scheme, url.host, url.port):
        raise HTTPClientError(HTTPFault.BAD_REDIRECT, "The server redirected to another server, which is not followed.")
    return target


async def _read(response: httpx.Response, max_bytes: int) -> bytes:
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPClientError(HTTPFault.BROKEN, "The server's answer is compressed, although that was not requested.")
    declared = response.headers.get("content-length", "0")
    too_large = HTTPClientError(HTTPFault.TOO_LARGE, f"The server's answer is larger than {max_bytes} bytes.")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise too_large
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > max_bytes:
            raise too_large
    return bytes(body)
