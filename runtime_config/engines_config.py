"""Engines for large models: where their files lie, and how they run on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 -- read at run time, as all settings are
from typing import Annotated, Literal, TypeAlias

from runtime_config.applies import NEXT_SESSION
from runtime_config.setting import Setting

EngineDevice: TypeAlias = Literal["auto", "cuda", "cpu"]


@dataclass(frozen=True, slots=True)
class EnginesConfig:
    models_dir: Annotated[
        Path | None,
        Setting(
            "models_dir",
            "folder with models as OWNER/NAME, which are used where they lie; it is looked into before the cache of"
            " Hugging Face",
            applies=NEXT_SESSION,
        ),
    ] = None
    device: Annotated[
        EngineDevice,
        Setting(
            "engine_device",
            "where large models run; auto: on the graphics card, and without one only models that a processor plays at"
            " all",
            applies=NEXT_SESSION,
        ),
    ] = "auto"
    compile: Annotated[
        bool,
        Setting(
            "engine_compile",
            "compile large models for the graphics card: play is faster, and the very first start takes minutes",
            applies=NEXT_SESSION,
        ),
    ] = True
    exact: Annotated[
        bool,
        Setting(
            "engine_exact",
            "step the worlds of a graphics card one after the other, so that a replay is exact to the bit whoever"
            " played beside; several players get fewer frames",
            applies=NEXT_SESSION,
        ),
    ] = False
