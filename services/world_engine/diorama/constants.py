"""The constants of the diorama: picture size, camera and player. Lengths are in metres, angles in radians."""

from __future__ import annotations

import math
from typing import Final

ENGINE_VERSION: Final = "diorama-2"
STILL_VERSION: Final = "still-2"
STROLL_VERSION: Final = "stroll-2"
STROLL_ID: Final = "terrarium/stroll"

WIDTH: Final = 1280
HEIGHT: Final = 720
FRAMES_PER_PASS: Final = 4
FPS: Final = 60
FRAME_S: Final = 1.0 / FPS

HALF_FOV: Final = math.radians(40.0)  # of the width, for the camera and for the seed alike
FOCAL: Final = WIDTH / 2 / math.tan(HALF_FOV)  # pixels
EYE_HEIGHT: Final = 1.6
