"""Whose things are: who sees what, what a new thing is noted as, and when one that several own is gone."""

from __future__ import annotations

from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from access_rules import Anonymous, Owner, Person, is_foreign, owner_of, sees_all
from error_types import DomainError
from handlers.service_errors import service_errors_translated
from services.feedback_store.feedback_store import FeedbackKind, Subject
from services.ownership_store.ownership_store import OWNER_ROLE, OwnerId, Thing, ThingKind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from access_rules import Visitor
    from handlers.feedback.book import FeedbackBook
    from services.ownership_store.ownership_store import OwnershipStore, OwnershipStores
    from services.task_runner.task_runner import TaskRunner

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

Kept = TypeVar("Kept")

_OWNER_ROLE_ALONE: Final = frozenset({OWNER_ROLE})
_SUBJECTS: Final[Mapping[ThingKind, FeedbackKind]] = MappingProxyType(
    {ThingKind.RECORDING: FeedbackKind.RECORDING, ThingKind.SEED: FeedbackKind.SCENE}
)


def owner_id(visitor: Visitor) -> OwnerId:
    """To whom belongs what a visitor makes, as it is kept."""
    return owner_of(visitor) or OWNER_ROLE


class Belongings:
    """On a server without accounts everything is everybody's, and nothing is read or written.

    Methods block, unless they say otherwise, and raise DomainError where the database fails. What was said of a thing
    goes with it, with and without accounts.
    """

    def __init__(
        self,
        stores: OwnershipStores,
        feedback: FeedbackBook,
        task_runner: TaskRunner,
        *,
        with_accounts: bool,
        names: Callable[[], Mapping[OwnerId, str]],
    ) -> None:
        """`names` are those of all people, read from the database."""
        self._stores = stores
        self._feedback = feedback
        self._task_runner = task_runner
        self._with_accounts = with_accounts
        self._names = names
        self._changing = Lock()  # from the look at a thing's owners to the change of the thing itself
        self._opening = Lock()
        self._store: OwnershipStore | None = None
        self._unwritten: dict[Thing, OwnerId] = {}  # of things that began a moment ago

    # ---------------------------------------------------------------------------------------------------- looking

    def sees(self, visitor: Visitor, thing: Thing) -> bool:
        """Whether the thing exists for the visitor, if it exists at all."""
        if self._is_open_to(visitor):
            return True
        with service_errors_translated():
            owners = self._owners(thing)
        return any(not is_foreign(visitor, owner or None) for owner in owners)

    def sight(self, visitor: Visitor, kind: ThingKind) -> Callable[[str], bool]:
        """Tells by the id of any thing of a kind whether it exists for the visitor. It is read now, in one go."""
        if self._is_open_to(visitor):
            return lambda _: True
        with service_errors_translated():
            match visitor:
                case Person(user_id):
                    own = self._opened().of_owner(kind, user_id) | self._unwritten_of(kind, user_id)
                    return own.__contains__
                case Owner() | Anonymous():
                    others = self._owned_by_people(kind)
                    return lambda thing_id: thing_id not in others

    def names_of_owners(self, visitor: Visitor, kind: ThingKind) -> Mapping[str, str]:
        """For who sees what is others': the names of the people to whom things belong, by the things' ids."""
        if not self._with_accounts or not sees_all(visitor):
            return {}
        with service_errors_translated():
            owned = {thing_id: set(owners) for thing_id, owners in self._opened().of_kind(kind).items()}
        for thing, owner in dict(self._unwritten).items():
            if thing.kind is kind:
                owned.setdefault(thing.id, set()).add(owner)
        if not owned:
            return {}
        names = self._names()
        return {thing_id: ", ".join(sorted(_named(owners, names))) for thing_id, owners in owned.items()}

    def names_of(self, visitor: Visitor, owners: Iterable[OwnerId]) -> Mapping[OwnerId, str]:
        """For who sees what is others': the names of these people."""
        wanted = set(owners) - {OWNER_ROLE}
        if not wanted or not self._with_accounts or not sees_all(visitor):
            return {}
        names = self._names()
        return {owner: names[owner] for owner in wanted if owner in names}

    # ------------------------------------------------------------------------------------------- coming and going

    def adopt(self, owner: OwnerId, thing: Thing, keep: Callable[[], Kept], *, is_there: Callable[[], bool]) -> Kept:
        """Keep a thing whose id is known before, and which may be there already: then it is both owners'.

        Raises:
            Exception: what `keep` raises. Nothing is noted then.
        """
        if not self._with_accounts:
            return keep()
        with self._changing, service_errors_translated():
            store = self._opened()
            noted = store.owners(thing)
            if noted and not is_there():  # of one that is gone
                store.forget(thing.kind, [thing.id])
                noted = frozenset[OwnerId]()
            before = noted or (_OWNER_ROLE_ALONE if is_there() else frozenset[OwnerId]())
            after = before | {owner}
            added = frozenset[OwnerId]() if after == _OWNER_ROLE_ALONE else after - noted
            store.add(thing, added)
            try:
                return keep()
            except BaseException:  # whatever happened, nobody has anything new
                store.remove(thing, added)
                raise

    def adopt_new(
        self,
        owner: OwnerId,
        keep: Callable[[], Kept],
        *,
        thing_of: Callable[[Kept], Thing],
        undo: Callable[[Kept], object],
    ) -> Kept:
        """Keep a thing that gets its id by being kept. What cannot be noted as its owner's is not kept.

        Raises:
            Exception: what `keep` raises.
        """
        kept = keep()
        if self._with_accounts and owner != OWNER_ROLE:
            try:
                with service_errors_translated():
                    self._opened().add(thing_of(kept), {owner})
            except DomainError:
                undo(kept)
                raise
        return kept

    def adopt_soon(self, owner: OwnerId, thing: Thing) -> None:
        """Note whose a thing is that begins now. Does not block; what cannot be written holds until the server ends."""
        if not self._with_accounts or owner == OWNER_ROLE:
            return
        self._unwritten[thing] = owner
        self._task_runner.submit("note an owner", self._write)

    def give_up(self, visitor: Visitor, thing: Thing, remove: Callable[[], None]) -> None:
        """Have `remove` remove a thing that the visitor sees; one that others own as well stays theirs.

        Who does not own it, but sees all things, removes it for everybody.

        Raises:
            Exception: what `remove` raises. The thing and its owners are as before then.
        """
        if not self._with_accounts:
            remove()
        elif self._share_given_up(visitor, thing, remove):
            return
        self._forget_feedback(thing)

    def rename(
        self, thing: Thing, rename: Callable[[], Kept], *, id_of: Callable[[Kept], str], undo: Callable[[Kept], object]
    ) -> Kept:
        """Have `rename` give a thing another id. What cannot be noted as its owner's is named back by `undo`.

        Raises:
            Exception: what `rename` raises.
        """
        with self._changing:
            renamed = rename()
            new = id_of(renamed)
            if self._with_accounts:
                try:
                    with service_errors_translated():
                        self._opened().rename(thing.kind, thing.id, new)
                except DomainError:
                    undo(renamed)
                    raise
        if new != thing.id and thing.kind in _SUBJECTS:
            self._feedback.rename(Subject(_SUBJECTS[thing.kind], thing.id), new)
        return renamed

    # ------------------------------------------------------------------------------------- the start, and people

    def settle(self, kind: ThingKind, ids: Callable[[], Collection[str]]) -> None:
        """Forget the owners of things that are gone, as somebody has removed their files. `ids` are those there are.

        Where there are none at all, nothing is forgotten: the folder may just not be there yet.
        """
        if not self._with_accounts:
            return
        with service_errors_translated():
            known = self._opened().of_kind(kind)  # before the ids: what begins in between is in neither
            gone = known.keys() - set(there) if known and (there := ids()) else frozenset[str]()
            if gone:
                self._opened().forget(kind, gone)
                logger.info("Things are gone, and so is to whom they belonged", kind=kind.value, count=len(gone))

    def forget_person(self, owner: OwnerId) -> None:
        """What was theirs alone is the owner role's from now on."""
        for thing in [thing for thing, its_owner in dict(self._unwritten).items() if its_owner == owner]:
            self._unwritten.pop(thing, None)
        with service_errors_translated():
            self._opened().forget_owner(owner)

    # ------------------------------------------------------------------------------------------------------ parts

    def _is_open_to(self, visitor: Visitor) -> bool:
        return not self._with_accounts or sees_all(visitor)

    def _opened(self) -> OwnershipStore:
        with self._opening:
            if self._store is None:
                self._store = self._stores.open()
            return self._store

    def _owners(self, thing: Thing) -> frozenset[OwnerId]:
        beginning = self._unwritten.get(thing)
        if beginning is not None:
            return frozenset({beginning})
        return self._opened().owners(thing) or _OWNER_ROLE_ALONE

    def _unwritten_of(self, kind: ThingKind, owner: OwnerId) -> frozenset[str]:
        entries = dict(self._unwritten).items()
        return frozenset(thing.id for thing, its_owner in entries if thing.kind is kind and its_owner == owner)

    def _owned_by_people(self, kind: ThingKind) -> frozenset[str]:
        beginning = {thing.id for thing in dict(self._unwritten) if thing.kind is kind}
        owned = self._opened().of_kind(kind).items()
        return frozenset(thing_id for thing_id, owners in owned if OWNER_ROLE not in owners) | beginning

    def _write(self) -> None:
        for thing, owner in list(self._unwritten.items()):
            try:
                with service_errors_translated():
                    self._opened().add(thing, {owner})
            except DomainError as error:
                logger.warning("Whose a thing is cannot be kept yet", thing=thing.id, reason=error.message)
                return
            self._unwritten.pop(thing, None)

    def _share_given_up(self, visitor: Visitor, thing: Thing, remove: Callable[[], None]) -> bool:
        """Whether others own it, so that it stays."""
        with self._changing:
            with service_errors_translated():
                owners = self._owners(thing)
                own = owners & _shares(visitor)
                if own and own != owners:
                    self._opened().remove(thing, own)
                    return True
            remove()
            self._unwritten.pop(thing, None)
            self._forget_owners(thing)
            return False

    def _forget_owners(self, thing: Thing) -> None:
        """The thing is gone already; what is left of its owners is forgotten by the next start."""
        try:
            with service_errors_translated():
                self._opened().forget(thing.kind, [thing.id])
        except DomainError as error:
            logger.warning("Whose a removed thing was cannot be forgotten yet", thing=thing.id, reason=error.message)

    def _forget_feedback(self, thing: Thing) -> None:
        if thing.kind in _SUBJECTS:
            self._feedback.forget(Subject(_SUBJECTS[thing.kind], thing.id))


def _shares(visitor: Visitor) -> frozenset[OwnerId]:
    """As whom a visitor owns things."""
    return frozenset({owner_id(visitor), OWNER_ROLE}) if sees_all(visitor) else frozenset({owner_id(visitor)})


def _named(owners: Iterable[OwnerId], names: Mapping[OwnerId, str]) -> Iterable[str]:
    return (names[owner] for owner in owners if owner in names)
