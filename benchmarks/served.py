"""The server process of the benchmarks: the real server with a null engine, or one that only pushes bytes."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from app_factory import create_app
from app_handler import AppHandler
from benchmarks.events_executor import EventsExecutor
from benchmarks.null_engine import null_entries
from benchmarks.scenery import SceneSpec, make_passes
from logging_policy import configure_logging
from network.http_server import TerrariumServer
from network.listening_socket import create_listening_socket
from process_stop import ProcessStop
from runtime_config.current import Current
from runtime_config.launch_settings import Launch
from runtime_config.runtime_config import AccessConfig, DoorConfig, RuntimeConfig
from service_bundle import build_default_service_bundle
from services.allocator import limit_arenas
from services.clock.system_clock import SystemClock
from services.log_stream.log_reduction import LogReduction
from services.log_stream.session_log_stream import SessionLogStream
from services.world_engine.catalogue import WorldEngineCatalogue

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import NoReturn

    from starlette.websockets import WebSocket

PORT_LINE: Final = "port"


def main() -> NoReturn:
    stop = ProcessStop()
    stop.listen()
    limit_arenas()
    options = _parse_options()
    if options.descriptors is not None:
        _limit_descriptors(options.descriptors)
    config = RuntimeConfig(
        data_dir=options.data_dir,
        access=AccessConfig(host=options.host, port=0, allow_anonymous=True),
        door=DoorConfig(max_connections_per_address=options.per_address),
        log_format="json",
    )
    with ExitStack() as stack:
        listener = stack.enter_context(create_listening_socket(config.access.host, 0))
        port = int(listener.getsockname()[1])
        config = replace(config, access=replace(config.access, port=port))
        if options.role == "push":
            server = _push_server(config, listener, stop, size=options.push_bytes, count=options.push_count)
        else:
            server = _game_server(config, listener, _scene(options), stop, stack)
        _stop_with_parent(server)
        stop.hand_over(server.handle_exit)
        server.run()
    stop.leave(0)


def _limit_descriptors(count: int) -> None:
    if sys.platform != "win32":
        import resource  # it does not exist on Windows

        resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["game", "push"])
    parser.add_argument("--data-dir", type=Path, required=True)
    defaults = SceneSpec()
    for name in ("width", "height", "frames-per-pass", "fps", "passes"):
        parser.add_argument(f"--{name}", type=int, default=getattr(defaults, name.replace("-", "_")))
    parser.add_argument("--is-walk", action="store_true")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--descriptors", type=int)
    parser.add_argument("--per-address", type=int, default=DoorConfig().max_connections_per_address)
    parser.add_argument("--push-bytes", type=int, default=0)
    parser.add_argument("--push-count", type=int, default=0)
    return parser.parse_args()


def _scene(options: argparse.Namespace) -> SceneSpec:
    shape = (options.width, options.height, options.frames_per_pass, options.fps, options.passes)
    return SceneSpec(*shape, is_walk=options.is_walk)


def _game_server(
    config: RuntimeConfig, listener: socket.socket, scene: SceneSpec, stop: ProcessStop, stack: ExitStack
) -> TerrariumServer:
    """The server of the composition root, with another catalogue."""
    log_stream = SessionLogStream(SystemClock(), LogReduction(data_dir=config.data_dir, home=Path.home()))
    log_file = config.data_dir / "logs" / "server.log"
    stack.callback(configure_logging(config.log_format, log_file, log_stream.tap, level=config.log_level))
    launch = Launch.of(config)
    services = build_default_service_bundle(launch, log_stream)
    catalogue = WorldEngineCatalogue(null_entries(scene, make_passes(scene)))
    handler = AppHandler(launch, replace(services, catalogue=catalogue), [EventsExecutor()])
    server = TerrariumServer(
        create_app(handler),
        handler.settings.current,
        listener,
        on_started=_announce(config),
        drain=handler.drain,
        on_exit=stop.end_within,
    )
    handler.server.attach(server.request_exit)
    return server


def _push_server(
    config: RuntimeConfig, listener: socket.socket, stop: ProcessStop, *, size: int, count: int
) -> TerrariumServer:
    """A server that sends `count` messages of `size` bytes to each client, through the real transport."""
    message = os.urandom(size)

    async def push(websocket: WebSocket) -> None:
        await websocket.accept()
        for _ in range(count):
            await websocket.send_bytes(message)
        await websocket.close()

    async def drain() -> None:
        pass

    app = Starlette(routes=[WebSocketRoute("/ws", push)])
    return TerrariumServer(
        app, Current.fixed(config), listener, on_started=_announce(config), drain=drain, on_exit=stop.end_within
    )


def _announce(config: RuntimeConfig) -> Callable[[str], None]:
    def announce(_url: str) -> None:
        print(PORT_LINE, config.access.port, flush=True)

    return announce


def _stop_with_parent(server: TerrariumServer) -> None:
    """Stop the server when the parent ends. The parent holds this process's standard input open until then."""

    def wait() -> None:
        sys.stdin.read()
        server.request_exit()

    threading.Thread(target=wait, name="parent", daemon=True).start()


if __name__ == "__main__":
    main()
