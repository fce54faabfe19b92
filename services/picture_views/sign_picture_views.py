"""Tells close-ups from places by three signs alone: for where the network cannot look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.picture_views._signs import signs_of
from services.picture_views.picture_views import CLOSE_UP

if TYPE_CHECKING:
    from services.world_engine.world_engine import Picture

# The signs are weighed by a logistic regression on 180 pictures that were sorted by eye (docs/evaluation.md). The limit
# lies where few places are lost: a close-up that is walked into looks odd, a place that cannot be entered is no use.
_DOUBLED: Final = -0.0356  # a grey level
_LAYERED: Final = 3.907
_PLAIN: Final = -5.8678
_OFFSET: Final = 0.951
_CLOSE_UP_BELOW: Final = -0.62


class SignPictureViews:
    """A `PictureViews`."""

    def view_of(self, picture: Picture) -> str | None:
        signs = signs_of(picture)
        score = _OFFSET + _DOUBLED * signs.doubled + _LAYERED * signs.layered + _PLAIN * signs.plain
        return CLOSE_UP if score < _CLOSE_UP_BELOW else None
