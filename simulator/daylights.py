"""The daylights from which a seed selects: times of day with their weather. Colours are sRGB in hex."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Daylight:
    """A time of day and its weather. Neither changes while somebody plays."""

    name: str
    weight: float
    elevation: tuple[float, float]  # degrees of the sun above the horizon
    sun: str
    sun_strength: float
    ambient: str
    ambient_strength: float
    zenith: str
    horizon: str
    glow: str  # around the sun
    cloud: str  # lit side
    cloud_shade: str
    cover: tuple[float, float]  # share of clouds
    haze: float  # distance (m) at which two thirds of the contrast are lost
    lamps: float = 0.0  # light in the windows
    stars: float = 0.0


DAYLIGHTS: Final = (
    Daylight(
        "noon",
        3.0,
        (48, 62),
        "#fff4e0",
        1.0,
        "#a9c6ea",
        0.52,
        "#3f7fd0",
        "#bcd9ee",
        "#ffffff",
        "#ffffff",
        "#b9c8da",
        (0.25, 0.5),
        300.0,
    ),
    Daylight(
        "morning",
        3.0,
        (24, 36),
        "#ffe6bd",
        1.0,
        "#a5bede",
        0.5,
        "#4f8fd4",
        "#d8e4e6",
        "#fff0cc",
        "#fffaf0",
        "#b4bccb",
        (0.2, 0.55),
        240.0,
    ),
    Daylight(
        "golden",
        3.0,
        (9, 16),
        "#ffc07a",
        1.1,
        "#9aa9cc",
        0.46,
        "#4a7ab8",
        "#f4d3a4",
        "#ffc878",
        "#ffe2b8",
        "#c49a94",
        (0.25, 0.55),
        210.0,
        0.25,
    ),
    Daylight(
        "dusk",
        1.6,
        (3.5, 7),
        "#ff8a5a",
        0.75,
        "#8a86b8",
        0.44,
        "#39477f",
        "#f0a583",
        "#ff8e5c",
        "#ffb494",
        "#76638a",
        (0.3, 0.6),
        200.0,
        0.8,
    ),
    Daylight(
        "dawn",
        1.6,
        (5, 10),
        "#ffc4ae",
        0.72,
        "#a8b0d4",
        0.52,
        "#6a8cc8",
        "#f6d6cf",
        "#ffd9c0",
        "#ffe6de",
        "#a99fbd",
        (0.2, 0.5),
        130.0,
        0.4,
    ),
    Daylight(
        "overcast",
        2.0,
        (35, 55),
        "#e8ecf0",
        0.35,
        "#c3ccd6",
        0.82,
        "#9aa8b8",
        "#c6ced4",
        "#dde2e6",
        "#d5dbe0",
        "#98a4b0",
        (0.85, 1.0),
        160.0,
    ),
    Daylight(
        "mist",
        1.2,
        (14, 26),
        "#f3e8d4",
        0.5,
        "#c6d0d4",
        0.7,
        "#a9bccb",
        "#dadedb",
        "#f6efdf",
        "#eceeec",
        "#c0c8cb",
        (0.3, 0.6),
        75.0,
    ),
    Daylight(
        "night",
        1.0,
        (28, 42),
        "#9db8e8",
        0.3,
        "#5f74a8",
        0.3,
        "#0f1a38",
        "#2f4468",
        "#7f9acc",
        "#5c6f98",
        "#1d2947",
        (0.15, 0.45),
        190.0,
        1.0,
        1.0,
    ),
)
