"""Which sources are still needed: by films that wait or are being made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.jobs.video_executor import VIDEO_KIND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

    from handlers.jobs.board import JobBoard


def sources_in_use(board: JobBoard) -> frozenset[str]:
    """Their hashes."""
    waiting = (live.job.request for live in board.live() if live.job.kind == VIDEO_KIND)
    return frozenset(source for request in waiting for source in _named(request.get("way")))


def _named(way: JsonValue) -> Iterator[str]:
    """Every `source` that is named in any part of a way of making."""
    parts = way.values() if isinstance(way, dict) else way if isinstance(way, list) else ()
    if isinstance(way, dict) and isinstance(source := way.get("source"), str):
        yield source
    for part in parts:
        if isinstance(part, dict | list):
            yield from _named(part)
