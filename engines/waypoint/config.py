"""`config.yaml` of a published model: the sizes of its network, and how latents follow one another."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self, TypeAlias, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from engines.waypoint.errors import ModelFolderError
from engines.waypoint.files import file_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LARGEST_FILE: Final = 1 << 20  # bytes; the published ones have a few hundred

_Count: TypeAlias = Annotated[int, Field(gt=0, le=1 << 20)]
_Positive: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class WaypointConfig(BaseModel):
    """Fields have the names and defaults of `config.yaml`. What it says beyond them is of no use to a runtime."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())

    model_type: Literal["waypoint-1", "waypoint-1.5"] = "waypoint-1"
    channels: _Count  # of a latent
    height: _Count  # rows of tokens
    width: _Count
    tokens_per_frame: _Count
    patch: tuple[_Count, _Count] = (1, 1)  # rows and columns of a latent that one token stands for
    d_model: _Count
    n_layers: _Count
    n_heads: _Count
    n_kv_heads: _Count
    mlp_ratio: _Count  # width of the MLPs, that of the controls as well, in units of d_model
    value_residual: bool = False
    gated_attn: bool = False
    moe: Literal[False] = False
    local_window: _Count  # latents that a local layer sees, the current one among them
    global_window: _Count  # how many latents back a global layer sees
    global_pinned_dilation: _Count  # a global layer keeps one latent of so many
    global_attn_period: _Count
    global_attn_offset: int
    ctrl_conditioning_period: _Count  # every so many layers one hears the control
    n_buttons: _Count
    prompt_conditioning: Literal["cross_attention"] | None = None
    prompt_conditioning_period: _Count | None = None
    prompt_embedding_dim: _Count | None = None
    rope_nyquist_frac: _Positive = 0.8
    rope_theta: _Positive = 1e4
    scheduler_sigmas: tuple[float, ...]  # noise levels from 1 to 0
    base_fps: _Positive
    inference_fps: _Positive
    temporal_compression: _Count = 1  # frames in a latent
    taehv_ae: bool = False

    @property
    def is_waypoint_1(self) -> bool:
        """Whether this is a model of the first generation: other names of tensors, one frame a latent, prompts."""
        return self.model_type == "waypoint-1"

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

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, told: Any) -> Any:
        """What has the value of another field where it is absent."""
        if not isinstance(told, dict):
            return told
        values = {name: value for name, value in cast("dict[str, Any]", told).items() if value is not None}
        alike = {"n_kv_heads": "n_heads", "inference_fps": "base_fps"}
        return {name: values[other] for name, other in alike.items() if other in values} | values

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        sigmas, heads = self.scheduler_sigmas, self.n_heads
        rules = {
            "tokens_per_frame is not height times width": self.tokens_per_frame == self.height * self.width,
            "d_model is not n_heads times a multiple of 16": self.d_model % (16 * heads) == 0,
            "n_heads is not a multiple of n_kv_heads": heads % self.n_kv_heads == 0,
            "scheduler_sigmas do not fall to 0": len(sigmas) > 1
            and sigmas[-1] == 0.0
            and all(before > after for before, after in pairwise(sigmas)),
            "global_window is not a multiple of global_pinned_dilation": self.kept_global > 0
            and self.global_window % self.global_pinned_dilation == 0,
            "prompt_conditioning lacks its period or prompt_embedding_dim": not self.prompt_conditioning
            or None not in {self.prompt_conditioning_period, self.prompt_embedding_dim},
            "prompt_embedding_dim is not a multiple of a head's width": not self.prompt_embedding_dim
            or (self.head_dim > 0 and self.prompt_embedding_dim % self.head_dim == 0),
        }
        for broken in (rule for rule, holds in rules.items() if not holds):
            raise ValueError(broken)
        return self


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
    try:
        return WaypointConfig.model_validate(told)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        missing = [str(fault["loc"][0]) for fault in faults if fault["type"] == "missing"]
        if missing:
            raise ModelFolderError(
                f"config.yaml is not that of a Waypoint model: it lacks {_some(missing)}."
            ) from error
        reasons = [": ".join([*map(str, fault["loc"][:1]), fault["msg"]]) for fault in faults]
        raise ModelFolderError(f"This runtime cannot load the model of config.yaml. {'; '.join(reasons)}.") from error


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
