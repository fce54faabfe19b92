"""Scripts for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tests.play.harness import Json

_STEPS: Final = ({"keys": ("W",), "hold": 4}, {"keys": ("W", "SHIFT"), "mouse": (2.5, 0), "hold": 3})


def script(start: Json, **changes: Any) -> Json:
    """A walk of seven passes."""
    return {
        "format": "terrarium.script",
        "version": 1,
        "rng_seed": 7,
        "start": start,
        "steps": [{**step} for step in _STEPS],
        **changes,
    }


def start_of(seed_hash: str) -> Json:
    return {"kind": "seed", "hash": seed_hash}
