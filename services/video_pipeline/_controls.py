"""What guides a film that follows another one: its frames as they are, or the edges in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from services.video_pipeline._refusal import FilmRefusedError
from services.video_pipeline.film_order import Control
from services.video_pipeline.video_pipeline import VideoFault

if TYPE_CHECKING:
    import numpy.typing as npt

_WEAK: Final = 100
_STRONG: Final = 200


def control_frame(frame: npt.NDArray[np.uint8], control: Control) -> npt.NDArray[np.uint8]:
    """One frame (height, width, 3) of the control video.

    Raises:
        FilmRefusedError: nothing here finds depth or poses.
    """
    match control:
        case Control.AS_IS:
            return frame
        case Control.EDGES:
            edges = cv2.Canny(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), _WEAK, _STRONG)
            return np.repeat(np.asarray(edges, np.uint8)[..., None], 3, axis=2)
        case Control.DEPTH | Control.POSE:
            message = f"Nothing here finds the {control} in a film. Bring it along as a video of its own."
            raise FilmRefusedError(VideoFault.CANNOT, message)
