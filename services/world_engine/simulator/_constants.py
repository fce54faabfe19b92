"""The constants of the simulator engine."""

from __future__ import annotations

from typing import Final

ENGINE_VERSION: Final = "simulator-1"  # must change whenever a seed's world would look different
MODEL_ID: Final = "terrarium/simulator"
TITLE: Final = "Simulator (procedural, not neural)"

HEIGHT: Final = 128
WIDTH: Final = 224
FRAMES_PER_PASS: Final = 2
FPS: Final = 30
