"""Tensors between a device and memory of the host that is not pinned, at the speed of the bus.

The driver alone would copy such memory through a small buffer of its own, one piece after the other. Here two pinned
buffers take turns: while one crosses the bus, the other is read or filled by the processor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    Pairs: TypeAlias = Sequence[tuple[Tensor, Tensor]]

_PIECE: Final = 32 << 20  # bytes


def copy_all(pairs: Pairs) -> None:
    """Copy each first tensor to the second, of the same shape and type. One of each pair is on the CPU. Blocks."""
    on_cards = [(source, place) for source, place in pairs if source.is_cuda or place.is_cuda]
    for source, place in pairs:
        if not (source.is_cuda or place.is_cuda):
            place.copy_(source)
    for device in {(source if source.is_cuda else place).device for source, place in on_cards}:
        _copy_over_bus([pair for pair in on_cards if device in (pair[0].device, pair[1].device)], device)


def _copy_over_bus(pairs: Pairs, device: torch.device) -> None:
    """On a stream of its own, behind all that this thread has asked of the device before."""
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    buffers = [torch.empty(_PIECE, dtype=torch.uint8, pin_memory=True) for _ in range(2)]
    crossed = [torch.cuda.Event() for _ in buffers]
    waiting: list[Tensor | None] = [None, None]  # the places on the host of what is in each buffer
    turn = 0

    def empty(at: int) -> None:
        crossed[at].synchronize()
        place = waiting[at]
        if place is not None:
            place.copy_(buffers[at][: place.numel()])
            waiting[at] = None

    with torch.cuda.stream(stream):
        for source, place in _pieces(pairs):
            empty(turn)
            buffer = buffers[turn][: source.numel()]
            if source.is_cuda:
                buffer.copy_(source, non_blocking=True)
                waiting[turn] = place
            else:
                buffer.copy_(source)
                place.copy_(buffer, non_blocking=True)
            crossed[turn].record(stream)
            turn = 1 - turn
        for at in (turn, 1 - turn):
            empty(at)
    torch.cuda.current_stream(device).wait_stream(stream)


def _pieces(pairs: Pairs) -> list[tuple[Tensor, Tensor]]:
    """Runs of bytes that fit into a buffer. Tensors that do not lie in one run are taken apart at their first side."""
    found: list[tuple[Tensor, Tensor]] = []
    for source, place in pairs:
        if not source.numel():
            continue
        if source.is_contiguous() and place.is_contiguous():
            from_, to = _bytes(source), _bytes(place)
            begins = range(0, from_.numel(), _PIECE)
            found += [(from_[begin : begin + _PIECE], to[begin : begin + _PIECE]) for begin in begins]
        else:
            found += _pieces(list(zip(source.unbind(0), place.unbind(0), strict=True)))
    return found


def _bytes(tensor: Tensor) -> Tensor:
    return tensor.reshape(-1).view(torch.uint8)
