"""What is remembered of visitors' addresses: who had to give a place away, and what came from there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

NetworkName: TypeAlias = str  # see `access_rules.network_of`


@dataclass(frozen=True, slots=True)
class NotDisplaced:
    """Nobody from there has had to give a place to a newcomer, or not lately."""


@dataclass(frozen=True, slots=True)
class Displaced:
    """Somebody from there had to give way, last at this time on the monotonic clock, in seconds."""

    at: float


DisplacementState: TypeAlias = NotDisplaced | Displaced


@dataclass(frozen=True, slots=True)
class NothingUploaded:
    """Nothing came from there without a token, or not lately."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What came from there without a token since that time on the monotonic clock, in seconds."""

    since: float
    bytes: int = 0
    pictures: int = 0


UploadState: TypeAlias = NothingUploaded | Uploaded
