"""What is found on the port that the settings name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class OwnPort:
    """The server that asks listens there itself."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class PortFree:
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class PortServed:
    """A Terrarium listens there, and answers."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class PortTaken:
    """`reason` says why nothing can listen there, and what to do."""

    reason: str


PortState: TypeAlias = OwnPort | PortFree | PortServed | PortTaken
