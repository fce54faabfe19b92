"""Which servers share a database, and who plays on each: every server keeps its own row, and reads all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

RunId: TypeAlias = str  # of one run of a server, from its start to its end
Json: TypeAlias = "Mapping[str, Any]"


class PeerStoreError(RuntimeError):
    """The database failed. `str()` is a sentence. Nothing has changed."""


@dataclass(frozen=True, slots=True)
class PeerSession:
    """`owner` is the id of the person who plays, None where nobody has signed in; `summary` what people are told."""

    owner: str | None
    summary: Json


@dataclass(frozen=True, slots=True)
class PlaceAsked:
    """Somebody who wants to play. `session` is what their session will be called, and `number` is higher for whoever
    came later. `server` is the run of the server where they have a place; None: they wait in line."""

    session: str
    number: int
    model: str | None
    server: RunId | None


@dataclass(frozen=True, slots=True)
class PeerRow:
    """`name` is what people call the server. `beat` rises as long as it lives.

    `max_sessions` is 0 where no more places are given. `address` is where clients reach it directly, such as
    ws://10.0.0.5:41001; None: nobody is sent to it. `key` (hex)
    signs what only that server may have promised. `models` are the ids of those in memory, and `line` who came to play
    and was received by this server. `given` counts the places that were ever given on it (`PeerStore.give_place`).
    """

    run: RunId
    name: str
    beat: int
    max_sessions: int
    sessions: tuple[PeerSession, ...] = ()
    address: str | None = None
    key: str = ""
    models: tuple[str, ...] = ()
    line: tuple[PlaceAsked, ...] = ()
    given: int = 0


class PeerStore(Protocol):
    """Every method blocks, may be called from any thread, and raises `PeerStoreError`."""

    def keep(self, row: PeerRow) -> None:
        """Write the row of a run, or replace it."""
        ...

    def give_place(self, server: RunId, given: int, by: PeerRow) -> bool:
        """Give a place on `server`, of whose row `given` is known, to somebody in line of `by`, whose row says so.

        Both happen, or nothing does. False: another place was given there meanwhile, or the server gives none any more.

        Raises:
            PeerStoreError: the database cannot be used.
        """
        ...

    def rows(self) -> Sequence[PeerRow]:
        """Of all servers, by name and run."""
        ...

    def remove(self, runs: Collection[RunId]) -> None:
        """These have ended. Those that are not there are no mistake."""
        ...


class PeerStores(Protocol):
    """How the store is reached."""

    def open(self) -> PeerStore:
        """Blocks. Raises: PeerStoreError."""
        ...
