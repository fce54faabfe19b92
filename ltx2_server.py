"""The composition root: arguments and environment, to a configuration, to a running server."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runtime_config.launch_error import LaunchError

if TYPE_CHECKING:
    import socket
    from collections.abc import Generator, Sequence

    from replay.command import ReplayServices
    from runtime_config.runtime_config import RuntimeConfig
    from services.log_stream.session_log_stream import SessionLogStream
    from services.parent_watchdog.parent_watchdog import ProcessIdentity

# Heavy modules are imported where they are needed, so that --help and a mistyped flag are answered at once.

_INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop, or replay; the exit status is 0 after a clean stop, 2 when the start was refused."""
    try:
        asked = sys.argv[1:] if arguments is None else arguments
        if asked[:1] == ["replay"]:
            return _replay(asked[1:])
        with ExitStack() as stack:
            return _run(arguments, stack)
    except LaunchError as exc:
        _say_to_stderr(exc.message)
        return 2
    except KeyboardInterrupt:
        return _INTERRUPTED


def _run(arguments: Sequence[str] | None, stack: ExitStack) -> int:
    from runtime_config.launch_settings import data_held, load_runtime_config

    config = load_runtime_config(arguments)
    stack.enter_context(data_held(config))
    parent = _find_parent(config.parent_pid)

    from network.listening_socket import create_listening_socket

    listener = stack.enter_context(create_listening_socket(config.access.host, config.access.port))
    # Port 0 has become a real one.
    config = replace(config, access=replace(config.access, port=listener.getsockname()[1]))
    return _serve(config, listener, parent, _open_logs(config, stack), stack)


def _serve(
    config: RuntimeConfig,
    listener: socket.socket,
    parent: ProcessIdentity | None,
    log_stream: SessionLogStream,
    stack: ExitStack,
) -> int:
    from app_factory import create_app
    from app_handler import build_app_handler
    from crash_hooks import exit_process_after
    from network.http_server import TerrariumServer

    handler = build_app_handler(config, log_stream)
    server = TerrariumServer(
        create_app(handler),
        config,
        listener,
        on_started=_announce,
        drain=handler.drain,
        on_exit=lambda seconds: exit_process_after(seconds, _crash_file(config)),
    )
    handler.server.attach(server.request_exit)
    if parent is not None:
        from services.parent_watchdog.parent_watchdog import ParentWatchdog

        watchdog = ParentWatchdog(parent, server.request_exit)
        watchdog.start()
        stack.callback(watchdog.stop)
    server.run()
    return _INTERRUPTED if server.force_exit else 0


def _replay(arguments: Sequence[str]) -> int:
    from replay.command import run_replay

    return run_replay(arguments, _replay_services)


@contextmanager
def _replay_services(data_dir: Path | None) -> Generator[ReplayServices]:
    """The server's own services, without a server."""
    from app_handler import build_default_service_bundle
    from logging_policy import configure_logging
    from replay.command import ReplayServices
    from runtime_config.launch_settings import load_runtime_config
    from services.clock.system_clock import SystemClock
    from services.log_stream.log_reduction import LogReduction
    from services.log_stream.session_log_stream import SessionLogStream

    config = load_runtime_config([] if data_dir is None else ["--data-dir", str(data_dir)], for_reading=True)
    log_stream = SessionLogStream(SystemClock(), LogReduction(data_dir=config.data_dir, home=_home()))
    with ExitStack() as stack:
        stack.callback(configure_logging(config.log_format, None, None, level="warning"))
        services = build_default_service_bundle(config, log_stream)
        stack.callback(services.frame_encoder.close)
        stack.callback(services.video_writer.close, 0.0)
        yield ReplayServices(services.catalogue, services.frame_encoder, services.video_writer)


def _find_parent(pid: int | None) -> ProcessIdentity | None:
    if pid is None:
        return None
    from services.parent_watchdog.parent_watchdog import identify

    parent = identify(pid)
    if parent is None:
        msg = f"The process {pid} is gone already, with which this server was to stop (--parent-pid)."
        raise LaunchError(msg)
    return parent


def _open_logs(config: RuntimeConfig, stack: ExitStack) -> SessionLogStream:
    from crash_hooks import install_crash_hooks
    from logging_policy import configure_logging
    from services.clock.system_clock import SystemClock
    from services.log_stream.log_reduction import LogReduction
    from services.log_stream.session_log_stream import SessionLogStream

    log_stream = SessionLogStream(SystemClock(), LogReduction(data_dir=config.data_dir, home=_home()))
    log_dir = config.data_dir / "logs"
    try:
        undo = configure_logging(config.log_format, log_dir / "server.log", log_stream.tap, level=config.log_level)
        stack.callback(undo)
        stack.callback(install_crash_hooks(_crash_file(config)))
    except OSError as exc:
        msg = f"The log folder {log_dir} cannot be written ({exc.strerror or exc}). Choose another with --data-dir."
        raise LaunchError(msg) from exc
    return log_stream


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:
        return None


def _announce(url: str) -> None:
    """Print the line that launchers wait for."""
    if sys.stdout is not None:  # pyright: ignore[reportUnnecessaryComparison] - a windowed Python has none
        with suppress(OSError):  # the reader of stdout may be gone
            print(f"Server running on {url}", flush=True)  # noqa: T201 -- addressed to the person or the launcher


def _say_to_stderr(sentence: str) -> None:
    if sys.stderr is not None:  # pyright: ignore[reportUnnecessaryComparison] - a windowed Python has none
        with suppress(OSError):
            print(sentence, file=sys.stderr, flush=True)  # noqa: T201 -- addressed to the person


def _crash_file(config: RuntimeConfig) -> Path:
    return config.data_dir / "logs" / "crash.log"


if __name__ == "__main__":
    sys.exit(main())
