"""Built places: rooms and streets of boxes on a level floor, which a player walks through as through a world."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from simulator._boxes import BOX_FIELDS, LAMP_FIELDS
from simulator._jit import inner, njit
from simulator._surfaces import PLASTER
from simulator.player import PlayerState, moved
from simulator.walking import BODY, slide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulator._boxes import Floor, Lighting
    from simulator.player import Action
    from simulator.world import Colour, World

_STEP_UP: Final = 0.15  # m; lower boxes are stepped over
_HEAD: Final = 1.75  # m; higher boxes are walked under
_TRIES: Final = 400


@dataclass(frozen=True, slots=True)
class Box:
    """An upright box; lengths in metres. `u` of its surface runs along a side, `v` from its bottom up."""

    x: float
    z: float
    half_a: float  # along the box's own axis, which `turn` (rad) turns from x towards z
    half_b: float
    low: float
    high: float
    a: Colour
    b: Colour
    surface: int = PLASTER
    scale: float = 1.0  # of the surface's pattern
    turn: float = 0.0
    is_shell: bool = False  # a wall or a ceiling of a closed room: nothing is known of what lies behind

    def row(self, salt: int) -> tuple[float, ...]:
        middle = self.x, self.z, math.cos(self.turn), math.sin(self.turn)
        size = self.half_a, self.half_b, self.low, self.high
        return *middle, *size, self.surface, *self.a, *self.b, self.scale, salt, float(self.is_shell)


@dataclass(frozen=True, slots=True)
class Lamp:
    x: float
    height: float
    z: float
    colour: Colour  # linear RGB of the light at one metre


@dataclass(frozen=True, slots=True)
class Place:
    """A built place. The world gives picture size, daylight and sky; its land is not there."""

    world: World
    boxes: NDArray[np.float64]  # [n, BOX_FIELDS]
    lamps: NDArray[np.float64]  # [n, LAMP_FIELDS]
    floor: Floor
    lighting: Lighting
    half_x: float  # m; people start within this rectangle around the origin
    half_z: float

    @property
    def is_closed(self) -> bool:
        """Whether walls and a ceiling are all around."""
        return self.lighting.indoors > 0.0


def make_place(
    world: World,
    boxes: Sequence[Box],
    lamps: Sequence[Lamp],
    floor: Floor,
    lighting: Lighting,
    *,
    half_x: float,
    half_z: float,
) -> Place:
    """Put boxes and lamps together in the form that the kernels use."""
    return Place(
        world,
        np.array([box.row(number) for number, box in enumerate(boxes)]).reshape(-1, BOX_FIELDS),
        np.array([(lamp.x, lamp.height, lamp.z, *lamp.colour) for lamp in lamps]).reshape(-1, LAMP_FIELDS),
        floor,
        lighting,
        half_x,
        half_z,
    )


def start_in(place: Place, rng: np.random.Generator) -> PlayerState:
    """Somebody at a free spot, with a random look."""
    x, z = 0.0, 0.0
    for _ in range(_TRIES):
        x, z = float(rng.uniform(-place.half_x, place.half_x)), float(rng.uniform(-place.half_z, place.half_z))
        if _is_free(place.boxes, x, z, 2.0 * BODY):
            break
    # People look along a room or a street rather than at its walls.
    along = 0.0 if rng.random() < 0.5 else math.pi
    yaw = along + float(rng.normal(0.0, 0.4)) if rng.random() < 0.7 else float(rng.uniform(-math.pi, math.pi))
    return PlayerState(x=x, z=z, feet=0.0, yaw=math.remainder(yaw, 2.0 * math.pi), pitch=float(rng.normal(0.0, 0.08)))


def advance_in(place: Place, state: PlayerState, action: Action) -> PlayerState:
    """The state one frame (1/30 s) later. It depends only on the place, the state and the action."""
    return moved(state, action, partial(_walk, place.boxes))


def _walk(
    boxes: NDArray[np.float64], x: float, z: float, dx: float, dz: float, _feet: float
) -> tuple[float, float, float]:
    to_x, to_z = slide(lambda near_x, near_z: _is_free(boxes, near_x, near_z, BODY), x, z, dx, dz)
    return to_x, to_z, 0.0


@njit
def _is_free(boxes: NDArray[np.float64], x: float, z: float, margin: float) -> bool:
    """Whether a walker's body fits at the position."""
    for n in range(boxes.shape[0]):  # noqa: SIM110 - a kernel knows no generators
        if _blocks(boxes[n], x, z, margin):
            return False
    return True


@inner
def _blocks(box: NDArray[np.float64], x: float, z: float, margin: float) -> bool:
    if box[7] < _STEP_UP or box[6] > _HEAD:
        return False
    dx, dz = x - box[0], z - box[1]
    along, across = dx * box[2] + dz * box[3], dz * box[2] - dx * box[3]
    return abs(along) < box[4] + margin and abs(across) < box[5] + margin
