"""What a replica tells Ray's router of its load, and how the router reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers.places.admission import Load

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from handlers.sessions_handler import OwnPlay


def routing_stats(play: OwnPlay, models: Collection[str]) -> dict[str, Any]:
    """`models` are the ids of those in memory."""
    return {"sessions": len(play.sessions), "max_sessions": play.max_sessions, "models": sorted(models)}


def load_of(replica: str, told: Mapping[str, Any]) -> Load:
    """One that has told nothing yet has just come."""
    return Load(
        replica, int(told.get("sessions", 0)), int(told.get("max_sessions", 1)), frozenset(told.get("models", ()))
    )
