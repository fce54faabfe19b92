"""One server of a fleet, inside a process of Ray's: the same application, behind Ray's proxy and at its own port."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from fleet.routing_stats import routing_stats
from fleet.scaling import scaling_stats
from runtime_config.data_directory import prepare_data_directory
from runtime_config.folder_lock import folders_held
from runtime_config.launch_error import LaunchError
from runtime_config.web_origin import is_wildcard_host

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from starlette.types import ASGIApp

    from fleet.departure import Going
    from fleet.plan import DirectPlan

_MOST_FOLDERS: Final = 4096


class FleetReplica:
    """`arguments` are those of the server. Its own folder is one of those in `folders` that no other replica holds, so
    that a new replica finds the kernels and the measurements of one that has ended. `machine` is the address by which
    the others reach this one's machine. `direct` None: there is no way to it but through the proxy. `drain_s` and
    `going` are those of its `Departure`.

    Raises:
        LaunchError: the arguments are refused, or a folder cannot be used.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        folders: Path,
        name: str,
        *,
        machine: str,
        direct: DirectPlan | None,
        drain_s: float,
        going: Callable[[], Going],
    ) -> None:
        from app_factory import create_app
        from app_handler import build_app_handler
        from fleet.departure import Departure
        from fleet.direct import free_port, listen_directly
        from ltx2_server import open_logs
        from runtime_config.launch_settings import launch, shared_held
        from services.allocator import limit_arenas

        limit_arenas()
        with ExitStack() as stack:
            own = stack.enter_context(free_folder(folders))
            started = launch([*arguments, "--data-dir", str(own), "--server-name", name])
            stack.enter_context(shared_held(started.config))
            log_stream = open_logs(started.config, stack)
            self._handler = build_app_handler(started, log_stream)
            self._app = create_app(self._handler)
            if direct is not None:
                host = started.config.access.host
                listener = stack.enter_context(free_port(host, direct.port))
                reached = machine if is_wildcard_host(host) else host
                address = direct.address(reached, listener.getsockname()[1])
                listen_directly(self._app, self._handler, listener, address)
            self._departure = Departure(self._handler, going, drain_s)
            self._departure.see_to(self._app)
            self._held = stack.pop_all()  # to the end of the process

    def __serve_build_asgi_app__(self) -> ASGIApp:
        """For `serve.ingress`. Ray runs its lifespan, in which everything is opened and closed."""
        return self._app

    def record_routing_stats(self) -> dict[str, Any]:
        """For the router, which Ray tells every second."""
        self._departure.asked()
        return routing_stats(self._handler.sessions.own_play(), self._handler.engines.loaded_models())

    def record_autoscaling_stats(self) -> dict[str, float]:
        """For `servers_needed`, which Ray tells every few seconds."""
        return scaling_stats(self._handler.sessions.own_play(), self._handler.peers.waiting)


@contextmanager
def free_folder(folders: Path) -> Generator[Path]:
    """A folder in `folders` that nobody else holds, held to the end of the block.

    Raises:
        LaunchError: `folders` cannot be written, or each of them is taken.
    """
    with ExitStack() as stack:
        for number in range(_MOST_FOLDERS):
            own = prepare_data_directory(folders / f"{number:04}", "--own-dirs")
            with suppress(LaunchError):
                stack.enter_context(folders_held({"--own-dirs": own}))
                break
        else:
            raise LaunchError(f"None of the {_MOST_FOLDERS} folders in {folders} is free.")
        yield own
