"""Time limits for a peer that sends or reads too slowly."""

from __future__ import annotations

import struct
import sys
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from runtime_config.runtime_config import DoorConfig


class Awaited(StrEnum):
    """What the peer has to send next."""

    NOTHING = "nothing"
    HEAD = "request line and headers"
    BODY = "body"


class ReadingDeadline:
    """Calls `on_late` when the peer does not send a request in time.

    A head has a fixed time from its first byte, or from the beginning of the connection. A body must keep up a least
    rate: the peer has `stall_s` of credit, real time uses it up, and each byte earns some of it back. So a silent peer
    is late after `stall_s`, one at a third of the least rate after half as long again, and one that keeps it up never.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: DoorConfig, on_late: Callable[[Awaited], None]) -> None:
        self._loop = loop
        self._limits = limits
        self._on_late: Callable[[Awaited], None] | None = on_late
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.awaited = Awaited.NOTHING

    def await_head(self) -> None:
        if self.awaited is not Awaited.HEAD:
            self._await(Awaited.HEAD, self._limits.request_head_s)

    def await_body(self, received: int) -> None:
        """`received`: bytes that have come since the last call."""
        if self.awaited is not Awaited.BODY:
            self._await(Awaited.BODY, self._limits.stall_s)
            return
        earned = self._deadline + received / self._limits.least_bytes_per_s
        self._deadline = min(earned, self._loop.time() + self._limits.stall_s)

    def excuse(self) -> None:
        """Give the peer all its credit again: it could not send, as we did not read."""
        if self.awaited is Awaited.BODY:
            self._deadline = self._loop.time() + self._limits.stall_s

    def await_nothing(self) -> None:
        self.awaited = Awaited.NOTHING
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def end(self) -> None:
        """Let go of the callback. Else it would keep its owner until the garbage collector comes."""
        self.await_nothing()
        self._on_late = None

    def _await(self, what: Awaited, seconds: float) -> None:
        self.await_nothing()
        self.awaited = what
        self._deadline = self._loop.time() + seconds
        self._timer = self._loop.call_later(seconds, self._look)

    def _look(self) -> None:
        left = self._deadline - self._loop.time()
        if left > 0:  # the deadline has moved since
            self._timer = self._loop.call_later(left, self._look)
            return
        late = self.awaited
        self.await_nothing()
        if self._on_late is not None:
            self._on_late(late)


class UnreadWatch:
    """Calls `on_stuck` when a peer leaves an answer unread: it has to take at least the least rate, over `unread_s`."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.Transport,
        limits: DoorConfig,
        on_stuck: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._transport = transport
        self._limits = limits
        self._on_stuck: Callable[[], None] | None = on_stuck
        self._unread = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin, or begin anew, with what is unread now."""
        self.stop()
        self._unread = _unread_bytes(self._transport)
        self._timer = self._loop.call_later(self._limits.unread_s, self._look)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        if self._unread - _unread_bytes(self._transport) >= self._limits.least_bytes_per_s * self._limits.unread_s:
            self.start()
            return
        self.stop()
        if self._on_stuck is not None:
            self._on_stuck()

    def end(self) -> None:
        """Let go of the callback, as above."""
        self.stop()
        self._on_stuck = None


def _unread_bytes(transport: asyncio.Transport) -> int:
    """What the transport holds for the peer, and on Linux what the kernel holds and the peer has not confirmed.

    The kernel takes megabytes before it tells the transport that the peer has read something.
    """
    held = transport.get_write_buffer_size()
    connection = transport.get_extra_info("socket")
    if sys.platform != "linux" or connection is None or connection.fileno() < 0:
        return held
    import fcntl  # these do not exist on Windows
    import termios

    answer = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4))
    return held + int(struct.unpack("i", answer)[0])
