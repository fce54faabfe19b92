"""A real server on a real port for a small ASGI application, run in a thread."""

from __future__ import annotations

import ssl
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx
import uvicorn

from network._websocket_transport import WebSocketTransport
from network.guarded_server import GuardedServer
from network.listening_socket import create_listening_socket
from runtime_config.current import Current
from runtime_config.runtime_config import DoorConfig
from runtime_config.web_origin import is_loopback_host
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_DOOR: Final = DoorConfig()


class LiveServer(GuardedServer):
    """`port` is known from the beginning, and accepts from then on."""

    def __init__(
        self,
        app: Any,
        door: DoorConfig | Current[DoorConfig] = _DOOR,
        is_local: Callable[[str], bool] = is_loopback_host,
        /,
        **options: Any,
    ) -> None:
        limits = door if isinstance(door, Current) else Current.fixed(door)
        self._listener = create_listening_socket("127.0.0.1", 0)
        self.port: int = self._listener.getsockname()[1]
        defaults: dict[str, Any] = {
            "ws": WebSocketTransport,
            "ws_per_message_deflate": False,
            "loop": "asyncio",
            "http": "h11",
            "lifespan": "off",
            "log_config": None,
            "access_log": False,
            "timeout_graceful_shutdown": 5,
        }
        super().__init__(uvicorn.Config(app, **{**defaults, **options}), self._listener, limits, is_local=is_local)
        self._thread = threading.Thread(target=self.run, name="live-server")

    def start(self) -> None:
        self._thread.start()
        wait_until(lambda: self.started, "the server started")

    def stop(self) -> None:
        self.should_exit = True
        self._thread.join(deadline_s())
        assert not self._thread.is_alive()
        self._listener.close()

    def http_client(self, **headers: str) -> httpx.Client:
        """It has no list of certificate authorities, which nobody needs here and each client takes 50 ms to read."""
        url, no_authorities = f"http://127.0.0.1:{self.port}", ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return httpx.Client(base_url=url, headers=headers, timeout=deadline_s(), verify=no_authorities)

    @property
    def connection_count(self) -> int:
        return len(self.server_state.connections)


@contextmanager
def serving(
    app: Any,
    door: DoorConfig | Current[DoorConfig] = _DOOR,
    is_local: Callable[[str], bool] = is_loopback_host,
    /,
    **options: Any,
) -> Generator[LiveServer]:
    server = LiveServer(app, door, is_local, **options)
    server.start()
    try:
        yield server
    finally:
        server.stop()
