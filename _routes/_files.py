"""Answers that are files: whole, in parts, or not at all where the client has them already."""

from __future__ import annotations

import hashlib
import os
import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

import anyio.to_thread
from fastapi.responses import FileResponse, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from starlette.types import Receive, Scope, Send

_ETAG: Final = re.compile(r'(W/)?("[^"]*")')
_RANGE: Final = re.compile(r"(\d*)\s*-\s*(\d*)", re.ASCII)
_MOST_DIGITS: Final = 18  # a number with more of them is beyond any file
# What an answer without a body says of the file, so that a cache can keep what it has.
_KEPT_HEADERS: Final = ("cache-control", "etag", "last-modified")


class StoredFile(FileResponse):
    """A file on the disk, with the conditions and ranges of RFC 9110.

    Starlette's own answer knows no conditions, takes ranges on HEAD, and refuses those that are to be ignored.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            facts = await anyio.to_thread.run_sync(os.stat, self.path)
        except FileNotFoundError as error:  # removed since the route found it
            raise HTTPException(404) from error
        self.stat_result = facts
        self.set_stat_headers(facts)
        asked = Headers(scope=scope)
        if await _answered_by_condition(self, asked, scope, receive, send):
            return
        headers = MutableHeaders(raw=list(scope["headers"]))
        ranges = satisfiable_ranges(asked.get("range", ""), facts.st_size) if scope["method"] == "GET" else None
        if ranges is None:
            del headers["range"]
        elif "if-range" not in headers or self._should_use_range(headers["if-range"]):
            if not ranges:
                raise HTTPException(416, headers={"Content-Range": f"bytes */{facts.st_size}"})
            headers["range"] = "bytes=" + ",".join(f"{first}-{last}" for first, last in ranges)
        await super().__call__({**scope, "headers": headers.raw}, receive, send)


class PictureBytes(Response):
    """A picture in memory, named by the hash of its bytes."""

    def __init__(self, data: bytes, media_type: str, headers: Mapping[str, str]) -> None:
        super().__init__(data, media_type=media_type, headers=headers)
        self.headers["etag"] = f'"{hashlib.sha256(data).hexdigest()[:32]}"'

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not await _answered_by_condition(self, Headers(scope=scope), scope, receive, send):
            await super().__call__(scope, receive, send)


def satisfiable_ranges(header: str, size: int) -> list[tuple[int, int]] | None:
    """The first and last byte of each range that a file of `size` bytes has. None: the header is to be ignored."""
    unit, _, listed = header.partition("=")
    if unit.strip().lower() != "bytes":
        return None
    ranges: list[tuple[int, int]] = []
    for text in listed.split(","):
        match = _RANGE.fullmatch(text.strip())
        if match is None or match[0].strip() == "-":
            return None
        first, last = _number(match[1]), _number(match[2])
        if first is None:
            first, last = max(0, size - (last or 0)), size - 1
        elif last is not None and last < first:
            return None
        last = size - 1 if last is None else min(last, size - 1)
        if first <= last:
            ranges.append((first, last))
    return ranges


def _number(digits: str) -> int | None:
    """Python refuses to read thousands of digits."""
    if not digits:
        return None
    return int(digits) if len(digits) <= _MOST_DIGITS else 10**_MOST_DIGITS


async def _answered_by_condition(answer: Response, asked: Headers, scope: Scope, receive: Receive, send: Send) -> bool:
    """Answer 304 or 412 where a condition of the request says so (RFC 9110, 13.2.2)."""
    etag, modified = answer.headers["etag"], _date(answer.headers.get("last-modified"))
    if "if-match" in asked:
        failed = not _matches(asked["if-match"], etag, weakly=False)
    else:
        since = _date(asked.get("if-unmodified-since"))
        failed = since is not None and modified is not None and modified > since
    if failed:
        raise HTTPException(412)
    if "if-none-match" in asked:
        has_it = _matches(asked["if-none-match"], etag, weakly=True)
    else:
        since = _date(asked.get("if-modified-since"))
        has_it = since is not None and modified is not None and modified <= since
    if has_it:
        headers = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
        await Response(status_code=304, headers=headers)(scope, receive, send)
    return has_it


def _matches(listed: str, etag: str, *, weakly: bool) -> bool:
    if listed.strip() == "*":
        return True
    return any(tag == etag and (weakly or not weak) for weak, tag in _ETAG.findall(listed))


def _date(text: str | None) -> datetime | None:
    """A date of HTTP. A malformed one is ignored."""
    try:
        date = None if text is None else parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date is None or date.tzinfo is not None else None
