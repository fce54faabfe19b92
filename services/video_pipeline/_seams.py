"""Where new frames meet those of a source: one turns into the other over some frames, so that there is no hard cut.

What the model was shown of a source comes out of its decoder once more, a little different in colour and sharpness. So
the source turns into that before the new frames begin, and back after they end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    Frame = npt.NDArray[np.uint8]
    Sound = npt.NDArray[np.float32]

SEAM_FRAMES: Final = 8


def turning_into(source: Iterable[Frame], count: int, decoded: npt.NDArray[np.uint8]) -> Iterator[Frame]:
    """`count` frames of a source, the last of which turn into `decoded`: what the model made of those same frames."""
    first = count - len(decoded)
    for index, frame in enumerate(source):
        at = index - first
        yield frame if not 0 <= at < len(decoded) else _mixed(frame, decoded[at], (at + 1) / (len(decoded) + 1))


def turning_from(source: Iterable[Frame], decoded: npt.NDArray[np.uint8]) -> Iterator[Frame]:
    """Frames of a source that begin as `decoded`, and turn into themselves."""
    for at, frame in enumerate(source):
        yield frame if at >= len(decoded) else _mixed(frame, decoded[at], 1 - (at + 1) / (len(decoded) + 1))


def fading_into(sound: Sound, decoded: Sound) -> Sound:
    """Samples (2, count), the last of which fade into `decoded`."""
    count = min(sound.shape[1], decoded.shape[1])
    kept, last = sound[:, : sound.shape[1] - count], sound[:, sound.shape[1] - count :]
    faded = _faded(last, decoded[:, decoded.shape[1] - count :])
    return np.concatenate([kept, faded], axis=1)


def fading_from(sound: Sound, decoded: Sound) -> Sound:
    """Samples (2, count) that begin as `decoded` and fade into themselves."""
    count = min(sound.shape[1], decoded.shape[1])
    return np.concatenate([_faded(decoded[:, :count], sound[:, :count]), sound[:, count:]], axis=1)


def _faded(first: Sound, second: Sound) -> Sound:
    """From one to the other, which have as many samples."""
    count = first.shape[1]
    share = np.arange(1, count + 1, dtype=np.float32) / np.float32(count + 1)
    return np.asarray(first * (1 - share) + second * share, np.float32)


def _mixed(frame: Frame, decoded: Frame, share: float) -> Frame:
    mixed = frame.astype(np.float32) * (1 - share) + decoded.astype(np.float32) * share
    return np.asarray(mixed.round(), np.uint8)
