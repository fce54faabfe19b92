"""Which server of a fleet on this machine somebody plays on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable


def is_server(process: psutil.Process) -> bool:
    """Ray names a process by what it runs."""
    try:
        return "ServeReplica" in "".join(process.cmdline())
    except psutil.Error:
        return False


def played_on(players: Iterable[psutil.Process], servers: Iterable[psutil.Process]) -> psutil.Process:
    """The server that one of `players` is connected to directly.

    Ray's own processes are connected to every server: none of them may be among `players`.
    """
    open_to = {port for player in players for port in _connected_to(player)}
    return next(server for server in servers if open_to & _listening_on(server))


def _connected_to(process: psutil.Process) -> set[int]:
    """Ports; none if the process has ended."""
    try:
        return {each.raddr.port for each in process.net_connections("tcp") if each.raddr}
    except psutil.NoSuchProcess:
        return set()


def _listening_on(process: psutil.Process) -> set[int]:
    """Ports; none if the process has ended."""
    try:
        return {each.laddr.port for each in process.net_connections("tcp") if each.status == psutil.CONN_LISTEN}
    except psutil.NoSuchProcess:
        return set()
