"""What is kept comes out as it went in, and is shown to the transformer without noise."""

from __future__ import annotations

import importlib.util
import math
from typing import Any

import pytest

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed"),
    pytest.mark.xdist_group("torch"),
    pytest.mark.trial,  # for the import of torch
]
SIGMAS = (1.0, 0.7, 0.4, 0.0)


def test_kept_tokens_arrive_where_they_were() -> None:
    import torch

    from services.video_pipeline._kept_latents import Kept, keeping

    seen: list[dict[str, Any]] = []

    class Guessing(torch.nn.Module):
        def forward(self, **given: Any) -> tuple[torch.Tensor, torch.Tensor]:
            seen.append(given)
            return torch.ones_like(given["hidden_states"]), torch.ones_like(given["audio_hidden_states"])

    noise = torch.Generator().manual_seed(3)
    clean = torch.randn(1, 6, 4, generator=noise)
    mask = torch.tensor([True, True, False, False, True, False])[None, :, None]
    video, audio = torch.randn(1, 6, 4, generator=noise), torch.randn(1, 5, 2, generator=noise)
    model, sigmas = Guessing(), torch.tensor(SIGMAS)
    with keeping(model, lambda step: sigmas[step], Kept(clean, mask), None):
        for step in range(len(SIGMAS) - 1):
            level = (sigmas[step] * 1000)[None]
            told = {"hidden_states": video, "audio_hidden_states": audio, "timestep": level, "sigma": level}
            video_velocity, audio_velocity = model(**told)
            video = video + (sigmas[step + 1] - sigmas[step]) * video_velocity
            audio = audio + (sigmas[step + 1] - sigmas[step]) * audio_velocity
    kept = mask[0, :, 0]
    assert torch.allclose(video[0, kept], clean[0, kept], atol=1e-5)
    assert not torch.allclose(video[0, ~kept], clean[0, ~kept], atol=1e-1)
    for given in seen:
        assert torch.equal(given["hidden_states"][0, kept], clean[0, kept])
        assert given["timestep"][0, kept].eq(0).all()
        assert given["timestep"][0, ~kept].gt(0).all()
        assert given["audio_timestep"].shape == (1, 5)
    model(hidden_states=clean, audio_hidden_states=audio)
    assert "audio_timestep" not in seen[-1], "nothing is left behind"


def test_a_tone_is_where_it_belongs_in_the_mel_spectrogram() -> None:
    import torch

    from services.video_pipeline._mel import log_mel

    time = torch.arange(16_000) / 16_000
    tone = torch.sin(2 * math.pi * 440 * time)
    mel = log_mel(torch.stack([tone, torch.zeros_like(tone)]), rate=16_000, hop=160, bins=64)
    assert mel.shape == (1, 2, 101, 64)
    # Slaney's scale is linear at the bottom: 8 kHz are 45.2 mel, so 440 Hz (6.6 mel) are in the ninth of 64 bins.
    assert int(mel[0, 0, 50].argmax()) == 8
    assert float(mel[0, 1].max()) == pytest.approx(math.log(1e-5))
