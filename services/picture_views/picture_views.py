"""What a picture is a view of, so that it opens in the engine that shows it best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from services.world_engine.world_engine import Picture

CLOSE_UP: Final = "close-up"  # a face, a thing on a table, a page: nothing that one could walk into


class PictureViews(Protocol):
    def view_of(self, picture: Picture) -> str | None:
        """The name of what `picture` shows, as engines are `at_home_in` it; None: nothing particular.

        `picture` may have any size. Blocks for some milliseconds.
        """
        ...
