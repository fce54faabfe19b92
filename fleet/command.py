"""`terrarium fleet`: several servers on this machine behind one address, by Ray Serve."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, cast

from pydantic import ValidationError

from fleet.plan import DirectPlan, FleetPlan
from runtime_config.data_directory import locate_data_directory, prepare_data_directory
from runtime_config.launch_error import LaunchError
from runtime_config.launch_settings import launch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime_config.runtime_config import RuntimeConfig

_APPLICATION: Final = "terrarium"
_ENDS: Final = (signal.SIGINT, signal.SIGTERM)
_UPDATES: Final = () if sys.platform == "win32" else (signal.SIGUSR2,)
_OBJECT_STORE_BYTES: Final = 80 * 1024 * 1024  # the least that Ray takes; no picture goes through it


def run_fleet(arguments: Sequence[str]) -> int:
    """Serve until a signal; SIGUSR2 has new servers come for all. What is no flag of its own goes to every server.

    Raises:
        LaunchError: something asked for is malformed or impossible, or Ray is not installed.
        SystemExit: after --help, or for a flag that is malformed.
    """
    parser = _parser()
    asked, for_servers = parser.parse_known_args(arguments)
    config = launch([*for_servers, "--data-dir", str(asked.own_dirs)], for_reading=True).config
    if config.fleet.shared_dir is None:
        raise LaunchError(
            "The servers of a fleet share a folder and a database. Name them with --shared-dir and --database-url."
        )
    own_dirs = prepare_data_directory(asked.own_dirs, "--own-dirs")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a server of one's own tells nobody of its use
    os.environ.setdefault("RAY_worker_niceness", "0")  # Ray's own 15 puts whatever else runs here before play
    try:
        import_module("ray.serve")
    except ModuleNotFoundError as error:
        raise LaunchError(f"A fleet needs the package {error.name}: pip install 'terrarium[fleet]'.") from error
    plan = FleetPlan(
        arguments=for_servers,
        own_dirs=own_dirs,
        replicas=asked.replicas,
        max_replicas=asked.max_replicas,
        sessions=config.max_sessions,
        gpus=asked.gpus,
        cpus=asked.cpus,
        drain_s=asked.drain_s,
        direct=not asked.through_proxy,
        direct_port=asked.direct_port,
        direct_url=asked.direct_url,
    )
    _serve(plan, config)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="terrarium fleet",
        description="Several servers behind one address. Every other flag is one of the servers: terrarium --help.",
    )
    parser.add_argument("--replicas", type=_counted, default=1, metavar="N", help="servers (default: 1)")
    parser.add_argument(
        "--max-replicas", type=_counted, metavar="N", help="as many servers as players need, up to so many"
    )
    parser.add_argument("--gpus", type=float, default=0.0, metavar="N", help="devices of each server (default: 0)")
    parser.add_argument("--cpus", type=float, default=1.0, metavar="N", help="processors of each server (default: 1)")
    parser.add_argument(
        "--drain-s",
        type=float,
        default=600.0,
        metavar="SECONDS",
        help="how long sessions may go on with a server that is to go (default: 600)",
    )
    parser.add_argument(
        "--direct-port",
        type=_port,
        default=0,
        metavar="PORT",
        help="players are served at the first free port from this one on (default: any port)",
    )
    parser.add_argument(
        "--direct-url",
        type=_direct_url,
        default=DirectPlan().url,
        metavar="URL",
        help="how they reach it, for instance wss://{host}.example.org:{port} (default: ws://{host}:{port})",
    )
    parser.add_argument("--through-proxy", action="store_true", help="serve players by the address of the fleet alone")
    parser.add_argument(
        "--own-dirs",
        type=lambda text: locate_data_directory(Path(text), "--own-dirs"),
        default=locate_data_directory(Path("~/.cache/terrarium-fleet"), "--own-dirs"),
        metavar="FOLDER",
        help="folder for what each server keeps to itself (default: ~/.cache/terrarium-fleet)",
    )
    return parser


def _counted(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= 4096:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 4096")
    return int(text)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 <= int(text) <= 65_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 65000")
    return int(text)


def _direct_url(text: str) -> str:
    try:
        return DirectPlan(url=text).url
    except ValidationError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not like ws://{{host}}:{{port}}") from error


def _serve(plan: FleetPlan, config: RuntimeConfig) -> None:
    ray, serve = (cast("Any", import_module(name)) for name in ("ray", "ray.serve"))  # typed in part
    from fleet.application import build

    told = SimpleQueue[int]()
    access = config.access
    # Never the cluster that RAY_ADDRESS or an earlier `ray start` on this machine leads to.
    ray.init("local", include_dashboard=False, object_store_memory=_OBJECT_STORE_BYTES, log_to_driver=False)
    for number in (*_ENDS, *_UPDATES):  # from here on, as Ray has just taken them
        signal.signal(number, lambda number, _frame: told.put(number))

    def deploy(*, wait_for_applications_running: bool) -> None:
        """Have a new server come for each that there is, though nothing has changed in the plan."""
        fleet = serve.RunTarget(build(plan.model_dump(mode="json")), name=_APPLICATION, route_prefix="/")
        serve.run_many([fleet], wait_for_applications_running=wait_for_applications_running)

    try:
        serve.start(http_options={"host": access.host, "port": access.port})
        deploy(wait_for_applications_running=True)
        print(f"Fleet running on http://{access.host}:{access.port}", flush=True)  # noqa: T201 -- for the person
        while told.get() in _UPDATES:
            try:
                deploy(wait_for_applications_running=False)
            except Exception as error:  # noqa: BLE001 - whatever Ray has against it, those who play are to play on
                print(f"No new servers come: {error}", file=sys.stderr, flush=True)  # noqa: T201
            else:
                print("New servers come; the others go after their last players", flush=True)  # noqa: T201
    finally:
        serve.shutdown()
        ray.shutdown()
