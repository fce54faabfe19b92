"""To whom belongs what people have made: recordings, saved worlds, pictures, films and their sources."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

OwnerId: TypeAlias = str
OWNER_ROLE: Final[OwnerId] = ""  # whoever has the role of the owner


class ThingKind(StrEnum):
    RECORDING = "recording"  # by its name
    WORLD = "world"
    SEED = "seed"  # by the hash of its file; generated scenes as well
    FILM = "film"  # by the id of the job that made it
    SOURCE = "source"  # of films, by the hash of its file


@dataclass(frozen=True, slots=True)
class Thing:
    kind: ThingKind
    id: str


class OwnershipStoreError(RuntimeError):
    """The database failed. `str()` is a sentence. Nothing has changed."""


class OwnershipStore(Protocol):
    """A thing without owners here is the owner role's; one with several, such as a picture that two people sent, is
    each one's. Every method blocks, may be called from any thread, and raises `OwnershipStoreError`."""

    def owners(self, thing: Thing) -> frozenset[OwnerId]: ...

    def of_kind(self, kind: ThingKind) -> Mapping[str, frozenset[OwnerId]]:
        """Of all things that have owners, by id."""
        ...

    def of_owner(self, kind: ThingKind, owner: OwnerId) -> frozenset[str]:
        """The ids of one owner's things."""
        ...

    def add(self, thing: Thing, owners: Collection[OwnerId]) -> None:
        """Those who own it already are no mistake."""
        ...

    def remove(self, thing: Thing, owners: Collection[OwnerId]) -> None: ...

    def forget(self, kind: ThingKind, ids: Collection[str]) -> None:
        """These things are gone."""
        ...

    def rename(self, kind: ThingKind, old: str, new: str) -> None:
        """A thing has another id. What was known of that id is forgotten."""
        ...

    def forget_owner(self, owner: OwnerId) -> None:
        """What was theirs alone is the owner role's."""
        ...


class OwnershipStores(Protocol):
    """How the store is reached. Opening it costs time and memory, so a server without accounts never does."""

    def open(self) -> OwnershipStore:
        """Blocks. Raises: OwnershipStoreError."""
        ...
