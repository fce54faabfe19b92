"""The published Waypoint models: what they are called, what of them is read, and what they take."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from services.model_hub.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engines.waypoint import Quantisation

GIB: Final = 1 << 30
DEFAULT_PROMPT: Final = "An explorable world"
# What clients call a quantisation, and what the runtime calls it.
QUANTS: Final[Mapping[str, Quantisation]] = MappingProxyType({"none": "none", "intw8a8": "int8", "fp8w8a8": "fp8"})

# For the models that hear prompts. It is no part of a pull: it is larger than the model, which plays without it.
TEXT_ENCODER: Final = Repository(
    model_id="google/umt5-xl",
    files=("config.json", "*.safetensors", "tokenizer*"),
    size_bytes=7_600_000_000,
    licence="Apache-2.0",
)
# The autoencoder of Waypoint 1. Its sizes and its licence are not known to us; the size is a guess from its shape.
_OWL_VAE: Final = Repository(
    model_id="OpenWorldLabs/owl_vae_f16_c16_distill_v0_nogan",
    files=("encoder_conf.yml", "decoder_conf.yml", "encoder.safetensors", "decoder.safetensors"),
    size_bytes=400_000_000,
    licence="NOASSERTION",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedModel:
    """`vae` is None where the autoencoder lies in `vae/` of the model's own repository.

    `vram` is what one world takes with the weights in 16 bits: weights, history, work. Bytes.
    """

    title: str
    description: str
    model_type: str
    own: Repository
    vae: Repository | None
    frames_per_pass: int
    fps: int
    vram: int
    hears_prompts: bool = False

    @property
    def model_id(self) -> str:
        return self.own.model_id

    @property
    def repositories(self) -> tuple[Repository, ...]:
        return (self.own,) if self.vae is None else (self.own, self.vae)

    @property
    def size_bytes(self) -> int:
        return sum(repository.size_bytes for repository in self.repositories)


def _waypoint_1_5(name: str, size: str, *, vram: int) -> PublishedModel:
    return PublishedModel(
        title=f"Waypoint 1.5, {size}",
        description=(
            f"A large neural network dreams the way ahead of your picture, in {size} and sixty frames a second. It "
            f"needs a graphics card with {vram // GIB} GiB or more."
        ),
        model_type="waypoint-1.5",
        own=Repository(
            model_id=f"Overworld/{name}",
            files=("config.yaml", "model.safetensors", "vae/*.safetensors"),
            size_bytes=3_745_000_000,
            licence="Apache-2.0",
        ),
        vae=None,
        frames_per_pass=4,
        fps=60,
        vram=vram,
    )


WAYPOINT_1_5: Final = _waypoint_1_5("Waypoint-1.5-1B", "720p", vram=6 * GIB)
WAYPOINT_1_5_360P: Final = _waypoint_1_5("Waypoint-1.5-1B-360P", "360p", vram=4 * GIB)
WAYPOINT_1_SMALL: Final = PublishedModel(
    title="Waypoint 1 Small",
    description=(
        "The first generation of Waypoint: 360p, a network twice as large that makes one frame at a time. It needs "
        "a graphics card with 8 GiB or more, and a fast one for sixty frames a second."
    ),
    model_type="waypoint-1",
    own=Repository(
        model_id="Overworld/Waypoint-1-Small",
        files=("config.yaml", "model.safetensors"),
        size_bytes=6_260_000_000,
        licence="Apache-2.0",
    ),
    vae=_OWL_VAE,
    frames_per_pass=1,
    fps=60,
    vram=8 * GIB,
    hears_prompts=True,
)
