"""What is remembered of attempts to sign in, and of links that were tried, so that nobody tries thousands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from state.visitor_states import NetworkName


@dataclass(frozen=True, slots=True)
class OnAccount:
    """Attempts at one name, from anywhere. `name_key` is the name as names are compared; it need not exist."""

    name_key: str


@dataclass(frozen=True, slots=True)
class FromNetwork:
    """Attempts from one address, at any name."""

    network: NetworkName


@dataclass(frozen=True, slots=True)
class OnLinks:
    """Links shown from one address by which nothing can be watched."""

    network: NetworkName


AttemptTarget: TypeAlias = OnAccount | FromNetwork | OnLinks


@dataclass(frozen=True, slots=True)
class NoAttempts:
    """None, or not lately."""


@dataclass(frozen=True, slots=True)
class Attempted:
    """So many that have failed or are not decided yet, the last at this time on the monotonic clock, in seconds."""

    count: int
    last_at: float


AttemptState: TypeAlias = NoAttempts | Attempted
