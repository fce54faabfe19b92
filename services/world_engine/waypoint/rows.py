"""Worlds in the rows of one batch. The batch is remade with more rows when another world comes."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Final, NewType

import torch

from engines.waypoint import WorldBatch
from services.world_engine.world_engine import EngineOutOfMemoryError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engines.waypoint import WaypointModel, World, WorldState

Ticket = NewType("Ticket", int)  # a world's, wherever its row is

_NO_ROOM: Final = "The graphics card has no memory left for another world of this model."
_LOST: Final = "The graphics card ran out of memory, and this world was lost with it. It can be opened again."


class Rows:
    """One thread at a time may use it.

    A larger batch is made in the place of the smaller one, while the worlds wait in host memory: the card never holds
    both. Each world goes on to the bit.
    """

    def __init__(
        self, model: WaypointModel, make_batch: Callable[[WaypointModel, int], WorldBatch] = WorldBatch
    ) -> None:
        """`make_batch` may raise `torch.OutOfMemoryError`."""
        self._model = model
        self._make_batch = make_batch
        self._batch: WorldBatch | None = None
        self._size = 0
        self._worlds: dict[Ticket, World] = {}
        self._tickets = count(1)

    @property
    def size(self) -> int:
        """Rows, with and without a world."""
        return self._size

    def world(self, ticket: Ticket) -> World:
        """Raises:
        EngineOutOfMemoryError: the device had no memory even for the worlds that were there, and they are gone.
        """
        world = self._worlds.get(ticket)
        if world is None:
            raise EngineOutOfMemoryError(_LOST)
        return world

    def open(self, rng_seed: int) -> Ticket:
        """Raises:
        EngineOutOfMemoryError: the device has no memory for another world. Those that are open go on.
        """
        batch = self._batch
        if batch is None or len(self._worlds) == self._size:
            batch = self._grow()
        ticket = Ticket(next(self._tickets))
        self._worlds[ticket] = batch.open(rng_seed)
        return ticket

    def close(self, ticket: Ticket) -> None:
        """Idempotent. After the last world, the memory of a batch of several is given back."""
        world = self._worlds.pop(ticket, None)
        if world is not None:
            world.close()
        if not self._worlds and self._size > 1:
            self.clear()

    def clear(self) -> None:
        """Forget all worlds and the batch."""
        self._worlds.clear()
        self._batch, self._size = None, 0

    def _grow(self) -> WorldBatch:
        """To twice the rows, or else to one more."""
        states = {ticket: world.snapshot() for ticket, world in self._worlds.items()}
        before = self._size
        for rows in sorted({max(1, 2 * before), before + 1}, reverse=True):
            batch = self._remade(rows, states)
            if batch is not None:
                return batch
        self._remade(before, states)
        raise EngineOutOfMemoryError(_NO_ROOM)

    def _remade(self, rows: int, states: Mapping[Ticket, WorldState]) -> WorldBatch | None:
        """None: there was no memory for so many rows, and there is no batch for now."""
        self.clear()
        if not rows:
            return None
        try:
            batch = self._make_batch(self._model, rows)
            for ticket, state in states.items():
                self._worlds[ticket] = batch.open()
                self._worlds[ticket].restore(state)
        except torch.OutOfMemoryError:
            self.clear()
            return None
        self._batch, self._size = batch, rows
        return batch
