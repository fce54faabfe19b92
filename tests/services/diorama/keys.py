"""Short names for the key codes that players press (virtual key codes)."""

from __future__ import annotations

from typing import Final

SHIFT: Final = 0x10
CTRL: Final = 0x11
SPACE: Final = 0x20
LEFT: Final = 0x25
UP: Final = 0x26
RIGHT: Final = 0x27
DOWN: Final = 0x28
W: Final = ord("W")
A: Final = ord("A")
S: Final = ord("S")
D: Final = ord("D")
