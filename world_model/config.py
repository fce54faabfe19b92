"""The sizes of the world model: one dataclass from which every network is built."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

FRAME_S: Final = 1.0 / 30.0  # seconds of world time in one frame
NEARNESS: Final = 3  # index of the nearness channel in a view

# What the player wants in one frame: forward, strafe (each -1 to 1), run, jump, crouch (each 0 or 1).
WISHES: Final = 5
# A change of place in the player's own axes, metres: to the right, up, forward.
STEP_AXES: Final = 3
# A pose relative to another one: the three axes above, the turn to the right (rad), and the slopes of looking up of the
# old pose and of the new one.
RELATIVE_POSE_DIM: Final = 6


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Sizes of views and networks.

    A *view* is a picture with a fourth channel, nearness 1 / (1 + distance in metres): 1 touches the eye, 0 is sky. The
    distance is that on the map, so it does not change with the height of a pixel in the picture.
    """

    height: int = 128  # pixels; a multiple of 32
    width: int = 224
    fov_deg: float = 72.0  # of the width
    latent_channels: int = 16  # at 1/8 of the view's height and width
    encoder_widths: tuple[int, int] = (48, 96)  # at 1/4 and 1/8
    decoder_widths: tuple[int, int] = (64, 128)  # at 1/4 and 1/8
    unet_widths: tuple[int, int, int] = (64, 128, 256)  # at 1/8, 1/16 and 1/32
    sight_widths: tuple[int, int, int, int] = (32, 48, 96, 96)  # at 1/4, 1/8, 1/16 and 1/32
    condition_width: int = 128  # of the embedding of noise level and motion
    motion_width: int = 64

    def __post_init__(self) -> None:
        if self.height % 32 or self.width % 32:
            raise ValueError(f"A view of {self.height}x{self.width} cannot be halved five times.")

    @property
    def focal(self) -> float:
        """Focal length in pixels."""
        return 0.5 * self.width / math.tan(0.5 * math.radians(self.fov_deg))

    @property
    def fov(self) -> float:
        """Of the width, radians."""
        return math.radians(self.fov_deg)

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        return self.latent_channels, self.height // 8, self.width // 8

    @staticmethod
    def from_plain(sizes: Mapping[str, Any]) -> ModelConfig:
        """What `dataclasses.asdict` and a file have made plain, as a config again.

        Raises:
            TypeError, ValueError: these are not sizes of a model.
        """
        plain: dict[str, Any] = dict(sizes)
        for name in ("encoder_widths", "decoder_widths", "unet_widths", "sight_widths"):
            if name in plain:
                plain[name] = tuple(plain[name])
        return ModelConfig(**plain)


# Small enough to be trained by a test in seconds.
MICRO: Final = ModelConfig(
    height=32,
    width=64,
    latent_channels=4,
    encoder_widths=(8, 16),
    decoder_widths=(8, 16),
    unet_widths=(16, 16, 32),
    sight_widths=(8, 16, 16, 32),
    condition_width=32,
    motion_width=16,
)
