"""The options of a world besides its seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FPS: Final = 30
FRAME_S: Final = 1.0 / FPS


@dataclass(frozen=True, slots=True)
class WorldConfig:
    """Options of the picture and the world. The seed decides those that are None."""

    height: int = 128  # pixels
    width: int = 224
    fov_deg: float = 72.0  # of the width
    supersample: int = 2  # samples per pixel along each axis
    biome: str | None = None  # a name in `biomes.BIOMES`
    daylight: str | None = None  # a name in `daylights.DAYLIGHTS`
    buildings: bool = True
    paths: bool = True
    tint: tuple[float, float, float] | None = None  # mean sRGB, 0 to 1, towards which vegetation and walls are tinted

    def __post_init__(self) -> None:
        if not (8 <= self.height <= 2160 and 8 <= self.width <= 3840):
            raise ValueError(f"A frame of {self.height}x{self.width} is out of range.")
        if not 20.0 <= self.fov_deg <= 120.0:
            raise ValueError(f"A field of view of {self.fov_deg} degrees is out of range (20 to 120).")
        if self.supersample not in (1, 2, 3, 4):
            raise ValueError(f"{self.supersample} samples per pixel and axis are out of range (1 to 4).")
