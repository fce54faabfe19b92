"""What clients may do that reach the server over a network and show no token."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field

from runtime_config.applies import LIVE
from runtime_config.setting import Setting
from runtime_config.setting_types import MEBIBYTES, MIB, split_each_at_commas


class AnonymousAction(StrEnum):
    """What only the owner may do, unless the owner allows it to everybody."""

    UPLOADS = "uploads"
    RECORDINGS = "recordings"
    WORLDS = "worlds"
    DELETIONS = "deletions"


@dataclass(frozen=True, slots=True)
class AnonymousConfig:
    """Bounds for each address; an IPv6 address counts with all of its /64, which is what one household has.

    `window_s` is how long after the first upload an address begins anew. `max_addresses` bounds the table of those.
    """

    may: Annotated[
        tuple[AnonymousAction, ...],
        BeforeValidator(split_each_at_commas),
        Setting(
            "anonymous_may",
            "what clients from other machines may do without the token beside playing, separated by commas: uploads,"
            " recordings, worlds, deletions",
            metavar="ACTIONS",
            applies=LIVE,
        ),
    ] = ()
    max_sessions: Annotated[
        int,
        Field(ge=1, le=1024),
        Setting(
            "anonymous_sessions", "sessions that one address may have open at a time without the token", applies=LIVE
        ),
    ] = 4
    upload_bytes: Annotated[
        int,
        Field(ge=1, le=1 << 20),
        MEBIBYTES,
        Setting(
            "anonymous_upload_mib",
            "what one address may upload in a day without the token, in MiB",
            unit=MIB,
            applies=LIVE,
        ),
    ] = 256 * MIB
    max_pictures: Annotated[
        int,
        Field(ge=1, le=10_000),
        Setting(
            "anonymous_pictures",
            "pictures that one address may have kept or generated in a day without the token",
            applies=LIVE,
        ),
    ] = 20
    window_s: float = 24 * 3600.0
    max_addresses: int = 4096
