"""Which model makes films on this machine, and where it lives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from runtime_config.applies import NEXT_JOB
from runtime_config.authoring_config import LocalImages, Quantisation
from runtime_config.setting import Setting


@dataclass(frozen=True, slots=True)
class FilmModelConfig:
    """Films are made by LTX-2. `off`: this server makes none."""

    place: Annotated[
        LocalImages,
        Setting(
            "local_films",
            "whether LTX-2 from the Hugging Face cache makes films on this machine, and where it lives; auto chooses by"
            " the memory that is free",
            applies=NEXT_JOB,
        ),
    ] = "auto"
    folder: Annotated[
        Path | None,
        Setting(
            "local_films_folder",
            "folder of that model",
            default="its place in the Hugging Face cache",
            applies=NEXT_JOB,
        ),
    ] = None
    quant: Annotated[
        Quantisation,
        Setting("local_films_quant", "int8 keeps that model's weights in about half the memory", applies=NEXT_JOB),
    ] = "none"

    @property
    def makes_films(self) -> bool:
        """Whether the model of the cache is used."""
        return self.place != "off" and self.folder is None
