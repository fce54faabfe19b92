"""What films look like while they are made: the newest picture of each, in memory only."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from handlers.films.film_safety import FilmSafety

# One is made at a time. Pictures of those before it stay for whoever asks a little late.
_MOST_FILMS: Final = 8


class FilmPreviews:
    def __init__(self, safety: FilmSafety) -> None:
        self._safety = safety
        self._lock = threading.Lock()
        self._newest: dict[str, bytes] = {}

    def keep(self, film_id: str, jpeg: bytes) -> None:
        with self._lock:
            self._newest.pop(film_id, None)
            self._newest[film_id] = jpeg
            for oldest in [*self._newest][:-_MOST_FILMS]:
                del self._newest[oldest]

    def find(self, film_id: str) -> bytes | None:
        """A JPEG that has passed the picture check, as whatever the server shows. Blocks.

        Raises:
            DomainError: it may not be shown, or cannot be judged.
        """
        with self._lock:
            jpeg = self._newest.get(film_id)
        if jpeg is not None:
            self._safety.require_file(jpeg, "This picture of the film")
        return jpeg

    def forget(self, film_id: str) -> None:
        with self._lock:
            self._newest.pop(film_id, None)
