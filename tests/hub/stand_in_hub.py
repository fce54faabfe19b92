"""A model hub on this machine that speaks the parts of Hugging Face's protocol that the server uses, with faults.

Small files come from the hub itself; large ones are redirected to a second port, which stands for the host that keeps
them. Both are real HTTP servers on loopback. As a program, it serves until it is killed:
`python -m tests.hub.stand_in_hub FOLDER [BYTES_PER_S]`, where FOLDER holds models as OWNER/NAME; it prints its address.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import unquote

from tests.network.live_server import serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence

    Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]

LARGE: Final = 1024  # bytes: from there on a file is kept elsewhere, and known by its SHA-256
_CHUNK: Final = 64 * 1024


# ------------------------------------------------------------------------------------------------------ faults


@dataclass(frozen=True)
class Refuse:
    """Answer with a status in place of the file or the listing."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Redirect:
    to: str


@dataclass(frozen=True)
class BreakOff:
    """Close the connection after so many bytes of the body."""

    after: int


@dataclass(frozen=True)
class EndEarly:
    """Send so many bytes, in a body without a length, which ends as if it were whole."""

    after: int


@dataclass(frozen=True)
class WholeAlone:
    """Take no notice of the range that was asked for."""


@dataclass(frozen=True)
class OtherLength:
    """Say that the file is longer than it is."""


@dataclass(frozen=True)
class OtherRange:
    """Say that the bytes are from another place of the file."""


@dataclass(frozen=True)
class Append:
    """Send bytes behind the file's end, in a body without a length."""

    more: int


@dataclass(frozen=True)
class Garble:
    """Send another content of the same length."""


@dataclass(frozen=True)
class Compress:
    """Say that the body is compressed."""


@dataclass(frozen=True)
class Hold:
    """Send so many bytes, and nothing more until the event."""

    after: int
    until: Event


Fault: TypeAlias = (
    Refuse | Redirect | BreakOff | EndEarly | WholeAlone | OtherLength | OtherRange | Append | Garble | Compress | Hold
)


# ------------------------------------------------------------------------------------------------------- the hub


@dataclass
class Asked:
    path: str
    headers: dict[str, str]
    sent: int = 0  # bytes of the body


@dataclass
class StandInHub:
    """`asked` is every request, and `kept` those of them that went to the host that keeps large files.

    `faults` are met once each, in their order, by requests for a path, "" being the listing. `always` are met by every
    request.
    """

    base_url: str = ""
    store_url: str = ""
    bytes_per_s: float | None = None
    revisions: dict[str, dict[str, Mapping[str, bytes]]] = field(default_factory=dict[str, dict[str, Any]])
    branches: dict[str, str] = field(default_factory=dict[str, str])
    asked: list[Asked] = field(default_factory=list[Asked])
    kept: list[Asked] = field(default_factory=list[Asked])
    faults: dict[str, list[Fault]] = field(default_factory=dict[str, list[Fault]])
    always: dict[str, Fault] = field(default_factory=dict[str, Fault])
    listed: Callable[[dict[str, Any]], object] = lambda listing: listing  # what becomes of a listing

    def begin_anew(self, models: Mapping[str, Mapping[str, bytes]]) -> None:
        """Forget everything, and have these models, by their ids: each the files of its main branch by their paths."""
        fresh = StandInHub(self.base_url, self.store_url)
        for name in ("bytes_per_s", "revisions", "branches", "asked", "kept", "faults", "always", "listed"):
            setattr(self, name, getattr(fresh, name))
        for model_id, files in models.items():
            self.publish(model_id, files)

    def publish(self, model_id: str, files: Mapping[str, bytes]) -> str:
        """A new commit of the main branch."""
        digest = hashlib.sha1(usedforsecurity=False)
        for path, data in sorted(files.items()):
            digest.update(path.encode() + data)
        commit = digest.hexdigest()
        self.revisions.setdefault(model_id, {})[commit] = dict(files)
        self.branches[model_id] = commit
        return commit

    @property
    def bytes_sent(self) -> int:
        """Of all files, by the hub and by the host that keeps them."""
        return sum(asked.sent for asked in (*self.asked, *self.kept) if "/api/models/" not in asked.path)

    async def hub(self, scope: Any, receive: Any, send: Send) -> None:
        del receive
        asked = _asked(scope)
        self.asked.append(asked)
        parts = asked.path.strip("/").split("/")
        if parts[:2] == ["api", "models"] and len(parts) == 6:
            await self._list("/".join(parts[2:4]), parts[5], asked, send)
        elif len(parts) > 4 and parts[2] == "resolve":
            await self._resolve("/".join(parts[:2]), parts[3], "/".join(parts[4:]), asked, send)
        else:
            await _answer(send, 404)

    async def store(self, scope: Any, receive: Any, send: Send) -> None:
        del receive
        asked = _asked(scope)
        self.kept.append(asked)
        path = asked.path.split("/", 2)[2]
        data = self._by_digest(asked.path.split("/")[1])
        await _answer(send, 404) if data is None else await self._send(path, data, asked, send)

    async def _list(self, model_id: str, revision: str, asked: Asked, send: Send) -> None:
        fault = self._fault("")
        commit = self.branches.get(model_id) if revision == "main" else revision
        files = self.revisions.get(model_id, {}).get(commit or "")
        match fault:
            case Refuse(status, headers):
                await _answer(send, status, headers)
            case Redirect(to):
                await _answer(send, 302, {"location": to})
            case _ if files is None:
                await _answer(send, 404, {"x-error-code": "RevisionNotFound"})
            case _:
                listing = {"id": model_id, "sha": commit, "siblings": [_sibling(*each) for each in files.items()]}
                body = json.dumps(self.listed(listing)).encode()
                asked.sent = len(body)
                await _answer(send, 200, {"content-type": "application/json"}, body)

    async def _resolve(self, model_id: str, commit: str, path: str, asked: Asked, send: Send) -> None:
        data = self.revisions.get(model_id, {}).get(commit, {}).get(path)
        if data is None:
            await _answer(send, 404, {"x-error-code": "EntryNotFound"})
        elif len(data) >= LARGE and not isinstance(self._coming(path), Redirect | Refuse):
            await _answer(send, 302, {"location": f"{self.store_url}/{_sha256(data)}/{path}"})
        else:
            await self._send(path, data, asked, send)

    async def _send(self, path: str, data: bytes, asked: Asked, send: Send) -> None:
        fault, start = self._fault(path), 0
        if "range" in asked.headers and not isinstance(fault, WholeAlone):
            start = int(asked.headers["range"].removeprefix("bytes=").removesuffix("-"))
        body, size = data[start:], len(data)
        headers = {"content-length": str(len(body))}
        status = 206 if start else 200
        if start:
            headers["content-range"] = f"bytes {start}-{size - 1}/{size}"
        match fault:
            case Refuse(refused, further):
                await _answer(send, refused, further)
                return
            case Redirect(to):
                await _answer(send, 302, {"location": to})
                return
            case EndEarly(after):
                body = body[:after]
                del headers["content-length"]
            case Append(more):
                body += bytes(more)
                del headers["content-length"]
            case OtherLength():
                body += bytes(1)
                headers |= {"content-length": str(len(body)), "content-range": f"bytes {start}-{size}/{size + 1}"}
            case OtherRange():
                headers["content-range"] = f"bytes {start + 1}-{size - 1}/{size}"
            case Garble():
                body = bytes(byte ^ 1 for byte in body)
            case Compress():
                headers["content-encoding"] = "gzip"
            case _:
                pass
        await _begin(send, status, headers)
        await self._send_body(body, fault, asked, send)

    async def _send_body(self, body: bytes, fault: Fault | None, asked: Asked, send: Send) -> None:
        stops_at = fault.after if isinstance(fault, BreakOff | Hold) else len(body)
        for start in range(0, len(body), _CHUNK):
            chunk = body[start : min(start + _CHUNK, stops_at)]
            if chunk:
                asked.sent += len(chunk)  # first, as whoever gets it may look at once
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await asyncio.sleep(len(chunk) / self.bytes_per_s if self.bytes_per_s else 0)
            if start + _CHUNK >= stops_at and isinstance(fault, BreakOff):
                return  # an answer that is not completed is cut
            if start + _CHUNK >= stops_at and isinstance(fault, Hold):
                await asyncio.to_thread(fault.until.wait)
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _coming(self, path: str) -> Fault | None:
        waiting = self.faults.get(path)
        return waiting[0] if waiting else self.always.get(path)

    def _fault(self, path: str) -> Fault | None:
        waiting = self.faults.get(path)
        return waiting.pop(0) if waiting else self.always.get(path)

    def _by_digest(self, digest: str) -> bytes | None:
        every = (data for commits in self.revisions.values() for files in commits.values() for data in files.values())
        return next((data for data in every if _sha256(data) == digest), None)


def _asked(scope: Any) -> Asked:
    headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
    return Asked(unquote(scope["path"]), headers)


def _sibling(path: str, data: bytes) -> dict[str, object]:
    told: dict[str, object] = {"rfilename": path, "size": len(data), "blobId": git_blob(data)}
    return told | ({"lfs": {"sha256": _sha256(data), "size": len(data)}} if len(data) >= LARGE else {})


def git_blob(data: bytes) -> str:
    return hashlib.sha1(f"blob {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def _begin(send: Send, status: int, headers: Mapping[str, str]) -> None:
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})


async def _answer(send: Send, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
    await _begin(send, status, {**(headers or {}), "content-length": str(len(body))})
    await send({"type": "http.response.body", "body": body, "more_body": False})


@contextmanager
def stand_in_hub(models: Mapping[str, Mapping[str, bytes]] | None = None) -> Generator[StandInHub]:
    """`models` are as of `StandInHub.begin_anew`."""
    hub = StandInHub()
    hub.begin_anew(models or {})
    with serving(hub.hub, interface="asgi3") as front, serving(hub.store, interface="asgi3") as back:
        hub.base_url = f"http://127.0.0.1:{front.port}"
        hub.store_url = f"http://127.0.0.1:{back.port}"
        yield hub


def main(arguments: Sequence[str]) -> None:
    folder = Path(arguments[0])
    with stand_in_hub() as hub:
        hub.bytes_per_s = float(arguments[1]) if len(arguments) > 1 else None
        for model in folder.glob("*/*"):
            files = [file for file in model.rglob("*") if file.is_file()]
            hub.publish(
                model.relative_to(folder).as_posix(),
                {file.relative_to(model).as_posix(): file.read_bytes() for file in files},
            )
        sys.stdout.write(f"{hub.base_url}\n")
        sys.stdout.flush()
        Event().wait()


if __name__ == "__main__":
    main(sys.argv[1:])
