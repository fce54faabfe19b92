"""The composition root: arguments and environment, to a configuration, to a running server."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from process_stop import ProcessStop, StopAskedError
from runtime_config.launch_error import LaunchError

if TYPE_CHECKING:
    import socket
    from collections.abc import Generator, Sequence

    from account_command import AccountServices
    from handlers.doctor.check import Report
    from replay.command import ReplayServices
    from replay.run_command import RunServices
    from runtime_config.launch_settings import Launch
    from runtime_config.runtime_config import RuntimeConfig
    from service_bundle import ServiceBundle
    from services.log_stream.session_log_stream import SessionLogStream
    from services.parent_watchdog.parent_watchdog import ProcessIdentity

# Heavy modules are imported where they are needed, so that --help and a mistyped flag are answered at once.

_INTERRUPTED: Final = 130
_CRASHED: Final = 1
# What takes long to import, from what is imported first to what needs it.
_SLOW_IMPORTS: Final = (
    "pydantic",
    "fastapi",
    "numpy",
    "uvicorn",
    "handlers.play_handler",
    "app_handler",
    "app_factory",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop, or do what a command says. Returns the exit status: 2 when the start was refused.

    Once it has served, the process ends here, with 0 after a clean stop.
    """
    asked = sys.argv[1:] if arguments is None else arguments
    try:
        match asked:
            case ["replay", *rest]:
                return _replay(rest)
            case ["run", *rest]:
                return _run_scripts(rest)
            case ["account", *rest]:
                return _account(rest)
            case ["doctor", *rest]:
                return _doctor(rest)
            case ["fleet", *rest]:
                return _fleet(rest)
            case _:
                return _run(asked)
    except LaunchError as exc:
        _say_to_stderr(exc.message)
        return 2
    except KeyboardInterrupt:
        return _INTERRUPTED


def _run(arguments: Sequence[str]) -> int:
    stop = ProcessStop()
    stop.listen()
    try:
        stop.leave(_start(arguments, stop))
    except StopAskedError:
        stop.leave(0)


def _start(arguments: Sequence[str], stop: ProcessStop) -> int:
    """The exit status, after everything that was opened is closed.

    Raises:
        LaunchError: the start was refused.
        StopAskedError: the stop came before the server.
    """
    from runtime_config.launch_settings import data_held, launch

    started = launch(arguments)
    config = started.config
    parent = _find_parent(config.parent_pid)
    stop.check()

    from network.listening_socket import create_listening_socket

    with ExitStack() as stack:
        stack.enter_context(data_held(config))
        listener = stack.enter_context(create_listening_socket(config.access.host, config.access.port))
        # Port 0 has become a real one.
        config = replace(config, access=replace(config.access, port=listener.getsockname()[1]))
        log_stream = open_logs(config, stack)
        stop.write_stacks_to(_crash_file(config))
        try:
            return _serve(replace(started, config=config), listener, parent, log_stream, stop)
        except (LaunchError, StopAskedError):
            raise
        except SystemExit:  # uvicorn's, when the lifespan could not be entered; it has logged why
            return _CRASHED
        except Exception as exc:  # noqa: BLE001 - while the logs are still open for it
            sys.excepthook(type(exc), exc, exc.__traceback__)
            return _CRASHED


def _serve(
    launch: Launch,
    listener: socket.socket,
    parent: ProcessIdentity | None,
    log_stream: SessionLogStream,
    stop: ProcessStop,
) -> int:
    from services.allocator import limit_arenas

    limit_arenas()
    for name in _SLOW_IMPORTS:
        stop.check()
        import_module(name)
    from app_factory import create_app
    from app_handler import build_app_handler
    from network.http_server import TerrariumServer

    stop.check()
    handler = build_app_handler(launch, log_stream)
    server = TerrariumServer(
        create_app(handler),
        handler.settings.current,
        listener,
        on_started=lambda url: _announce(url, handler.accounts.setup_code),
        drain=handler.drain,
        on_exit=stop.end_within,
    )
    handler.server.attach(server.request_exit)
    handler.settings.subscribe(partial(_follow_log_settings, log_stream))
    stop.check()
    stop.hand_over(server.handle_exit, handler.settings.reload_soon)
    with ExitStack() as stack:
        if parent is not None:
            from services.parent_watchdog.parent_watchdog import ParentWatchdog

            watchdog = ParentWatchdog(parent, server.request_exit)
            watchdog.start()
            stack.callback(watchdog.stop)
        server.run()
    stop.hand_over(lambda _number, _frame: None)  # it has stopped already
    return _INTERRUPTED if server.force_exit else 0


def _replay(arguments: Sequence[str]) -> int:
    from replay.command import run_replay

    return run_replay(arguments, _replay_services)


@contextmanager
def _replay_services(data_dir: Path | None) -> Generator[ReplayServices]:
    from replay.command import ReplayServices

    with _services_for_playing(data_dir) as services:
        yield ReplayServices(services.catalogue, services.frame_encoder, services.video_writer)


def _run_scripts(arguments: Sequence[str]) -> int:
    from replay.run_command import run_scripts

    return run_scripts(arguments, _run_services)


@contextmanager
def _run_services(data_dir: Path | None) -> Generator[RunServices]:
    from replay.run_command import RunServices
    from replay.run_sources import RunSources

    with _services_for_playing(data_dir) as services:
        sources = RunSources(services.seed_store, services.world_store, services.picture_decoder, services.catalogue)
        yield RunServices(services.catalogue, services.frame_encoder, services.video_writer, sources, services.clock)


@contextmanager
def _services_for_playing(data_dir: Path | None) -> Generator[ServiceBundle]:
    """The server's own services, without a server. They take no lock on the data folder, and only read there."""
    from logging_policy import configure_logging
    from runtime_config.launch_settings import launch
    from service_bundle import build_default_service_bundle
    from services.clock.system_clock import SystemClock
    from services.log_stream.log_reduction import LogReduction
    from services.log_stream.session_log_stream import SessionLogStream

    started = launch([] if data_dir is None else ["--data-dir", str(data_dir)], for_reading=True)
    config = started.config
    log_stream = SessionLogStream(SystemClock(), LogReduction(data_dir=config.data_dir, home=_home()))
    with ExitStack() as stack:
        stack.callback(configure_logging(config.log_format, None, None, level="warning"))
        services = build_default_service_bundle(started, log_stream)
        stack.callback(services.frame_encoder.close)
        stack.callback(services.video_writer.close, 0.0)
        stack.callback(services.picture_decoder.close)
        yield services


def _account(arguments: Sequence[str]) -> int:
    from account_command import run_account

    return run_account(arguments, _account_services)


@contextmanager
def _account_services(data_dir: Path | None) -> Generator[AccountServices]:
    """The server's own accounts, without a server. The database is opened only if there is one."""
    from account_command import AccountServices
    from logging_policy import configure_logging
    from runtime_config.launch_settings import load_runtime_config
    from services.account_store.sql_account_stores import SqlAccountStores
    from services.database.shared_database import SharedDatabase
    from services.password_hasher.argon2_password_hasher import Argon2PasswordHasher

    config = load_runtime_config([] if data_dir is None else ["--data-dir", str(data_dir)], for_reading=True)
    database = SharedDatabase(config.data_dir / "terrarium.sqlite", config.jobs.database_url)
    with ExitStack() as stack:
        stack.callback(configure_logging(config.log_format, None, None, level="warning"))
        stack.callback(database.close)
        store = SqlAccountStores(database).open() if database.has_begun() else None
        yield AccountServices(store, Argon2PasswordHasher())


def _doctor(arguments: Sequence[str]) -> int:
    from doctor_command import run_doctor

    return run_doctor(arguments, _examine)


def _fleet(arguments: Sequence[str]) -> int:
    from fleet.command import run_fleet

    return run_fleet(arguments)


def _examine(arguments: Sequence[str]) -> Report:
    """The server's own services, without a server, whatever keeps it from starting."""
    from doctor_command import port_state
    from handlers.doctor.doctor import Doctor, Installation
    from handlers.engines.fitting import EngineNeedsBook, room_of
    from logging_policy import configure_logging
    from runtime_config.launch_settings import launch_despite
    from service_bundle import build_default_service_bundle
    from services.clock.system_clock import SystemClock
    from services.log_stream.log_reduction import LogReduction
    from services.log_stream.session_log_stream import SessionLogStream

    started, refusal = launch_despite(arguments)
    config = started.config
    with ExitStack() as stack:
        stack.callback(configure_logging(config.log_format, None, None, level="warning"))
        log_stream = SessionLogStream(SystemClock(), LogReduction(data_dir=config.data_dir, home=_home()))
        services = build_default_service_bundle(started, log_stream)
        stack.callback(services.frame_encoder.close)
        stack.callback(services.video_writer.close, 0.0)
        stack.callback(services.image_classifier.close)
        needs = EngineNeedsBook(services.engine_measurements, services.system_monitor)
        doctor = Doctor(
            probe=services.machine_probe,
            monitor=services.system_monitor,
            catalogue=services.catalogue,
            classifier=services.image_classifier,
            writer=services.prompt_writer,
            editor=services.image_editor,
            hub=services.model_hub,
            fit=lambda entry: needs.fit(entry, entry.quants[0], room_of(services.system_monitor)),
        )
        return doctor.examine(Installation(config, port_state(config.access.host, config.access.port), refusal))


def _find_parent(pid: int | None) -> ProcessIdentity | None:
    if pid is None:
        return None
    from services.parent_watchdog.parent_watchdog import identify

    parent = identify(pid)
    if parent is None:
        msg = f"The process {pid} is gone already, with which this server was to stop (--parent-pid)."
        raise LaunchError(msg)
    return parent


def open_logs(config: RuntimeConfig, stack: ExitStack) -> SessionLogStream:
    """Logs of this process, to the end of `stack`. Raises: LaunchError, their folder cannot be written."""
    from crash_hooks import install_crash_hooks
    from logging_policy import configure_logging
    from services.clock.system_clock import SystemClock
    from services.log_stream.log_reduction import LogReduction
    from services.log_stream.session_log_stream import SessionLogStream

    log_stream = SessionLogStream(SystemClock(), LogReduction(data_dir=config.data_dir, home=_home()))
    log_dir = config.data_dir / "logs"
    try:
        undo = configure_logging(config.log_format, _log_file(config), log_stream.tap, level=config.log_level)
        stack.callback(undo)
        stack.callback(install_crash_hooks(_crash_file(config)))
    except OSError as exc:
        msg = f"The log folder {log_dir} cannot be written ({exc.strerror or exc}). Choose another with --data-dir."
        raise LaunchError(msg) from exc
    return log_stream


def _follow_log_settings(log_stream: SessionLogStream, before: RuntimeConfig, after: RuntimeConfig) -> None:
    from logging_policy import configure_logging

    if (before.log_format, before.log_level) != (after.log_format, after.log_level):
        configure_logging(after.log_format, _log_file(after), log_stream.tap, level=after.log_level)


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:
        return None


def _announce(url: str, setup_code: str | None) -> None:
    """Print the line that launchers wait for, and what the first owner needs where there is none yet."""
    if sys.stdout is not None:  # pyright: ignore[reportUnnecessaryComparison] - a windowed Python has none
        with suppress(OSError):  # the reader of stdout may be gone
            print(f"Server running on {url}", flush=True)  # noqa: T201 -- addressed to the person or the launcher
            if setup_code is not None:
                print(f"There is no owner yet. The code to become it: {setup_code}", flush=True)  # noqa: T201 -- the same


def _say_to_stderr(sentence: str) -> None:
    if sys.stderr is not None:  # pyright: ignore[reportUnnecessaryComparison] - a windowed Python has none
        with suppress(OSError):
            print(sentence, file=sys.stderr, flush=True)  # noqa: T201 -- addressed to the person


def _log_file(config: RuntimeConfig) -> Path:
    return config.data_dir / "logs" / "server.log"


def _crash_file(config: RuntimeConfig) -> Path:
    return config.data_dir / "logs" / "crash.log"


if __name__ == "__main__":
    sys.exit(main())
