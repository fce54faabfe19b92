"""The fixed facts of the engine `terrarium/moss`; sizes come with its weights."""

from __future__ import annotations

from typing import Final

MODEL_ID: Final = "terrarium/moss"
TITLE: Final = "Moss (neural)"

FRAMES_PER_PASS: Final = 1
FPS: Final = 30
