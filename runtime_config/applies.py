"""When a setting that is changed while the server runs takes effect. Every setting has one of these marks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias


@dataclass(frozen=True, slots=True)
class Live:
    """At once: whatever is decided after the change is decided by it."""


@dataclass(frozen=True, slots=True)
class NextSession:
    """Sessions that begin after the change have it; those in play go on as they began."""


@dataclass(frozen=True, slots=True)
class NextJob:
    """Jobs and scenes that begin after the change have it; what is being done ends as it began."""


@dataclass(frozen=True, slots=True)
class Restart:
    """The next start has it. `reason` tells the owner why the server cannot change it while it runs."""

    reason: str


Applies: TypeAlias = Live | NextSession | NextJob | Restart

LIVE: Final = Live()
NEXT_SESSION: Final = NextSession()
NEXT_JOB: Final = NextJob()
