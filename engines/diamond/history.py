"""What a world goes on from: the last pictures in both sizes, what the player did in them, and where its noise is."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engines.diamond.errors import InputError

if TYPE_CHECKING:
    from engines.diamond.actions import ActionVector
    from engines.diamond.config import DiamondConfig

Picture: TypeAlias = NDArray[np.uint8]  # [height, width, 3], RGB
Pictures: TypeAlias = NDArray[np.uint8]  # [n, height, width, 3], the oldest first

_MAGIC: Final = b"DMD1"
_HEAD: Final = struct.Struct("<4sQQ")
_SEEDS: Final = 2**64


@dataclass(frozen=True, slots=True, eq=False)
class WorldState:
    """Immutable, and all that a world is. Pictures have 256 levels, as the model itself rounds them."""

    rng_seed: int
    frame: int  # the number of the frame that comes next
    small: Pictures  # as many as the denoiser sees
    large: Pictures  # as many as the upsampler sees
    actions: NDArray[np.uint8]  # [n - 1, actions]: what was done in each of `small` but the last

    @property
    def picture(self) -> Picture:
        """What the player sees."""
        return self.large[-1]

    @property
    def noise_seed(self) -> int:
        """The seed of the noise of the next frame."""
        numbers = struct.pack("<QQ", self.rng_seed, self.frame)
        return int.from_bytes(hashlib.blake2b(numbers, digest_size=8).digest(), "little")

    def after(self, action: ActionVector, small: Picture, large: Picture) -> WorldState:
        """The state after `action` has led to these pictures."""
        return WorldState(
            rng_seed=self.rng_seed,
            frame=self.frame + 1,
            small=np.concatenate((self.small[1:], small[None])),
            large=np.concatenate((self.large[1:], large[None])),
            actions=self.with_action(action)[1:],
        )

    def with_action(self, action: ActionVector) -> NDArray[np.uint8]:
        """[n, actions]: what was done in each of `small`."""
        return np.concatenate((self.actions, action[None]))

    def to_bytes(self) -> bytes:
        head = _HEAD.pack(_MAGIC, self.rng_seed, self.frame)
        return b"".join((head, self.actions.tobytes(), self.small.tobytes(), self.large.tobytes()))

    @classmethod
    def from_bytes(cls, data: bytes, config: DiamondConfig) -> WorldState:
        """Raises:
        InputError: these are not the bytes of a state of such a model.
        """
        past, large = config.denoiser.inner_model.num_steps_conditioning, config.upsampler.inner_model
        shapes = [
            (past - 1, config.num_actions),
            (past, *config.small_size, 3),
            (large.num_steps_conditioning, config.height, config.width, 3),
        ]
        sizes = [int(np.prod(shape)) for shape in shapes]
        if len(data) != _HEAD.size + sum(sizes) or not data.startswith(_MAGIC):
            raise InputError("The snapshot is damaged, or of a model of another size.")
        _, rng_seed, frame = _HEAD.unpack_from(data)
        values = np.frombuffer(data, dtype=np.uint8, offset=_HEAD.size)
        parts = np.split(values, np.cumsum(sizes)[:-1])
        actions, small, large = (part.reshape(shape) for part, shape in zip(parts, shapes, strict=True))
        if actions.max(initial=0) > 1 or frame >= _SEEDS - 1:
            raise InputError("The snapshot is damaged: no player can have done what it tells.")
        return cls(rng_seed=rng_seed, frame=frame, small=small, large=large, actions=actions)


def first_state(
    config: DiamondConfig, small: Picture, large: Picture, idle: ActionVector, *, rng_seed: int, frame: int = 0
) -> WorldState:
    """A world that has been in this picture for as long as it remembers, with nobody touching the keys."""
    past = config.denoiser.inner_model.num_steps_conditioning
    return WorldState(
        rng_seed=rng_seed % _SEEDS,
        frame=frame,
        small=np.repeat(small[None], past, axis=0),
        large=np.repeat(large[None], config.upsampler.inner_model.num_steps_conditioning, axis=0),
        actions=np.repeat(idle[None], past - 1, axis=0),
    )
