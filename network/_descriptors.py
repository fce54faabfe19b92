"""How many connections the process can hold, given the descriptors that the system lets it open."""

from __future__ import annotations

import sys
from typing import Final

# A process may be allowed a billion descriptors, and some programs that it starts try to close every one of them.
_MOST_WANTED: Final = 65_536
_ASSUMED: Final = 8_192  # where the system does not say: what the C runtime of Windows can open
_KEPT_FREE: Final = 256  # for files, pipes to encoders, models and sockets of our own
_MOST_CONNECTIONS: Final = 1_024  # far more than players need
_FEWEST_CONNECTIONS: Final = 16


def raise_descriptor_limit() -> int:
    """Raise the process's soft limit on open descriptors to the hard one. Returns what is allowed afterwards."""
    if sys.platform == "win32":
        return _ASSUMED
    import resource  # it does not exist on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_WANTED if hard == resource.RLIM_INFINITY else min(hard, _MOST_WANTED)
    if soft != resource.RLIM_INFINITY and soft < most:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        except (OSError, ValueError):  # macOS has a lower limit of its own
            return soft
        return most
    return most if soft == resource.RLIM_INFINITY else soft


def connection_limit(descriptors: int, wanted: int | None) -> int:
    """How many connections strangers may hold, and as many this machine's own programs, with that many descriptors.

    `wanted` is what the owner asked for; None takes as many as are safe, up to a bound.
    """
    safe = max(_FEWEST_CONNECTIONS, (descriptors - _KEPT_FREE) // 2)
    return min(safe, _MOST_CONNECTIONS if wanted is None else wanted)
