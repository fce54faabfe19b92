"""Steps of a full-size LTX-2 transformer with random weights: seconds and memory, our calls against bare ones."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import torch
from diffusers.models.transformers.transformer_ltx2 import LTX2VideoTransformer3DModel

from services.video_pipeline._kept_latents import Kept, keeping
from services.video_pipeline._watch import Watch

if TYPE_CHECKING:
    from services.torch_worker.torch_worker import Plain

_SIZES: Final = (("540p", 960, 544), ("720p", 1280, 704), ("1080p", 1920, 1088))
_TOY_SIZES: Final = (("toy", 128, 64),)
_FRAMES: Final = 121
_LAYERS: Final = 48  # of the published model
_WORDS: Final = 1024
_STEPS: Final = 3
_RESERVE: Final = 12 << 30  # for what a step takes beside the weights


class _NoJob:
    def report(self, progress: Plain) -> None:
        """Nobody asks."""

    def check(self) -> None:
        """Nobody cancels."""


def measure_card(*, is_toy: bool) -> None:
    device = "cpu" if is_toy else "cuda"
    if not is_toy and not torch.cuda.is_available():
        print("torch finds no graphics card. Try --toy.")
        return
    name = "the processor, a toy" if is_toy else torch.cuda.get_device_name()
    model = _model(device, is_toy=is_toy)
    layers, whole = len(model.transformer_blocks), 2 if is_toy else _LAYERS
    print(f"{name}, torch {torch.__version__}: {layers} of {whole} layers, {_FRAMES} frames")
    print("| film | weights | bare step, s | our step, s | ratio | peak memory, GiB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for placement in ("resident", "offloaded"):
        if placement == "offloaded":
            _offload(model, device, is_toy=is_toy)
        for title, width, height in _TOY_SIZES if is_toy else _SIZES:
            _row(model, title, placement, device, width, height)


def _model(device: str, *, is_toy: bool) -> Any:
    """With as many layers as fit beside a step."""
    if is_toy:
        from tests.services.video_pipeline.tiny_ltx import tiny_transformer

        return tiny_transformer().eval()
    free, _ = torch.cuda.mem_get_info()
    per_layer = 2 * 22_000_000_000 // _LAYERS
    layers = max(1, min(_LAYERS, (free - _RESERVE) // per_layer))
    with torch.device(device):
        model: Any = LTX2VideoTransformer3DModel(num_layers=int(layers))
    return model.to(torch.bfloat16).eval()


def _offload(model: Any, device: str, *, is_toy: bool) -> None:
    if is_toy:
        return  # there is nowhere to go
    model.to("cpu")
    torch.cuda.empty_cache()
    model.enable_group_offload(
        onload_device=torch.device(device),
        offload_device=torch.device("cpu"),
        offload_type="block_level",
        num_blocks_per_group=1,
        use_stream=True,
    )


def _row(model: Any, title: str, placement: str, device: str, width: int, height: int) -> None:
    inputs = _inputs(model, device, width, height)
    tokens = inputs["hidden_states"].shape[1]
    mask = torch.zeros(1, tokens, 1, dtype=torch.bool, device=device)
    mask[:, : tokens // 4] = True
    kept = Kept(torch.zeros_like(inputs["hidden_states"]), mask)
    watch = Watch(_NoJob())
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    try:
        bare = _seconds(model, inputs, device)
        with watch.inside(*model.transformer_blocks), keeping(model, lambda _: torch.tensor(0.5), kept, None):
            ours = _seconds(model, inputs, device)
    except torch.OutOfMemoryError:
        print(f"| {title} | {placement} | does not fit | | | |", flush=True)
        return
    peak = f"{torch.cuda.max_memory_allocated() / (1 << 30):.1f}" if device == "cuda" else "-"
    print(f"| {title} | {placement} | {bare:.3f} | {ours:.3f} | {ours / bare:.3f} | {peak} |", flush=True)


def _inputs(model: Any, device: str, width: int, height: int) -> dict[str, Any]:
    config, kind = model.config, next(model.parameters()).dtype
    grid = ((_FRAMES - 1) // 8 + 1, height // 32, width // 32)
    sounds = round(_FRAMES / 24 * 25)

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, device=device, dtype=kind)

    level = torch.full((1,), 500.0, device=device)
    return {
        "hidden_states": noise(1, grid[0] * grid[1] * grid[2], config.in_channels),
        "audio_hidden_states": noise(1, sounds, config.audio_in_channels),
        "encoder_hidden_states": noise(1, _WORDS, config.caption_channels),
        "audio_encoder_hidden_states": noise(1, _WORDS, config.caption_channels),
        "timestep": level,
        "sigma": level,
        "num_frames": grid[0],
        "height": grid[1],
        "width": grid[2],
        "fps": 24.0,
        "audio_num_frames": sounds,
        "return_dict": False,
    }


def _seconds(model: Any, inputs: dict[str, Any], device: str) -> float:
    """Of one step, the median of some; the first warms up."""
    times: list[float] = []
    with torch.no_grad():
        for _ in range(_STEPS + 1):
            if device == "cuda":
                torch.cuda.synchronize()
            begun = time.perf_counter()
            model(**inputs)
            if device == "cuda":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - begun)
    return sorted(times[1:])[_STEPS // 2]
