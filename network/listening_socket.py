"""The socket that the server listens on, with a bound on the unsent bytes that the kernel holds."""

from __future__ import annotations

import errno
import socket
import sys
from types import MappingProxyType
from typing import Final

from runtime_config.launch_error import LaunchError
from runtime_config.web_origin import is_wildcard_host, parse_address

_BACKLOG: Final = 512  # connections that wait to be accepted; beyond, a newcomer's system tries again after 1 s
# Once the kernel holds a frame, the server can no longer replace it by a newer one. TCP_NOTSENT_LOWAT bounds the bytes
# that wait for room in the peer's window. Where the option does not exist, the send buffer bounds them together with
# the bytes in flight. A pass of large frames fits in and needs one call; with smaller bounds, each pass was measured to
# take several wake-ups.
_UNSENT_BYTES: Final = 1024 * 1024
_SEND_BUFFER_BYTES: Final = 1024 * 1024
_NOTSENT_LOWAT: Final = MappingProxyType({"linux": 25, "darwin": 0x201})  # older Pythons do not define it


def create_listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens on `host` and `port` (0: any free port). Accepted connections inherit its options.

    Raises:
        LaunchError: the socket cannot listen on that address, mostly because another program already does.
    """
    family, address = _resolve(host, port)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        _set_options(listener, host)
        listener.bind(address)
        # Two programs can bind the same port, but only one can listen. So listen here, where the error is explained.
        listener.listen(_BACKLOG)
    except OSError as exc:
        listener.close()
        raise LaunchError(_explain(exc, host, port)) from exc
    listener.setblocking(False)  # noqa: FBT003 -- its only parameter
    return listener


def browser_url(listener: socket.socket) -> str:
    """The URL under which a browser on this machine finds the server."""
    host, port = listener.getsockname()[:2]
    if is_wildcard_host(host):
        host = "127.0.0.1"  # also works for ::, because that socket listens on IPv4 too
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as exc:
        msg = f"The host {host!r} has no address on this network. Choose another with --host."
        raise LaunchError(msg) from exc
    # If the name has addresses of both families, IPv4 wins, because clients expect it.
    family, *_, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, address  # pyright: ignore[reportReturnType] - the third form exists only in a Python without IPv6


def _set_options(listener: socket.socket, host: str) -> None:
    if sys.platform == "win32":
        listener.setsockopt(
            socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1
        )  # on Windows, REUSEADDR would share the port
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
        return f"You are not permitted to listen on port {port} of {host}. Choose another with --port."
    if exc.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine. Choose another with --host."
    return f"Cannot listen on port {port} of {host}: {exc.strerror or exc}."
