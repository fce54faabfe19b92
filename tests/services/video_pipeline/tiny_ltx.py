"""An LTX-2 pipeline with random weights: the real classes and the real folder layout, in three megabytes.

`python -m tests.services.video_pipeline.tiny_ltx FOLDER` writes one, with its upscaler.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_ltx2 import AutoencoderKLLTX2Video
from diffusers.models.autoencoders.autoencoder_kl_ltx2_audio import AutoencoderKLLTX2Audio
from diffusers.models.transformers.transformer_ltx2 import LTX2VideoTransformer3DModel
from diffusers.pipelines.ltx2.connectors import LTX2TextConnectors
from diffusers.pipelines.ltx2.latent_upsampler import LTX2LatentUpsamplerModel
from diffusers.pipelines.ltx2.pipeline_ltx2 import LTX2Pipeline
from diffusers.pipelines.ltx2.vocoder import LTX2Vocoder
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from transformers import Gemma3Config, Gemma3ForConditionalGeneration, GemmaTokenizer

_SPECIAL = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>")


def build(folder: Path) -> None:
    torch.manual_seed(0)  # pyright: ignore[reportUnknownMemberType] - torch leaves it untyped
    tokenizer, words = _tokenizer()
    pipeline: Any = LTX2Pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(
            use_dynamic_shifting=True,
            base_shift=0.95,
            max_shift=2.05,
            base_image_seq_len=1024,
            max_image_seq_len=4096,
            shift_terminal=0.1,
        ),
        vae=_vae(),
        audio_vae=AutoencoderKLLTX2Audio(
            base_channels=16, ch_mult=(1, 1, 1), num_res_blocks=1, resolution=32, latent_channels=1, mel_bins=64
        ),
        text_encoder=_text_encoder(words),
        tokenizer=tokenizer,
        connectors=_connectors(),
        transformer=tiny_transformer(),
        vocoder=LTX2Vocoder(
            in_channels=128,
            hidden_channels=32,
            upsample_kernel_sizes=[16, 15, 8, 4, 4],
            upsample_factors=[6, 5, 2, 2, 2],
            resnet_kernel_sizes=[3],
            resnet_dilations=[[1, 3, 5]],
        ),
    )
    pipeline.save_pretrained(folder)
    upsampler: Any = LTX2LatentUpsamplerModel(in_channels=8, mid_channels=32, num_blocks_per_stage=1)
    upsampler.save_pretrained(folder / "latent_upsampler")


def _tokenizer() -> tuple[Any, int]:
    special = (*_SPECIAL, "<start_of_image>", "<end_of_image>", "<image_soft_token>")
    bytes_of_text = tuple(f"<0x{byte:02X}>" for byte in range(256))  # any prompt can be read
    vocabulary = {token: index for index, token in enumerate((*special, *bytes_of_text, "\u2581"))}
    return GemmaTokenizer(vocab=vocabulary, merges=[], model_max_length=1024), len(vocabulary)


def _text_encoder(words: int) -> Any:
    text = {
        "vocab_size": words,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 8,
        "max_position_embeddings": 2048,
        "sliding_window": 64,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "bos_token_id": 2,
    }
    vision = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 14,
    }
    config: Any = Gemma3Config(
        text_config=text,
        vision_config=vision,
        mm_tokens_per_image=4,
        boi_token_index=7,
        eoi_token_index=8,
        image_token_index=9,
    )
    return Gemma3ForConditionalGeneration(config).eval()


def tiny_transformer() -> Any:
    return LTX2VideoTransformer3DModel(
        in_channels=8,
        out_channels=8,
        num_attention_heads=2,
        attention_head_dim=16,
        cross_attention_dim=32,
        audio_in_channels=16,
        audio_out_channels=16,
        audio_num_attention_heads=2,
        audio_attention_head_dim=8,
        audio_cross_attention_dim=16,
        num_layers=2,
        caption_channels=16,
        rope_type="split",
        rope_double_precision=False,
    )


def _connectors() -> Any:
    return LTX2TextConnectors(
        caption_channels=16,
        text_proj_in_factor=3,  # layers of the text encoder + 1
        video_connector_num_attention_heads=2,
        video_connector_attention_head_dim=8,
        video_connector_num_layers=1,
        video_connector_num_learnable_registers=None,
        audio_connector_num_attention_heads=2,
        audio_connector_attention_head_dim=8,
        audio_connector_num_layers=1,
        audio_connector_num_learnable_registers=None,
        connector_rope_base_seq_len=32,
        rope_double_precision=False,
        rope_type="split",
    )


def _vae() -> Any:
    return AutoencoderKLLTX2Video(
        latent_channels=8,
        block_out_channels=(8, 16, 32, 64),
        decoder_block_out_channels=(8, 16, 32),
        layers_per_block=(1,) * 5,
        decoder_layers_per_block=(1,) * 4,
        spatial_compression_ratio=32,
        temporal_compression_ratio=8,
    )


if __name__ == "__main__":
    build(Path(sys.argv[1]))
