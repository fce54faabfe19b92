"""What is still needed by films that wait or are being made: sources that were sent in, and other films."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.jobs.video_executor import VIDEO_KIND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from pydantic import JsonValue

    from handlers.jobs.board import JobBoard


def sources_in_use(board: JobBoard) -> frozenset[str]:
    """Their hashes."""
    return _in_use(board, "source")


def films_in_use(board: JobBoard) -> frozenset[str]:
    """Their ids."""
    return _in_use(board, "film")


def _in_use(board: JobBoard, kind: Literal["source", "film"]) -> frozenset[str]:
    waiting = (live.job.request for live in board.live() if live.job.kind == VIDEO_KIND)
    return frozenset(name for request in waiting for name in _named(request.get("way"), kind))


def _named(way: JsonValue, kind: str) -> Iterator[str]:
    """Every source or film that is named in any part of a way of making."""
    parts = way.values() if isinstance(way, dict) else way if isinstance(way, list) else ()
    if isinstance(way, dict) and isinstance(name := way.get(kind), str):
        yield name
    for part in parts:
        if isinstance(part, dict | list):
            yield from _named(part, kind)
