"""A world's state in host memory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from engines.waypoint.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


@dataclass(frozen=True, slots=True)
class WorldState:
    """Everything that the next latent depends on.

    `tensors` are the keys and values of local and of global layers, as many as the world has, what both directions of
    the autoencoder remember, and the newest latent, if there is one.
    """

    frame: int
    is_settled: bool
    random: Tensor  # of the generator of noise
    prompt: Tensor | None
    tensors: tuple[Tensor, ...]

    @property
    def nbytes(self) -> int:
        return sum(tensor.nbytes for tensor in self.tensors)

    def to_bytes(self) -> bytes:
        named = {f"{at:03}": tensor for at, tensor in enumerate(self.tensors)} | {"random": self.random}
        if self.prompt is not None:
            named["prompt"] = self.prompt
        # One entry: safetensors writes several in a different order each time, and equal states are equal bytes.
        return save(named, {"at": f"{self.frame} {int(self.is_settled)}"})

    @classmethod
    def from_bytes(cls, data: bytes) -> WorldState:
        """Raises:
        InputError: this is no snapshot, or not a whole one.
        """
        try:
            named = load(data)
            header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
            frame, is_settled = header["at"].split(" ")
            return cls(
                frame=int(frame),
                is_settled=is_settled == "1",
                random=named["random"],
                prompt=named.get("prompt"),
                tensors=tuple(named[name] for name in sorted(named) if name.isdigit()),
            )
        except (SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:
            raise InputError("The snapshot is damaged.") from error

    def check(self, places: Sequence[Tensor]) -> None:
        """Raises:
        InputError: the state cannot be put into these places.
        """
        given, wanted = [*self.tensors, self.random], [*places, torch.Generator().get_state()]
        if self.frame < 0 or _kinds(given) != _kinds(wanted):
            raise InputError("This snapshot is of another model, or of another precision.")
        try:
            torch.Generator().set_state(self.random)
        except RuntimeError as error:
            raise InputError("The snapshot is damaged: its noise cannot go on.") from error


def _kinds(tensors: Sequence[Tensor]) -> list[tuple[tuple[int, ...], torch.dtype]]:
    return [(tuple(tensor.shape), tensor.dtype) for tensor in tensors]


def to_host(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Copies on the CPU. Those of a CUDA device come at the bus's speed, all together."""
    copies = [_start_copy(tensor) for tensor in tensors]
    for device in {tensor.device for tensor in tensors if tensor.is_cuda}:
        torch.cuda.synchronize(device)
    return copies


def _start_copy(tensor: Tensor) -> Tensor:
    if not tensor.is_cuda:
        return tensor.clone(memory_format=torch.contiguous_format)
    copy = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    return copy.copy_(tensor, non_blocking=True)
