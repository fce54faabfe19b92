"""The interface of frame encoders: the frames of a pass go in, one JPEG per frame comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from runtime_config.runtime_config import Subsampling
    from services.world_engine.world_engine import Frames


@dataclass(frozen=True, slots=True)
class EncodeTuning:
    """How a pass is encoded. `quality` is the JPEG quality, 1 to 100."""

    quality: int
    subsampling: Subsampling


class FrameEncoder(Protocol):
    async def encode(self, frames: Frames, tuning: EncodeTuning) -> tuple[bytes, ...]:
        """One JPEG per sub-frame, in order. `frames` is not modified, and not used after the return."""
        ...

    def use_threads(self, count: int | None) -> None:
        """Encode on so many threads from the next pass on; None: as many as suit this machine."""
        ...

    def close(self) -> None:
        """Finish what is being encoded, and stop the threads."""
        ...
