"""What the doctor finds: one check for each thing that the server needs, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Good:
    """It works, or nothing here needs it."""

    found: str


@dataclass(frozen=True, slots=True)
class Warned:
    """The server works as it is set up; something that it could do is missing, or will soon be."""

    found: str
    mend: str


@dataclass(frozen=True, slots=True)
class Bad:
    """Something that this server is set up for, or that this machine has, will not run."""

    found: str
    mend: str


# `found` and `mend` are sentences for the person who runs the server: what is so, and what to do about it.
Finding: TypeAlias = Good | Warned | Bad


@dataclass(frozen=True, slots=True)
class Check:
    """`id` is stable, for scripts. `title` is what a person calls the thing."""

    id: str
    title: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class Report:
    checks: tuple[Check, ...]

    @property
    def is_good(self) -> bool:
        """Nothing is bad; there may be warnings."""
        return not any(isinstance(check.finding, Bad) for check in self.checks)


def parted(message: str) -> tuple[str, str]:
    """What is wrong, and what to do about it, of sentences that say it in this order: the last one is what to do."""
    found, _, mend = message.rstrip().removesuffix(".").rpartition(". ")
    return (f"{found}.", f"{mend}.") if found else (message, "Mend that, and ask again.")
