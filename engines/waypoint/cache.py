"""The history that a batch of worlds attends to: static rings of keys and values, and which of them each world sees.

A local layer sees the last W latents, the current one among them. Latent f lies in slot f mod W, which is that of a
latent just out of sight, so the current one needs no place of its own. A global layer keeps one latent of every d, n in
all. The current one lies in slot 0 if it is not kept, otherwise in the ring of slots 1 to n behind it. So what a world
sees in a layer is always one run of slots, and attention needs no mask:

    local                           slots 0 to min(f + 1, W)
    global, f mod d != 0            slots 0 to 1 + kept
    global, f mod d == 0            slots 1 to 1 + kept

Attention does not ask for an order of keys. Every pass writes the current latent over what the pass before it wrote;
what the last one writes, that of the clean latent, stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from engines.waypoint.config import WaypointConfig


@dataclass(frozen=True, slots=True)
class Span:
    """Worlds that lie side by side and see the same slots: one call of attention, on views.

    `first` to `last` are their places in the step, `row` is the row of the first.
    """

    first: int
    last: int
    row: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What is visible in one step, the same for all passes of it. Steps of one plan have the same shapes."""

    local: tuple[Span, ...]
    distant: tuple[Span, ...]  # of global layers
    last_layer: int  # the last in which something stays
    recurs: bool  # whether every ring is full, so that the same worlds will come to this plan again and again


@dataclass(frozen=True, slots=True)
class Slots:
    """Where the worlds of a step write, as tensors on the device: a captured graph reads them anew at each replay."""

    rows: Tensor  # [B]
    local: Tensor  # [B]
    distant: Tensor  # [B]


class HistoryCache:
    """Keys and values of `rows` worlds. T: tokens of a latent, K: heads of keys, d: width of a head."""

    def __init__(self, config: WaypointConfig, rows: int, dtype: torch.dtype, device: torch.device) -> None:
        kinds = [config.is_global(layer) for layer in range(config.n_layers)]
        self._config = config
        self._place = [kinds[:layer].count(kinds[layer]) for layer in range(config.n_layers)]  # among its kind
        slot = (config.tokens_per_frame, config.n_kv_heads, config.head_dim)  # T, K, d
        locals_, globals_ = kinds.count(False), kinds.count(True)
        # [rows, layers, keys and values, slots, T, K, d]: all that a world has lies together, for snapshots.
        self.local = torch.zeros(rows, locals_, 2, config.local_window, *slot, dtype=dtype, device=device)
        self.distant = torch.zeros(rows, globals_, 2, 1 + config.kept_global, *slot, dtype=dtype, device=device)

    @property
    def nbytes(self) -> int:
        return self.local.nbytes + self.distant.nbytes

    # One step

    def plan(self, rows: Sequence[int], frames: Sequence[int]) -> Plan:
        """`rows` ascend; `frames` are the numbers of the latents that their worlds are about to make."""
        keeps = any(self._is_kept(frame) for frame in frames)
        storing = [layer for layer in range(self._config.n_layers) if keeps or not self._config.is_global(layer)]
        return Plan(
            local=_spans(rows, [(0, min(frame + 1, self._config.local_window)) for frame in frames]),
            distant=_spans(rows, [self._visible_distant(frame) for frame in frames]),
            last_layer=storing[-1] if storing else 0,
            recurs=min(frames) >= max(self._config.local_window, self._config.global_window),
        )

    def slots(self, rows: Sequence[int], frames: Sequence[int]) -> Slots:
        """On the CPU."""
        local = [frame % self._config.local_window for frame in frames]
        distant = [self._ring_slot(frame) if self._is_kept(frame) else 0 for frame in frames]
        return Slots(torch.tensor(rows), torch.tensor(local), torch.tensor(distant))

    def write(self, layer: int, slots: Slots, keys: Tensor, values: Tensor) -> None:
        """keys, values: [B, T, K, d]."""
        cache, slot = (self.distant, slots.distant) if self._config.is_global(layer) else (self.local, slots.local)
        kind = cache[:, self._place[layer]]  # [rows, 2, slots, T, K, d]
        kind[:, 0].index_put_((slots.rows, slot), keys)
        kind[:, 1].index_put_((slots.rows, slot), values)

    def attend(self, layer: int, plan: Plan, queries: Tensor) -> Tensor:
        """queries: [B, T, H, d] -> the same."""
        is_global = self._config.is_global(layer)
        cache, spans = (self.distant, plan.distant) if is_global else (self.local, plan.local)
        parts = [
            attend(queries[span.first : span.last], *self._visible(cache, self._place[layer], span)) for span in spans
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _visible(self, cache: Tensor, place: int, span: Span) -> tuple[Tensor, Tensor]:
        """[n, keys, K, d] each, as views."""
        rows = slice(span.row, span.row + span.last - span.first)
        keys, values = cache[rows, place, :, span.start : span.stop].flatten(2, 3).unbind(1)
        return keys, values

    # Between steps

    def snapshot(self, row: int, frame: int) -> tuple[Tensor, Tensor]:
        """What a world has written before latent `frame`, as views."""
        return (
            self.local[row, :, :, : min(frame, self._config.local_window)],
            self.distant[row, :, :, 1 : 1 + self._kept_before(frame)],
        )

    # Numbers of latents

    def _is_kept(self, frame: int) -> bool:
        return frame % self._config.global_pinned_dilation == 0

    def _ring_slot(self, frame: int) -> int:
        return 1 + frame // self._config.global_pinned_dilation % self._config.kept_global

    def _kept_before(self, frame: int) -> int:
        """How many latents before this one global layers hold."""
        return min(-(-frame // self._config.global_pinned_dilation), self._config.kept_global)

    def _visible_distant(self, frame: int) -> tuple[int, int]:
        return int(self._is_kept(frame)), 1 + self._kept_before(frame + 1)


def attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """queries: [B, T, H, d]; keys, values: [B, n, K, d], each head of which serves H / K neighbouring queries' heads.

    No key is hidden from any query, so that the queries which share a head can stand one below the other.
    """
    worlds, tokens, heads, width = queries.shape
    shared = keys.shape[2]
    grouped = queries.reshape(worlds, tokens, shared, heads // shared, width).permute(0, 2, 3, 1, 4)
    below = grouped.reshape(worlds, shared, heads // shared * tokens, width)  # [B, K, H / K * T, d]
    found = functional.scaled_dot_product_attention(below, keys.transpose(1, 2), values.transpose(1, 2))
    return found.reshape(grouped.shape).permute(0, 3, 1, 2, 4).reshape(queries.shape)


def _spans(rows: Sequence[int], visible: Sequence[tuple[int, int]]) -> tuple[Span, ...]:
    """Neighbouring rows with the same slots, put together."""
    spans: list[Span] = []
    for place, (row, (start, stop)) in enumerate(zip(rows, visible, strict=True)):
        last = spans[-1] if spans else None
        if last and (last.start, last.stop) == (start, stop) and row == last.row + last.last - last.first:
            spans[-1] = Span(last.first, place + 1, last.row, start, stop)
        else:
            spans.append(Span(place, place + 1, row, start, stop))
    return tuple(spans)
