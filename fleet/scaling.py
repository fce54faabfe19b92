"""How many servers a fleet takes, from what they tell: Ray's controller asks here, as it sees no direct connection."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from handlers.sessions_handler import OwnPlay

IN_USE: Final = 0.7  # of all places, so that whoever comes finds one while another server starts


def scaling_stats(play: OwnPlay, waiting: int) -> dict[str, float]:
    """What a replica tells: `wanted` is who plays there, and the `waiting` in line who were received there."""
    return {"wanted": len(play.sessions) + waiting, "places": play.max_sessions}


def servers_needed(context: Any) -> tuple[int, dict[str, Any]]:
    """A policy of Ray Serve (`AutoscalingContext`, typed in part). Bounds and delays are applied by Ray."""
    told = cast("Mapping[str, Mapping[object, float]]", context.aggregated_metrics or {})
    needed = _needed(told.get("wanted", {}).values(), list(told.get("places", {}).values()))
    return (int(context.target_num_replicas) if needed is None else needed), {}


def _needed(wanted: Iterable[float], places: list[float]) -> int | None:
    """None: nobody has told yet, so that it stays as it is."""
    if not places:
        return None
    each = max(1.0, sum(places) / len(places))
    return max(1, ceil(sum(wanted) / (IN_USE * each)))
