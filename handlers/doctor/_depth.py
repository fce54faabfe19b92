"""What tells near from far in a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from handlers.doctor.check import Check, Good, Warned, parted
from services.world_engine.depth.depth_anything_files import (
    TITLE,
    DepthAnythingNotPulled,
    DepthAnythingUnusable,
    DepthAnythingUsable,
)

if TYPE_CHECKING:
    from handlers.doctor.check import Finding
    from services.world_engine.depth.depth_anything_files import DepthAnythingState

_BY_MOSS: Final = "Stroll uses the network that ships with the server, which knows open country alone."


def check_depth(state: DepthAnythingState) -> Check:
    """By the files: weights that turn out to be damaged when the engine is loaded are told in the log."""
    match state:
        case DepthAnythingUsable():
            finding: Finding = Good(f"Stroll uses {TITLE} where the network that ships with the server is not sure.")
        case DepthAnythingNotPulled(reason):
            finding = Good(f"{_BY_MOSS} {reason}")
        case DepthAnythingUnusable(reason):
            found, mend = parted(reason)
            finding = Warned(f"{found} {_BY_MOSS}", mend)
        case _:
            assert_never(state)
    return Check("depth", "Depth", finding)
