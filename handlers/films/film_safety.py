"""The picture check of videos: a few frames stand for all of them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from handlers.service_errors import service_errors_translated

if TYPE_CHECKING:
    from pathlib import Path

    from handlers.safety_handler import SafetyHandler
    from services.media_probe.media_probe import MediaFacts, MediaProbe
    from services.picture_decoder.picture_decoder import PictureDecoder
    from services.world_engine.world_engine import Picture

_PLACES: Final = (0.0, 0.5, 0.98)  # of the length, at which frames are looked at
_CHECKED_SIDE: Final = 896  # pixels, as of pictures that are sent in


class FilmSafety:
    """Every method blocks, for as long as the classifier takes."""

    def __init__(self, safety: SafetyHandler, probe: MediaProbe, decoder: PictureDecoder) -> None:
        self._safety = safety
        self._probe = probe
        self._decoder = decoder

    def require_picture(self, picture: Picture, subject: str = "This picture") -> None:
        """Raises: DomainError, it may not be shown, or cannot be judged."""
        self._safety.require(hashlib.sha256(picture.tobytes()).hexdigest(), picture, subject)

    def require_file(self, data: bytes, subject: str) -> None:
        """As `require_picture`, of an encoded one."""
        if self._safety.policy == "off":
            return
        with service_errors_translated():
            look = self._decoder.overview(data, longest=_CHECKED_SIDE)
        self._safety.require(hashlib.sha256(data).hexdigest(), look, subject)

    def require_video(self, path: Path, facts: MediaFacts, subject: str) -> None:
        """Raises: DomainError, a frame of it may not be shown, or cannot be judged."""
        if facts.pictures is None or self._safety.policy == "off":
            return
        for place in _PLACES:
            with service_errors_translated():
                frame = self._probe.frame(path, place * (facts.pictures.frames - 1) / max(facts.pictures.fps, 1e-3))
            self.require_file(frame, subject)
