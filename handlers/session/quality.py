"""How the quality of frames follows the link: down when passes are dropped, slowly up again when none are."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from services.frame_encoder.frame_encoder import EncodeTuning
from services.video_encoder.video_encoder import VideoTuning

if TYPE_CHECKING:
    from runtime_config.current import Current
    from runtime_config.runtime_config import JpegConfig, Subsampling, VideoConfig

_WINDOW: Final = 16  # passes over which dropped ones are counted
_LOWER_AT: Final = 4  # dropped passes in a window: the link is too slow
_STEP_DOWN: Final = 10
_STEP_UP: Final = 5
_CALM_WINDOWS: Final = 4  # windows without any dropped pass before a step up: rising is slower than falling
_SPARSEST: Final = 8  # of so many frames of a pass, at least one is sent
_VIDEO_LEVELS: Final = 5  # steps from the best to the coarsest H.264


class Verdict(Enum):
    LOWER = auto()
    STAY = auto()
    RAISE = auto()


class LinkJudge:
    """A window with many dropped passes lowers the quality, some calm windows raise it; in between it stays."""

    def __init__(self) -> None:
        self._passes = 0
        self._dropped = 0
        self._calm = 0

    def passed(self, *, dropped_one: bool) -> Verdict:
        """Count a pass, and whether one was dropped for it."""
        self._passes += 1
        self._dropped += dropped_one
        if self._passes < _WINDOW:
            return Verdict.STAY
        dropped, self._passes, self._dropped = self._dropped, 0, 0
        if dropped:
            self._calm = 0
            return Verdict.LOWER if dropped >= _LOWER_AT else Verdict.STAY
        self._calm += 1
        if self._calm < _CALM_WINDOWS:
            return Verdict.STAY
        self._calm = 0
        return Verdict.RAISE


class QualityController:
    """The quality of JPEGs, and once that is the lowest, how many of them are left out.

    A pass with fewer frames is there sooner. So a slow link shows about as many frames a second, and each is younger.
    """

    def __init__(self, config: Current[JpegConfig], *, frame_height: int) -> None:
        self._config = config
        self._frame_height = frame_height
        self._lowered = 0  # below the best quality, which may change at any time
        self._one_of = 1
        self._judge = LinkJudge()

    @property
    def one_of(self) -> int:
        """One of so many frames of a pass is sent: 1, 2, 4 or 8."""
        return self._one_of

    @property
    def tuning(self) -> EncodeTuning:
        best, subsampling, leeway = self._bounds()
        return EncodeTuning(best - min(self._lowered, leeway), subsampling)

    def _bounds(self) -> tuple[int, Subsampling, int]:
        """The best quality, its subsampling, and how far the quality may be lowered."""
        config = self._config.now
        small = self._frame_height < config.small_below_lines
        best = config.small_quality if small else config.quality
        return best, config.small_subsampling if small else config.subsampling, max(0, best - config.lowest_quality)

    def pass_posted(self, *, replaced_another: bool) -> None:
        """Count a pass that was handed to the writer, and whether it pushed out one that had not been sent."""
        match self._judge.passed(dropped_one=replaced_another):
            case Verdict.LOWER:
                self._lower()
            case Verdict.RAISE:
                self._raise()
            case Verdict.STAY:
                pass

    def _lower(self) -> None:
        leeway = self._bounds()[2]
        if self._lowered < leeway:
            self._lowered = min(leeway, self._lowered + _STEP_DOWN)
        else:
            self._one_of = min(_SPARSEST, 2 * self._one_of)

    def _raise(self) -> None:
        if self._one_of > 1:
            self._one_of //= 2
        else:
            self._lowered = max(0, self._lowered - _STEP_UP)


class VideoQuality:
    """The quality of H.264, in few steps: each begins a new stream, and so costs a key frame.

    Both bounds go together. The coarser quality makes usual frames smaller, the bit rate those that are hard to encode.
    """

    def __init__(self, config: Current[VideoConfig]) -> None:
        self._config = config
        self._level = 0  # 0 is the best
        self._judge = LinkJudge()

    @property
    def is_finest(self) -> bool:
        return self._level == 0

    @property
    def tuning(self) -> VideoTuning:
        config, share = self._config.now, self._level / _VIDEO_LEVELS
        crf = config.crf + round(max(0, config.coarsest_crf - config.crf) * share)
        most, least = config.most_mbit_s, min(config.least_mbit_s, config.most_mbit_s)
        return VideoTuning(crf, round(1e6 * most * (least / most) ** share))

    def pass_posted(self, *, dropped_another: bool) -> None:
        """Count a pass that was sent, or one that was dropped before it was encoded."""
        match self._judge.passed(dropped_one=dropped_another):
            case Verdict.LOWER:
                self._level = min(_VIDEO_LEVELS, self._level + 1)
            case Verdict.RAISE:
                self._level = max(0, self._level - 1)
            case Verdict.STAY:
                pass
