"""`config.yaml` of a published model: the sizes of its network, and how latents follow one another."""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import yaml

from engines.waypoint.errors import ModelFolderError
from engines.waypoint.files import file_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Count: TypeAlias = int  # positive
Real: TypeAlias = float  # positive and finite

_LARGEST_FILE: Final = 1 << 20  # bytes; the published ones have a few hundred
_LARGEST_COUNT: Final = 1 << 20
_WAYPOINT_1: Final = "waypoint-1"
_WAYPOINT_1_5: Final = "waypoint-1.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaypointConfig:
    """Fields have the names and defaults of `config.yaml`. What it says beyond them is of no use to a runtime."""

    model_type: str = _WAYPOINT_1
    channels: Count  # of a latent
    height: Count  # rows of tokens
    width: Count
    tokens_per_frame: Count
    patch: tuple[Count, Count] = (1, 1)  # rows and columns of a latent that one token stands for
    d_model: Count
    n_layers: Count
    n_heads: Count
    n_kv_heads: Count
    mlp_ratio: Count  # width of the MLPs, that of the controls as well, in units of d_model
    value_residual: bool = False
    gated_attn: bool = False
    moe: bool = False
    local_window: Count  # latents that a local layer sees, the current one among them
    global_window: Count  # how many latents back a global layer sees
    global_pinned_dilation: Count  # a global layer keeps one latent of so many
    global_attn_period: Count
    global_attn_offset: int
    ctrl_conditioning_period: Count  # every so many layers one hears the control
    n_buttons: Count
    prompt_conditioning: str | None = None
    prompt_conditioning_period: Count | None = None
    prompt_embedding_dim: Count | None = None
    rope_nyquist_frac: Real = 0.8
    rope_theta: Real = 1e4
    scheduler_sigmas: tuple[float, ...]  # noise levels from 1 to 0
    base_fps: Real
    inference_fps: Real
    temporal_compression: Count = 1  # frames in a latent
    taehv_ae: bool = False

    @property
    def is_waypoint_1(self) -> bool:
        """Whether this is a model of the first generation: other names of tensors, one frame a latent, prompts."""
        return self.model_type == _WAYPOINT_1

    @property
    def head_dim(self) -> int:
        return self.d_model // self.n_heads

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """Channels, rows, columns."""
        return self.channels, self.height * self.patch[0], self.width * self.patch[1]

    @property
    def kept_global(self) -> int:
        """How many latents a global layer keeps."""
        return self.global_window // self.global_pinned_dilation

    @property
    def ticks_per_latent(self) -> float:
        """How far one latent moves on in the time of the rotary embedding."""
        return self.base_fps / (self.inference_fps / self.temporal_compression)

    def is_global(self, layer: int) -> bool:
        return (layer - self.global_attn_offset) % self.global_attn_period == 0

    def hears_controls(self, layer: int) -> bool:
        return layer % self.ctrl_conditioning_period == 0

    def prompt_width(self, layer: int) -> int | None:
        """Width of the prompt that a layer hears; None: it hears none."""
        period = self.prompt_conditioning_period if self.prompt_conditioning else None
        return self.prompt_embedding_dim if period and layer % period == 0 else None


def read_config(folder: Path) -> WaypointConfig:
    """Raises:
    ModelFolderError: `config.yaml` is missing, or describes no model that this runtime knows.
    """
    path = file_in(folder, "config.yaml")
    if path.stat().st_size > _LARGEST_FILE:
        raise ModelFolderError("config.yaml is far too large for the description of a Waypoint model.")
    try:
        told: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise ModelFolderError("config.yaml is damaged: it is not YAML.") from error
    if not isinstance(told, dict):
        raise ModelFolderError("config.yaml does not describe a model: it has no fields.")
    return parse_config(cast("Mapping[str, Any]", told))


def parse_config(told: Mapping[str, Any]) -> WaypointConfig:
    """Raises:
    ModelFolderError: a field is missing or has a value that no model can have.
    """
    values = {name: value for name, value in told.items() if value is not None}
    for name, other in (("n_kv_heads", "n_heads"), ("inference_fps", "base_fps")):
        if other in values:
            values.setdefault(name, values[other])
    missing = [field.name for field in fields(WaypointConfig) if field.default is MISSING and field.name not in values]
    if missing:
        some = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        raise ModelFolderError(f"config.yaml is not that of a Waypoint model: it lacks {some}.")
    config = WaypointConfig(
        **{
            field.name: _read(field.name, str(field.type), values[field.name])
            for field in fields(WaypointConfig)
            if field.name in values
        }
    )
    broken = list(_contradictions(config))
    if broken:
        raise ModelFolderError(f"This runtime cannot load the model of config.yaml: {'; '.join(broken)}.")
    return config


def _read(name: str, kind: str, value: Any) -> Any:
    """`value` for a field that is annotated with `kind`.

    Raises:
        ModelFolderError: the field cannot have it.
    """
    number = value if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) else None
    match kind.removesuffix(" | None"):
        case "str" if isinstance(value, str):
            return value
        case "bool" if isinstance(value, bool):
            return value
        case "int" if number is not None and number == int(number):
            return int(number)
        case "Count" if number is not None and number == int(number) and 0 < number <= _LARGEST_COUNT:
            return int(number)
        case "float" if number is not None:
            return float(number)
        case "Real" if number is not None and number > 0:
            return float(number)
        case "tuple[Count, Count]" if isinstance(value, list) and len(cast("list[Any]", value)) == 2:
            return tuple(_read(name, "Count", one) for one in cast("list[Any]", value))
        case "tuple[float, ...]" if isinstance(value, list):
            return tuple(_read(name, "float", one) for one in cast("list[Any]", value))
        case _:
            raise ModelFolderError(f"config.yaml has {name}: {value!s:.40}, which no Waypoint model can have.")


def _contradictions(config: WaypointConfig) -> Iterator[str]:
    """What in a config does not fit together, or is unknown here."""
    sigmas, prompt = config.scheduler_sigmas, config.prompt_embedding_dim
    if config.model_type not in {_WAYPOINT_1, _WAYPOINT_1_5}:
        yield f"its model_type is {config.model_type[:40]}, and not {_WAYPOINT_1} or {_WAYPOINT_1_5}"
    if config.moe:
        yield "it is a mixture of experts"
    if config.tokens_per_frame != config.height * config.width:
        yield "tokens_per_frame is not height times width"
    if config.d_model % (16 * config.n_heads):
        yield "d_model is not n_heads times a multiple of 16"
    if config.n_heads % config.n_kv_heads:
        yield "n_heads is not a multiple of n_kv_heads"
    if len(sigmas) < 2 or sigmas[-1] != 0.0 or any(before <= after for before, after in pairwise(sigmas)):
        yield "scheduler_sigmas do not fall to 0"
    if config.global_window % config.global_pinned_dilation:
        yield "global_window is not a multiple of global_pinned_dilation"
    if config.prompt_conditioning not in {None, "cross_attention"}:
        yield f"its prompt_conditioning is {str(config.prompt_conditioning)[:40]}, and not cross_attention"
    if config.prompt_conditioning and None in {config.prompt_conditioning_period, prompt}:
        yield "prompt_conditioning lacks its period or prompt_embedding_dim"
    if config.prompt_conditioning and prompt and (config.head_dim == 0 or prompt % config.head_dim):
        yield "prompt_embedding_dim is not a multiple of a head's width"
