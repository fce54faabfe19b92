"""How much memory this machine has, for defaults that go by it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_UNKNOWN: Final = 8 << 30
_CONTAINER_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")


def machine_memory() -> int:
    """Bytes; those of the container, if it has fewer. Where the system does not tell, some 8 GiB."""
    try:
        whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows has no such call
        whole = _UNKNOWN
    try:
        allowed = int(_CONTAINER_LIMIT.read_text())
    except (OSError, ValueError):  # there is no container, or no limit
        return whole
    return min(whole, allowed)
