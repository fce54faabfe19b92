"""How JPEG quality follows the link: down when passes are replaced unsent, slowly up again when none are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.frame_encoder.frame_encoder import EncodeTuning

if TYPE_CHECKING:
    from runtime_config.runtime_config import JpegConfig, Subsampling

_WINDOW: Final = 16  # passes over which replacements are counted
_LOWER_AT: Final = 4  # replaced passes in a window: the link is too slow
_STEP_DOWN: Final = 10
_STEP_UP: Final = 5
_CALM_WINDOWS: Final = 4  # windows without any replacement before a step up: rising is slower than falling


class QualityController:
    """A window with many replaced passes lowers the quality, some calm windows raise it; in between it stays."""

    def __init__(self, config: JpegConfig, *, frame_height: int) -> None:
        small = frame_height < config.small_below_lines
        self._best = config.small_quality if small else config.quality
        self._subsampling: Subsampling = config.small_subsampling if small else config.subsampling
        self._lowest = min(config.lowest_quality, self._best)
        self._quality = self._best
        self._passes = 0
        self._replaced = 0
        self._calm = 0

    @property
    def tuning(self) -> EncodeTuning:
        return EncodeTuning(self._quality, self._subsampling)

    def pass_posted(self, *, replaced_another: bool) -> None:
        """Count a pass that was handed to the writer, and whether it pushed out one that had not been sent."""
        self._passes += 1
        self._replaced += replaced_another
        if self._passes >= _WINDOW:
            self._judge()
            self._passes = self._replaced = 0

    def _judge(self) -> None:
        if self._replaced >= _LOWER_AT:
            self._quality = max(self._lowest, self._quality - _STEP_DOWN)
            self._calm = 0
        elif self._replaced:
            self._calm = 0
        else:
            self._calm += 1
            if self._calm >= _CALM_WINDOWS:
                self._quality = min(self._best, self._quality + _STEP_UP)
                self._calm = 0
