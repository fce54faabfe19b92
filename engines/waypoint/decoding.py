"""Latents to frames in host memory, beside whatever else the device does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from engines.waypoint.errors import DivergedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from engines.waypoint.autoencoder import Autoencoder
    from engines.waypoint.inputs import Frames


@dataclass(frozen=True, slots=True)
class Decoded:
    frames: Tensor  # [B, n, height, width, 3], on the CPU once `done` has passed
    are_finite: Tensor  # [B]
    done: torch.cuda.Event | None

    def wait(self) -> list[Frames | DivergedError]:
        """The frames of each world, or why there is nothing to show of it."""
        if self.done is not None:
            self.done.synchronize()
        pairs = zip(self.frames.numpy(), self.are_finite.numpy(), strict=True)
        return [frames if is_finite else _diverged() for frames, is_finite in pairs]


class Decoding:
    """The decoder with what it remembers of each row. Whoever starts a decode waits for it before anything else."""

    def __init__(self, autoencoder: Autoencoder, rows: int, device: torch.device) -> None:
        self._autoencoder = autoencoder
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        self.memory = autoencoder.decoder_memory(rows)

    def start(self, rows: Sequence[int], fresh: Sequence[int], latents: Tensor) -> Decoded:
        """latents: [B, C, rows, columns], of the worlds in `rows`; `fresh` are those whose memory is at its start."""
        if self._stream is None:
            frames, finite = self._decode(rows, fresh, latents)
            return Decoded(frames, finite, None)
        self._stream.wait_stream(torch.cuda.current_stream(latents.device))
        latents.record_stream(self._stream)
        with torch.cuda.stream(self._stream):
            frames, finite = self._decode(rows, fresh, latents)
            decoded = Decoded(_to_pinned(frames), _to_pinned(finite), torch.cuda.Event())
            if decoded.done is not None:
                decoded.done.record()
        return decoded

    def _decode(self, rows: Sequence[int], fresh: Sequence[int], latents: Tensor) -> tuple[Tensor, Tensor]:
        settling = [place for place, row in enumerate(rows) if row in fresh]
        for _ in range(self._autoencoder.settling_decodes if settling else 0):
            self._advance([rows[place] for place in settling], latents[settling])
        pictures = self._advance(rows, latents)  # [B, n, 3, height, width]
        levels = (pictures.float() * 255.0).round().to(torch.uint8)
        return levels.permute(0, 1, 3, 4, 2).contiguous(), latents.isfinite().flatten(1).all(1)

    def _advance(self, rows: Sequence[int], latents: Tensor) -> Tensor:
        at = torch.tensor(rows, device=latents.device)
        pictures, now = self._autoencoder.decode(latents, [memory[at] for memory in self.memory])
        for memory, new in zip(self.memory, now, strict=True):
            memory[at] = new
        return pictures


def _diverged() -> DivergedError:
    return DivergedError("The model left the range of its numbers. Start the world over, or go back.")


def _to_pinned(tensor: Tensor) -> Tensor:
    copy = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    return copy.copy_(tensor, non_blocking=True)
