"""Transports that behave like the one they wrap, but for the end of the connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class WrappedTransport(asyncio.Transport):
    """Passes everything on to the transport inside."""

    def __init__(self, inner: asyncio.Transport) -> None:
        super().__init__()
        self.inner = inner

    def close(self) -> None:
        self.inner.close()

    def abort(self) -> None:
        self.inner.abort()

    def is_closing(self) -> bool:
        return self.inner.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.inner.get_extra_info(name, default)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self.inner.get_protocol()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.inner.set_protocol(protocol)

    def is_reading(self) -> bool:
        return self.inner.is_reading()

    def pause_reading(self) -> None:
        self.inner.pause_reading()

    def resume_reading(self) -> None:
        self.inner.resume_reading()

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.inner.write(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[Any]]) -> None:
        self.inner.writelines(list_of_data)

    def write_eof(self) -> None:
        self.inner.write_eof()

    def can_write_eof(self) -> bool:
        return self.inner.can_write_eof()

    def get_write_buffer_size(self) -> int:
        return self.inner.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self.inner.get_write_buffer_limits()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.inner.set_write_buffer_limits(high, low)


class BoundedTransport(WrappedTransport):
    """Its `close` takes bounded time. asyncio's own waits until the buffer is empty, which a dead peer can prevent."""

    def __init__(self, inner: asyncio.Transport, loop: asyncio.AbstractEventLoop, grace_s: float) -> None:
        super().__init__(inner)
        self._loop = loop
        self._deadline: asyncio.TimerHandle | None = None
        self._lost = False
        self.grace_s = grace_s  # from `close` to `abort`

    def close(self) -> None:
        self.inner.close()
        if self._deadline is None and not self._lost:
            self._deadline = self._loop.call_later(self.grace_s, self.inner.abort)

    def connection_lost(self) -> None:
        """To be called when the protocol's `connection_lost` is: there is nothing left to abort."""
        self._lost = True
        if self._deadline is not None:
            self._deadline.cancel()


class WatchedTransport(WrappedTransport):
    """Asks its owner, once, to end the connection, where others would close it. From then on it counts as closing."""

    def __init__(self, inner: asyncio.Transport, on_close: Callable[[], None]) -> None:
        super().__init__(inner)
        self._on_close: Callable[[], None] | None = on_close
        self._asked = False

    def close(self) -> None:
        if not self.is_closing():
            self._asked = True
            if self._on_close is not None:
                self._on_close()

    def is_closing(self) -> bool:
        return self._asked or self.inner.is_closing()

    def connection_lost(self) -> None:
        """To be called when the protocol's `connection_lost` is: it lets go of its owner."""
        self._on_close = None
