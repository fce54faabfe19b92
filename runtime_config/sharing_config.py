"""How many may watch what others play."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from runtime_config.applies import LIVE
from runtime_config.setting import Setting


@dataclass(frozen=True, slots=True)
class SharingConfig:
    """All who watch share one encoding, so that each costs the sending of it alone."""

    max_watchers: Annotated[
        int,
        Field(ge=0, le=1024),
        Setting(
            "max_watchers",
            "people who may watch one session by its link; 0 switches sharing off",
            applies=LIVE,
        ),
    ] = 64
    max_watchers_in_all: Annotated[
        int,
        Field(ge=0, le=4096),
        Setting("max_watchers_in_all", "people who may watch sessions of this server at a time", applies=LIVE),
    ] = 256
