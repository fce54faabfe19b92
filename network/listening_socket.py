"""The socket that the server listens on, and how much of it the kernel may hold unsent."""

from __future__ import annotations

import errno
import socket
import sys
from types import MappingProxyType
from typing import Final

from runtime_config.launch_error import LaunchError
from runtime_config.web_origin import is_wildcard_host, parse_address

_BACKLOG: Final = 128
# What the kernel holds can no longer be replaced by a newer frame. With this bound on what it holds beyond the peer's
# window, the rest stays with us; a send buffer bounds both together. A pass of large frames fits, and goes in one call:
# smaller bounds measured several wake-ups a pass.
_UNSENT_BYTES: Final = 1024 * 1024
_SEND_BUFFER_BYTES: Final = 1024 * 1024
_NOTSENT_LOWAT: Final = MappingProxyType({"linux": 25, "darwin": 0x201})  # as older Pythons do not name it


def create_listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens on `host` and `port` (0: any free one). Accepted connections inherit its options.

    Raises:
        LaunchError: the address cannot be listened on, most often because another program does.
    """
    family, address = _resolve(host, port)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        _set_options(listener, host)
        listener.bind(address)
        listener.listen(_BACKLOG)  # not left to the event loop: two programs may bind one port, one may listen
    except OSError as exc:
        listener.close()
        raise LaunchError(_explain(exc, host, port)) from exc
    listener.setblocking(False)  # noqa: FBT003 -- its only parameter
    return listener


def browser_url(listener: socket.socket) -> str:
    """Where a browser on this machine finds the server."""
    host, port = listener.getsockname()[:2]
    if is_wildcard_host(host):
        host = "127.0.0.1"  # answers for :: as well, which listens on both families
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as exc:
        msg = f"The host {host!r} has no address on this network. Choose another with --host."
        raise LaunchError(msg) from exc
    # Of a name with both, the older family: it is what printed addresses and clients assume.
    family, *_, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, address  # pyright: ignore[reportReturnType] - the third form is of a Python without IPv6


def _set_options(listener: socket.socket, host: str) -> None:
    if sys.platform == "win32":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)  # there, REUSEADDR would share the port
    else:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if listener.family == socket.AF_INET6 and hasattr(socket, "IPV6_V6ONLY"):
        address = parse_address(host)
        both = address is not None and address.is_unspecified
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if both else 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    _bound_unsent_bytes(listener)


def _bound_unsent_bytes(listener: socket.socket) -> None:
    option = _NOTSENT_LOWAT.get(sys.platform)
    if option is not None:
        try:
            listener.setsockopt(socket.IPPROTO_TCP, option, _UNSENT_BYTES)
        except OSError:
            pass
        else:
            return
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)


def _explain(exc: OSError, host: str, port: int) -> str:
    if exc.errno == errno.EADDRINUSE:
        return f"Port {port} is in use on {host}, perhaps by another Terrarium. Choose another with --port."
    if exc.errno == errno.EACCES:
        return f"This user may not listen on port {port} of {host}. Choose another with --port."
    if exc.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine. Choose another with --host."
    return f"Cannot listen on port {port} of {host}: {exc.strerror or exc}."
