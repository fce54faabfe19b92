"""A world's state, on its device or in host memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from engines.transfer import copy_all
from engines.waypoint.errors import InputError
from engines.waypoint.state_layout import layout_of, places_of, read_layout

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

    def detached(self) -> WorldState:
        """The same in new memory of the device, so that the world can go on."""
        return replace(
            self, tensors=tuple(tensor.clone(memory_format=torch.contiguous_format) for tensor in self.tensors)
        )

    @property
    def size(self) -> int:
        """Bytes that `write` writes."""
        return layout_of(self._named, self._metadata).size

    def write(self, memory: memoryview) -> None:
        """Write all of it to memory of the host. What lies on a device comes at the bus's speed."""
        named = self._named
        places = places_of(layout_of(named, self._metadata), named, memory)
        copy_all([(tensor, places[name]) for name, tensor in named.items()])

    def to_bytes(self) -> bytes:
        memory = bytearray(self.size)
        self.write(memoryview(memory))
        return bytes(memory)

    @classmethod
    def from_bytes(cls, data: bytes | memoryview) -> WorldState:
        """Its tensors are views of `data`, if that can be written to, and otherwise of a copy.

        Raises:
            InputError: this is no snapshot, or not a whole one.
        """
        view = memoryview(data)
        if view.readonly:  # no tensor may look at such memory
            view = memoryview(bytearray(view))
        try:
            named, metadata = read_layout(view)
            frame, is_settled = metadata["at"].split(" ")
            return cls(
                frame=int(frame),
                is_settled=is_settled == "1",
                random=named["random"].clone(),  # of a few bytes, and the world keeps it
                prompt=named.get("prompt"),
                tensors=tuple(named[name] for name in sorted(named) if name.isdigit()),
            )
        except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
            raise InputError("The snapshot is damaged.") from error

    @property
    def _named(self) -> dict[str, Tensor]:
        named = {f"{at:03}": tensor for at, tensor in enumerate(self.tensors)} | {"random": self.random}
        return named if self.prompt is None else named | {"prompt": self.prompt}

    @property
    def _metadata(self) -> dict[str, str]:
        return {"at": f"{self.frame} {int(self.is_settled)}"}

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


def to_host(state: WorldState) -> WorldState:
    """A copy on the CPU, in memory of its own."""
    copies = tuple(torch.empty(tensor.shape, dtype=tensor.dtype) for tensor in state.tensors)
    copy_all(list(zip(state.tensors, copies, strict=True)))
    return replace(state, tensors=copies)
