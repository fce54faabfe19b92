"""The fixed measures of the simulator engine."""

from __future__ import annotations

from typing import Final

ENGINE_VERSION: Final = "simulator-1"  # a change of what a seed looks like changes this
MODEL_ID: Final = "terrarium/simulator"
TITLE: Final = "Simulator (procedural, not neural)"

HEIGHT: Final = 128
WIDTH: Final = 224
FRAMES_PER_PASS: Final = 2
FPS: Final = 30
