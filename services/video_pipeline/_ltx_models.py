"""The parts of an LTX-2 pipeline in memory, once for all ways of making, and what is done with single parts."""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import torch
from diffusers.pipelines.ltx2.latent_upsampler import LTX2LatentUpsamplerModel
from diffusers.pipelines.ltx2.pipeline_ltx2 import LTX2Pipeline
from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2ConditionPipeline
from diffusers.pipelines.ltx2.pipeline_ltx2_ic_lora import LTX2InContextPipeline
from diffusers.pipelines.ltx2.pipeline_ltx2_latent_upsample import LTX2LatentUpsamplePipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler

from services.local_models.quantising import for_diffusers
from services.video_pipeline._mel import log_mel

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from runtime_config.authoring_config import Quantisation

_CACHED_PROMPTS: Final = 64


class LtxModels:
    """`pipeline` has all parts; the other pipelines are built of the same ones, so that no weight is there twice."""

    def __init__(self, folder: str, placement: str, quant: Quantisation) -> None:
        on_cpu = placement == "cpu"
        # diffusers leaves these untyped
        pipeline: Any = LTX2Pipeline.from_pretrained(  # pyright: ignore[reportUnknownMemberType]
            folder,
            dtype=torch.float32 if on_cpu and quant == "none" else torch.bfloat16,
            local_files_only=True,
            use_safetensors=True,
            device_map="cuda" if placement == "resident" else "cpu",  # without a stay in RAM on the way
            quantization_config=for_diffusers(quant, own=["transformer"], of_transformers=["text_encoder"]),
        )
        scheduler: Any = FlowMatchEulerDiscreteScheduler
        # The distilled model has its noise levels from a list: whatever shifts them is switched off.
        pipeline.register_modules(
            scheduler=scheduler.from_config(
                pipeline.scheduler.config, use_dynamic_shifting=False, shift=1.0, shift_terminal=None
            )
        )
        pipeline.vae.enable_tiling()
        if placement == "offloaded":
            pipeline.enable_model_cpu_offload()
        self._upscalers: dict[Path, Any] = {}
        self._placement = placement
        self._prompts: OrderedDict[str, tuple[torch.Tensor, torch.Tensor]] = OrderedDict()
        self.pipeline = pipeline
        for each in (pipeline, self.condition, self.in_context):
            each.set_progress_bar_config(disable=True)

    @cached_property
    def condition(self) -> Any:
        return LTX2ConditionPipeline(**self._parts())

    @cached_property
    def in_context(self) -> Any:
        return LTX2InContextPipeline(**self._parts())

    def upscaler(self, folder: Path) -> Any:
        """The pipeline that doubles the size, of the part in `folder`, which is loaded once."""
        if folder not in self._upscalers:
            upsampler: Any = LTX2LatentUpsamplerModel
            loaded = upsampler.from_pretrained(
                folder, dtype=self.pipeline.vae.dtype, local_files_only=True, use_safetensors=True
            ).to("cpu" if self._placement == "cpu" else "cuda")
            self._upscalers[folder] = LTX2LatentUpsamplePipeline(vae=self.pipeline.vae, latent_upsampler=loaded)
        return self._upscalers[folder]

    @property
    def device(self) -> Any:
        return self.pipeline._execution_device

    @property
    def sound_rate(self) -> int:
        """Samples a second of the sound that comes out."""
        return int(self.pipeline.vocoder.config.output_sampling_rate)

    def encode_prompt(self, prompt: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Embeddings and their mask. The last ones are kept: this process has one model in one revision."""
        known = self._prompts.pop(prompt, None)
        if known is None:
            embeds, mask, _, _ = self.pipeline.encode_prompt(
                prompt=prompt, do_classifier_free_guidance=False, device=self.device
            )
            known = (embeds.to("cpu"), mask.to("cpu"))
        self._prompts[prompt] = known
        while len(self._prompts) > _CACHED_PROMPTS:
            self._prompts.popitem(last=False)
        return known[0].to(self.device), known[1].to(self.device)

    def encode_frames(self, frames: npt.NDArray[np.uint8]) -> torch.Tensor:
        """(frames, height, width, 3) to denormalised latents (1, channels, latent frames, height / 32, width / 32)."""
        vae = self.pipeline.vae
        pixels = torch.from_numpy(frames).to(self.device, vae.dtype).permute(3, 0, 1, 2)[None] / 127.5 - 1.0  # pyright: ignore[reportUnknownMemberType] - torch leaves it untyped
        with torch.no_grad():
            latents: torch.Tensor = vae.encode(pixels).latent_dist.mode()
        return latents.float()

    def decode_frames(self, latents: torch.Tensor) -> torch.Tensor:
        """Denormalised latents to RGB bytes on the CPU, (frames, height, width, 3)."""
        vae = self.pipeline.vae
        level = torch.zeros(1, device=self.device, dtype=vae.dtype) if vae.config.timestep_conditioning else None
        with torch.no_grad():
            pixels = vae.decode(latents.to(self.device, vae.dtype), level, return_dict=False)[0][0]
            return pixels.permute(1, 2, 3, 0).add(1).mul(127.5).round().clamp(0, 255).to("cpu", torch.uint8)

    def packed(self, latents: torch.Tensor) -> torch.Tensor:
        """Denormalised latents as the transformer sees them, (1, tokens, channels)."""
        vae, pipeline = self.pipeline.vae, self.pipeline
        normal = pipeline._normalize_latents(latents, vae.latents_mean, vae.latents_std, vae.config.scaling_factor)
        return pipeline._pack_latents(normal, 1, 1)

    def encode_sound(self, sound: npt.NDArray[np.float32], rate: int, length: int) -> torch.Tensor:
        """Stereo samples to `length` packed and normalised latents of sound, (1, length, channels)."""
        vae, pipeline = self.pipeline.audio_vae, self.pipeline
        mel = log_mel(torch.from_numpy(sound), rate=rate, hop=pipeline.audio_hop_length, bins=vae.config.mel_bins)  # pyright: ignore[reportUnknownMemberType] - torch leaves it untyped
        wanted = length * pipeline.audio_vae_temporal_compression_ratio
        mel = torch.nn.functional.pad(mel, (0, 0, 0, max(0, wanted - mel.shape[2])), value=float(mel.min()))
        with torch.no_grad():
            latents = vae.encode(mel[:, :, :wanted].to(self.device, vae.dtype)).latent_dist.mode().float()
        latents = torch.nn.functional.pad(latents, (0, 0, 0, max(0, length - latents.shape[2])))[:, :, :length]
        packed = pipeline._pack_audio_latents(latents)
        return pipeline._normalize_audio_latents(packed, vae.latents_mean, vae.latents_std)

    def decode_sound(self, latents: torch.Tensor) -> npt.NDArray[np.float32]:
        """Denormalised latents to stereo samples (2, count)."""
        with torch.no_grad():
            mel = self.pipeline.audio_vae.decode(latents.to(self.device, self.pipeline.audio_vae.dtype)).sample
            return self.pipeline.vocoder(mel)[0].float().cpu().numpy()

    def sound_length(self, frames: int, fps: float) -> int:
        """How many latents of sound belong to so many frames."""
        pipeline = self.pipeline
        hops = pipeline.audio_hop_length * pipeline.audio_vae_temporal_compression_ratio
        return round(frames / fps * pipeline.audio_sampling_rate / hops)

    def _parts(self) -> dict[str, Any]:
        return {name: part for name, part in self.pipeline.components.items() if part is not None}
