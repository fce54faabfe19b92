"""How much room films and the sources of films may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from runtime_config.applies import LIVE
from runtime_config.setting import Setting
from runtime_config.setting_types import MEBIBYTES, MIB


@dataclass(frozen=True, slots=True)
class FilmsConfig:
    """Sizes in bytes. `source_kept_s` is how long a source stays that no film uses any more."""

    quota_bytes: Annotated[
        int,
        Field(ge=1, le=1 << 30),
        MEBIBYTES,
        Setting(
            "films_quota_mib",
            "space that all films may take, in MiB; then no more are begun, and nothing is deleted for it",
            unit=MIB,
            applies=LIVE,
        ),
    ] = 20 * 1024 * MIB
    kept_days: Annotated[
        int,
        Field(ge=0, le=36_500),
        Setting(
            "films_kept_days", "days after which a film is deleted; 0 keeps each until somebody does", applies=LIVE
        ),
    ] = 0
    source_bytes: Annotated[
        int,
        Field(ge=1, le=65_536),
        MEBIBYTES,
        Setting(
            "max_film_source_mib",
            "largest video or sound that is taken as the source of a film, in MiB",
            unit=MIB,
            applies=LIVE,
        ),
    ] = 512 * MIB
    sources_bytes: int = 10 * 1024 * MIB  # all of them
    source_kept_s: float = 7 * 24 * 3600.0
    least_free_bytes: int = 512 * MIB  # of the disk, which the rest of the server needs as well
