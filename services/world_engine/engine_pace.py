"""How fast an engine steps its worlds, as it was measured in play."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class EnginePace:
    """`pass_s` is the usual seconds of a pass, by how many worlds were stepped in it; empty before the first one.

    An engine that is not `is_batched` steps one world after the other.
    """

    pass_s: Mapping[int, float]
    is_batched: bool


@runtime_checkable
class PacedEngine(Protocol):
    """An engine whose worlds share a device, and that measures what they take of it."""

    @property
    def pace(self) -> EnginePace: ...
