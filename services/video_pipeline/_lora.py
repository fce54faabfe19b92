"""LoRA files: looked at by their header before they are loaded, and in the model for one film."""

from __future__ import annotations

import json
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

from services.video_pipeline._refusal import FilmRefusedError
from services.video_pipeline.video_pipeline import VideoFault

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from services.video_pipeline.film_order import LoraUse

_LONGEST_HEADER: Final = 64 << 20
_PREFIXES: Final = ("transformer.", "diffusion_model.", "model.diffusion_model.", "base_model.model.")
_DOWN: Final = (".lora_A.weight", ".lora_down.weight", ".lora.down.weight")
_UP: Final = (".lora_B.weight", ".lora_up.weight", ".lora.up.weight")


@contextmanager
def loras_loaded(pipeline: Any, uses: Sequence[LoraUse]) -> Generator[None]:
    """Within the block the transformer has them at their strengths.

    Raises:
        FilmRefusedError: one is no safetensors file, is damaged, or was made for another model.
    """
    if not uses:
        yield
        return
    for use in uses:
        _check_shapes(read_header(use.path), pipeline.transformer)
    names = [f"lora_{index}" for index in range(len(uses))]
    try:
        for name, use in zip(names, uses, strict=True):
            _load(pipeline, use.path, name)
        pipeline.set_adapters(names, [use.strength for use in uses])
        yield
    finally:
        pipeline.unload_lora_weights()


def read_header(file: Path) -> dict[str, Any]:
    """What a safetensors file says of its tensors, without reading one.

    Raises:
        FilmRefusedError: it is another kind of file, or damaged.
    """
    if file.suffix.lower() != ".safetensors":
        raise _refused("A LoRA has to be a .safetensors file. Other formats may run what a file tells them to.")
    try:
        with file.open("rb") as opened:
            (size,) = struct.unpack("<Q", opened.read(8))
            if not 2 <= size <= _LONGEST_HEADER:
                raise _refused("The LoRA is no safetensors file, or it is damaged.")
            header: Any = json.loads(opened.read(size))
            ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
            is_whole = file.stat().st_size == 8 + size + max(ends, default=0)
    except OSError as error:
        raise _refused("The LoRA is not there any more.") from error
    except (struct.error, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise _refused("The LoRA is no safetensors file, or it is damaged.") from error
    if not is_whole:
        raise _refused("The LoRA is damaged: it ends too early.")
    return cast("dict[str, Any]", header)


def reference_downscale(file: Path) -> int:
    """How many times smaller than the film an in-context LoRA wants its control video."""
    told: Any = read_header(file).get("__metadata__")
    text = str(cast("dict[str, Any]", told).get("reference_downscale_factor", "1")) if isinstance(told, dict) else "1"
    return int(text) if text in {"1", "2", "4"} else 1


def _check_shapes(header: dict[str, Any], transformer: Any) -> None:
    layers = {
        name: tuple(module.weight.shape)
        for name, module in transformer.named_modules()
        if getattr(module, "weight", None) is not None and module.weight.ndim == 2
    }
    found = 0
    for key, tensor in header.items():
        layer, side = _layer_of(key)
        if layer is None or layer not in layers or side is None:
            continue
        found += 1
        if tensor["shape"][side] != layers[layer][side]:
            raise _refused("The LoRA was made for another model: its layers have other sizes than this one's.")
    if not found:
        raise _refused("The LoRA was made for another model: it changes no layer that this one has.")


def _layer_of(key: str) -> tuple[str | None, int | None]:
    """The layer that a tensor changes, and the dimension of the tensor that has to fit it."""
    for suffixes, side in ((_DOWN, 1), (_UP, 0)):
        for suffix in suffixes:
            if key.endswith(suffix):
                layer = key.removesuffix(suffix)
                for prefix in _PREFIXES:
                    layer = layer.removeprefix(prefix)
                return layer, side
    return None, None


def _load(pipeline: Any, file: Path, name: str) -> None:
    try:
        pipeline.load_lora_weights(str(file.parent), weight_name=file.name, adapter_name=name, use_safetensors=True)
    except (ValueError, KeyError, RuntimeError, OSError) as error:
        if "out of memory" in str(error).lower():
            raise
        raise _refused("The LoRA cannot be loaded into this model.") from error


def _refused(message: str) -> FilmRefusedError:
    return FilmRefusedError(VideoFault.LORA_REFUSED, message)
