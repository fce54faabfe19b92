"""Web origins: parsing and comparison of `scheme://host[:port]`."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

_DEFAULT_PORTS: Final = MappingProxyType({"http": 80, "https": 443, "ws": 80, "wss": 443})
_ORIGIN: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?",
    re.IGNORECASE | re.ASCII,
)

# What a browser sends for a page from a file, and for one whose origin it keeps to itself.
OpaqueOrigin: TypeAlias = Literal["file://", "null"]


@dataclass(frozen=True, slots=True)
class WebOrigin:
    """Lower case, an IPv6 host without brackets, the scheme's default port filled in (None: it has none)."""

    scheme: str
    host: str
    port: int | None


Origin: TypeAlias = WebOrigin | OpaqueOrigin


def parse_origin(text: str) -> Origin | None:
    """The origin that `text` names; None when it is malformed."""
    folded = text.lower()
    if folded == "null" or folded == "file://":
        return folded
    match = _ORIGIN.fullmatch(text)
    if match is None:
        return None
    scheme, host = match["scheme"].lower(), canonical_host(match["host"])
    port = _DEFAULT_PORTS.get(scheme) if match["port"] is None else int(match["port"])
    if host is None or (port is not None and not 0 < port <= 65535):
        return None
    return WebOrigin(scheme, host, port)


def canonical_host(text: str) -> str | None:
    """A host as it is compared: lower case, an address in its shortest spelling; None for a malformed `[address]`."""
    bracketed = text.startswith("[")
    bare = text[1:-1] if bracketed else text
    address = parse_address(bare)
    if address is not None:
        return str(address)
    return None if bracketed else bare.lower()


def parse_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that `text` spells, without its zone; an IPv4 one mapped into IPv6 is taken as IPv4."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return address if mapped is None else mapped


def is_loopback_host(host: str) -> bool:
    """True when only this machine can reach `host`: `localhost`, 127.0.0.0/8 and ::1."""
    address = parse_address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def is_wildcard_host(host: str) -> bool:
    """True for the addresses that mean every interface: 0.0.0.0 and ::."""
    address = parse_address(host)
    return address is not None and address.is_unspecified
