"""Strangers for the benchmark of the door: many connections that are silent, or slow, from this machine's address."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import TracebackType

_DRIP_S: Final = 1.0
_LOOK_S: Final = 0.05
_CONNECT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Manner:
    """How a stranger behaves: it says `opening`, and then, if `drip` has any, one byte of it a second."""

    name: str
    opening: bytes = b""
    drip: bytes = b""


SILENT: Final = Manner("silent")
SLOW_HEAD: Final = Manner("slow headers", b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ", b"x")
SLOW_BODY: Final = Manner(
    "slow body",
    b"POST /api/scenes HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n",
    b" ",
)


def own_address() -> str | None:
    """An address of this machine that is not loopback. None: it has none. Nothing is sent to find out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation
        except OSError:
            return None
        address = str(probe.getsockname()[0])
    return None if address.startswith("127.") else address


class Crowd:
    """Opens `count` connections and keeps them for as long as the server does, or until the block ends.

    It opens up to `again_per_s` new ones a second in place of those that the server has ended.
    """

    def __init__(self, address: str, port: int, count: int, manner: Manner, *, again_per_s: int = 0) -> None:
        self._server = (address, port)
        self._count = count
        self._manner = manner
        self._again_per_s = again_per_s
        self._ended_after: list[float] = []
        self._selector = selectors.DefaultSelector()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    @property
    def ended_after(self) -> list[float]:
        """The age at which the server ended each connection, in seconds, of those that it has ended."""
        return list(self._ended_after)

    @property
    def has_gone(self) -> bool:
        return len(self._ended_after) == self._count

    def __enter__(self) -> Crowd:
        for _ in range(self._count):
            self._open()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            _socket_of(key).close()
        self._selector.close()

    def _open(self) -> None:
        began = time.monotonic()
        try:
            connection = socket.create_connection(self._server, _CONNECT_S)
        except OSError:
            self._ended_after.append(time.monotonic() - began)
            return
        connection.setblocking(False)  # noqa: FBT003 -- its only parameter
        with suppress(OSError):
            connection.send(self._manner.opening)
        self._selector.register(connection, selectors.EVENT_READ, began)

    def _watch(self) -> None:
        next_drip = looked = time.monotonic()
        may_open = 0.0
        while not self._stopping.wait(_LOOK_S):
            self._notice_ends()
            now = time.monotonic()
            may_open, looked = min(may_open + (now - looked) * self._again_per_s, self._missing()), now
            for _ in range(int(may_open)):
                self._open()
            may_open -= int(may_open)
            if self._manner.drip and now >= next_drip:
                next_drip += _DRIP_S
                self._drip()

    def _missing(self) -> int:
        return self._count - len(self._selector.get_map())

    def _notice_ends(self) -> None:
        for key, _ in self._selector.select(0):
            connection = _socket_of(key)
            if _has_ended(connection):
                self._selector.unregister(connection)
                connection.close()
                self._ended_after.append(time.monotonic() - key.data)

    def _drip(self) -> None:
        for key in list(self._selector.get_map().values()):
            with suppress(OSError):
                _socket_of(key).send(self._manner.drip)


def _socket_of(key: selectors.SelectorKey) -> socket.socket:
    assert isinstance(key.fileobj, socket.socket)
    return key.fileobj


def _has_ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(65536) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
