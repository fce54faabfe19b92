"""Names of new recordings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

SUFFIX: Final = ".mp4"


def new_name(started_at: float, play_session: str, segment: int) -> str:
    """Names sort by time (UTC). They are unique: each session has an id of its own and counts its segments."""
    return f"{datetime.fromtimestamp(started_at, UTC):%Y%m%d_%H%M%S}_{play_session}_{segment}"
