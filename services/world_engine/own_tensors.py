"""What an engine of torch has on its device, for engines that can leave it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from engines.parking import park
from services.world_engine.world_engine import EngineOutOfMemoryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor

    from engines.parking import ParkedTensors


class OwnTensors:
    """One thread at a time may use it. On a processor nothing moves: its memory is the host's."""

    def __init__(self, title: str, device: torch.device, tensors: Callable[[], Iterable[Tensor]]) -> None:
        """`title` is what people call the model; `tensors` are all that its worlds share."""
        self._title = title
        self._device = device
        self._tensors = tensors
        self._parked: ParkedTensors | None = None

    def leave(self) -> None:
        """Raises: RuntimeError, the host has no memory for them."""
        if self._device.type != "cpu":
            self._parked = park(self._tensors())

    def come_back(self) -> None:
        """Raises:
        EngineOutOfMemoryError: the device has no room.
        """
        if self._parked is None:
            return
        try:
            self._parked.resume()
        except torch.OutOfMemoryError as error:
            raise EngineOutOfMemoryError(
                f"{self._title} was ready in memory, and the graphics card has no room for it now. Unload other models,"
                " and try again."
            ) from error
        self._parked = None
