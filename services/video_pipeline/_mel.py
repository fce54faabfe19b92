"""Sound as the model's audio encoder takes it: the logarithm of a mel spectrogram."""

from __future__ import annotations

from typing import Any, Final

import torch

_WINDOW: Final = 1024  # samples
_QUIETEST: Final = 1e-5
# The mel scale of Slaney's Auditory Toolbox: linear up to 1 kHz, logarithmic above.
_LINEAR_HZ: Final = 200 / 3
_BREAK_HZ: Final = 1000.0
_BREAK_MEL: Final = _BREAK_HZ / _LINEAR_HZ
_LOG_STEP: Final = 0.06875177742094912  # ln(6.4) / 27


def log_mel(samples: torch.Tensor, *, rate: int, hop: int, bins: int) -> torch.Tensor:
    """(channels, samples) to (1, channels, time, bins). The magnitudes, not their squares, are weighed."""
    window = torch.hann_window(_WINDOW, device=samples.device)
    padded = torch.nn.functional.pad(samples, (0, max(0, _WINDOW - samples.shape[-1])))
    spectrum: Any = torch.stft(
        padded, _WINDOW, hop, window=window, center=True, pad_mode="reflect", return_complex=True
    )
    weighed = _filters(rate, bins).to(samples.device) @ spectrum.abs()
    return weighed.clamp(min=_QUIETEST).log().transpose(1, 2)[None]


def _filters(rate: int, bins: int) -> torch.Tensor:
    """Triangles of equal area, (bins, frequencies)."""
    frequencies = torch.linspace(0, rate / 2, _WINDOW // 2 + 1)
    corners = _to_hz(torch.linspace(0, float(_to_mel(torch.tensor(rate / 2))), bins + 2))
    rising = (frequencies[None] - corners[:-2, None]) / (corners[1:-1] - corners[:-2])[:, None]
    falling = (corners[2:, None] - frequencies[None]) / (corners[2:] - corners[1:-1])[:, None]
    return torch.minimum(rising, falling).clamp(min=0) * (2 / (corners[2:] - corners[:-2]))[:, None]


def _to_mel(hz: torch.Tensor) -> torch.Tensor:
    logarithmic = _BREAK_MEL + torch.log(hz.clamp(min=_BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return torch.where(hz < _BREAK_HZ, hz / _LINEAR_HZ, logarithmic)


def _to_hz(mel: torch.Tensor) -> torch.Tensor:
    logarithmic = _BREAK_HZ * torch.exp(_LOG_STEP * (mel.clamp(min=_BREAK_MEL) - _BREAK_MEL))
    return torch.where(mel < _BREAK_MEL, mel * _LINEAR_HZ, logarithmic)
