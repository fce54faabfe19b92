"""A transport whose `close` takes bounded time, even if the peer does not read what is left."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class BoundedTransport(asyncio.Transport):
    """Wraps a transport. asyncio's own `close` waits until the buffer is empty, which a dead peer prevents for ever."""

    def __init__(self, inner: asyncio.Transport, loop: asyncio.AbstractEventLoop, grace_s: float) -> None:
        super().__init__()
        self._inner = inner
        self._loop = loop
        self._deadline: asyncio.TimerHandle | None = None
        self._lost = False
        self.grace_s = grace_s  # from `close` to `abort`

    def close(self) -> None:
        self._inner.close()
        if self._deadline is None and not self._lost:
            self._deadline = self._loop.call_later(self.grace_s, self._inner.abort)

    def connection_lost(self) -> None:
        """To be called when the protocol's `connection_lost` is: there is nothing left to abort."""
        self._lost = True
        if self._deadline is not None:
            self._deadline.cancel()

    def abort(self) -> None:
        self._inner.abort()

    def is_closing(self) -> bool:
        return self._inner.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._inner.get_extra_info(name, default)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._inner.get_protocol()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._inner.set_protocol(protocol)

    def is_reading(self) -> bool:
        return self._inner.is_reading()

    def pause_reading(self) -> None:
        self._inner.pause_reading()

    def resume_reading(self) -> None:
        self._inner.resume_reading()

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self._inner.write(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[Any]]) -> None:
        self._inner.writelines(list_of_data)

    def write_eof(self) -> None:
        self._inner.write_eof()

    def can_write_eof(self) -> bool:
        return self._inner.can_write_eof()

    def get_write_buffer_size(self) -> int:
        return self._inner.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._inner.get_write_buffer_limits()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._inner.set_write_buffer_limits(high, low)
