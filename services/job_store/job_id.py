"""Ids of jobs: ULIDs, which are sorted by the time at which they were made (https://github.com/ulid/spec)."""

from __future__ import annotations

import secrets
from typing import Final

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # base 32 without letters that are taken for digits


def new_job_id(at: float) -> str:
    """26 characters: 48 bits of milliseconds since 1970, then 80 random ones."""
    number = (int(at * 1000) << 80) | secrets.randbits(80)
    return "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))
