"""The sizes of the world model: one dataclass from which every network is built."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

FRAME_S: Final = 1.0 / 30.0  # seconds of world time in one frame
DISPARITY: Final = 3  # index of the disparity channel in a view

# What the player asks for in one frame: forward, strafe (each -1 to 1), run, jump, crouch (each 0 or 1).
INTENT_DIM: Final = 5
# A change of place in the player's own axes, metres: to the right, up, forward.
STEP_AXES: Final = 3
# A pose relative to another one: the three axes above, the turn to the right (rad), and the slopes of looking up of the
# old pose and of the new one.
RELATIVE_POSE_DIM: Final = 6

# Fields by the names that manifests and checkpoints have for them, where those are other ones.
_FIELDS_IN_FILES: Final[Mapping[str, str]] = MappingProxyType({"sight_widths": "depth_widths"})
# Sizes in older files of networks that there are no more.
_GONE: Final = frozenset({"latent_channels", "encoder_widths", "decoder_widths", "unet_widths", "condition_width"})


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Sizes of views and networks.

    A *view* is a picture with a fourth channel, the disparity 1 / (1 + distance in metres): 1 touches the eye, 0 is the
    sky. Unlike the inverse depth of `world_model.layers`, 1 / metres, it is bounded and fits into a byte. The
    distance is that on the map, so it does not change with the height of a pixel in the picture.
    """

    height: int = 128  # pixels; a multiple of 32
    width: int = 224
    fov_deg: float = 72.0  # of the width
    depth_widths: tuple[int, int, int, int] = (32, 48, 96, 96)  # at 1/4, 1/8, 1/16 and 1/32
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

    def to_plain(self) -> dict[str, Any]:
        """What manifests and checkpoints hold of the config."""
        names_in_files = {field: name for name, field in _FIELDS_IN_FILES.items()}
        return {names_in_files.get(field, field): size for field, size in asdict(self).items()}

    @staticmethod
    def from_plain(sizes: Mapping[str, Any]) -> ModelConfig:
        """The config that `to_plain` and a file have made plain.

        Raises:
            TypeError, ValueError: these are not sizes of a model.
        """
        plain: dict[str, Any] = {
            _FIELDS_IN_FILES.get(name, name): size for name, size in sizes.items() if name not in _GONE
        }
        if "depth_widths" in plain:
            plain["depth_widths"] = tuple(plain["depth_widths"])
        return ModelConfig(**plain)


# Small enough to be trained by a test in seconds.
MICRO: Final = ModelConfig(
    height=32,
    width=64,
    depth_widths=(8, 16, 16, 32),
    motion_width=16,
)
