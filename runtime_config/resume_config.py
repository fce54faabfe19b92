"""How long, and in how much memory, worlds wait for players whose connection broke."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from runtime_config.applies import LIVE
from runtime_config.setting import Setting
from runtime_config.setting_types import MEBIBYTES, MIB


@dataclass(frozen=True, slots=True)
class ResumeConfig:
    """Times in seconds, sizes in bytes."""

    keep_s: Annotated[
        float,
        Field(ge=0, le=3600),
        Setting(
            "resume_s",
            "seconds for which a world waits for a player whose connection broke; 0 closes it at once",
            applies=LIVE,
        ),
    ] = 60.0
    max_bytes: Annotated[
        int | None,
        Field(ge=1, le=65536),
        MEBIBYTES,
        Setting(
            "resume_mib",
            "memory of all worlds that wait for their players, in MiB; when it is full, the oldest are dropped",
            default="a sixteenth of this machine's memory",
            unit=MIB,
            applies=LIVE,
        ),
    ] = None
