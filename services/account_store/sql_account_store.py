"""People in the database."""

from __future__ import annotations

from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, exists, insert, literal, or_, select, update
from sqlalchemy.exc import IntegrityError

from services.account_store import _rows as rows
from services.account_store.account import Role
from services.account_store.account_store import (
    Account,
    AccountFault,
    AccountStoreError,
    BySession,
    ByToken,
    KnownUser,
)
from services.account_store.refusals import last_owner, name_taken, owner_exists, unknown
from services.database.database_error import DatabaseError, DatabaseFault
from services.database.schema import API_TOKENS, INVITATIONS, SESSIONS, USERS
from services.database.translated_database import TranslatedDatabase

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Table

    from services.account_store.account import (
        ApiToken,
        Invitation,
        InvitationId,
        SessionKey,
        TokenId,
        User,
        UserId,
        UserSession,
    )
    from services.account_store.account_store import NewUser
    from services.database.sql_database import SqlDatabase

_FAULTS: Final[Mapping[DatabaseFault, AccountFault]] = MappingProxyType(
    {
        DatabaseFault.BUSY: AccountFault.UNAVAILABLE,
        DatabaseFault.FULL: AccountFault.FULL,
        DatabaseFault.NEWER: AccountFault.UNAVAILABLE,
        DatabaseFault.NOT_UPGRADED: AccountFault.UNAVAILABLE,
        DatabaseFault.UNREACHABLE: AccountFault.UNAVAILABLE,
    }
)


class SqlAccountStore:
    """An `AccountStore`."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = TranslatedDatabase(database, _told)

    # ------------------------------------------------------------------------------------------------------- users

    def has_owner(self) -> bool:
        with self._database.reading() as connection:
            return connection.execute(select(exists().where(_OWNS))).scalar_one()

    def add_first_owner(self, new: NewUser, at: float) -> User:
        row = rows.row_of_new_user(new, Role.OWNER, at)
        alone = select(*(literal(value).label(name) for name, value in row.items())).where(~exists().where(_OWNS))
        with self._database.writing() as connection, _names_told():
            adding = insert(USERS).from_select(list(row), alone).returning(USERS.c.id)
            if connection.execute(adding).one_or_none() is None:
                raise owner_exists()
            return _user(connection, new.id)

    def add_user(self, new: NewUser, at: float, *, invitation: str) -> User:
        with self._database.writing() as connection, _names_told():
            role = _invited_role(connection, invitation, at)
            if role is None:
                raise unknown("invitation")
            connection.execute(delete(INVITATIONS).where(INVITATIONS.c.digest == invitation))
            connection.execute(insert(USERS).values(rows.row_of_new_user(new, role, at)))
            return _user(connection, new.id)

    def find_invited_role(self, digest: str, at: float) -> Role | None:
        with self._database.reading() as connection:
            return _invited_role(connection, digest, at)

    def find_account(self, name_key: str) -> Account | None:
        return self._account(USERS.c.name_key == name_key)

    def account_of(self, user_id: UserId) -> Account | None:
        return self._account(USERS.c.id == user_id)

    def users(self) -> Sequence[KnownUser]:
        with self._database.reading() as connection:
            found = connection.execute(select(USERS).order_by(USERS.c.name_key)).mappings()
            return [KnownUser(rows.user_of(row), row["last_seen_at"]) for row in found]

    def set_password(
        self, user_id: UserId, password_hash: str, *, was: str | None = None, keep: SessionKey | None = None
    ) -> None:
        with self._database.writing() as connection:
            _check_password(connection, user_id, was)
            connection.execute(update(USERS).where(USERS.c.id == user_id).values(password_hash=password_hash))
            _end_credentials(connection, user_id, keep)

    def rehash(self, user_id: UserId, *, was: str, password_hash: str) -> None:
        same = (USERS.c.id == user_id) & (USERS.c.password_hash == was)
        with self._database.writing() as connection:
            connection.execute(update(USERS).where(same).values(password_hash=password_hash))

    def change_user(self, user_id: UserId, *, role: Role | None = None, disabled: bool | None = None) -> KnownUser:
        with self._database.writing() as connection:
            before = _user(connection, user_id)
            role = before.role if role is None else role
            disabled = before.disabled if disabled is None else disabled
            owns = role is Role.OWNER and not disabled
            if not owns:
                _check_other_owner(connection, before)
                connection.execute(delete(INVITATIONS).where(INVITATIONS.c.invited_by == user_id))
            if disabled:
                _end_credentials(connection, user_id)
            changes = {"role": role.value, "disabled": disabled}
            connection.execute(update(USERS).where(USERS.c.id == user_id).values(changes))
            row = connection.execute(select(USERS).where(USERS.c.id == user_id)).mappings().one()
            return KnownUser(rows.user_of(row), row["last_seen_at"])

    def remove_user(self, user_id: UserId) -> None:
        with self._database.writing() as connection:
            _check_other_owner(connection, _user(connection, user_id))
            connection.execute(delete(USERS).where(USERS.c.id == user_id))

    # ------------------------------------------------------------------------------------- sessions and API tokens

    def add_session(self, session: UserSession, digest: str, *, password_hash: str) -> None:
        with self._database.writing() as connection:
            if _check_password(connection, session.user_id, password_hash).disabled:
                raise unknown("person")
            connection.execute(insert(SESSIONS).values(**rows.row_of_session(session), digest=digest))

    def find_session(self, digest: str, at: float) -> BySession | None:
        valid = (SESSIONS.c.digest == digest) & _valid_session(at)
        wanted = select(*rows.labelled(SESSIONS), *rows.labelled(USERS)).join_from(SESSIONS, USERS).where(valid)
        with self._database.reading() as connection:
            row = connection.execute(wanted).mappings().one_or_none()
        if row is None:
            return None
        return BySession(rows.user_of(row, "users_"), rows.session_of(row, "sessions_"))

    def touch_session(self, session_id: SessionKey, at: float, expires_at: float) -> None:
        same = SESSIONS.c.id == session_id
        with self._database.writing() as connection:
            connection.execute(update(SESSIONS).where(same).values(last_seen_at=at, expires_at=expires_at))
            users = select(SESSIONS.c.user_id).where(same).scalar_subquery()
            connection.execute(update(USERS).where(USERS.c.id == users).values(last_seen_at=at))

    def sessions(self, user_id: UserId, at: float) -> Sequence[UserSession]:
        own = (SESSIONS.c.user_id == user_id) & (SESSIONS.c.expires_at > at)
        with self._database.reading() as connection:
            found = connection.execute(select(SESSIONS).where(own).order_by(SESSIONS.c.created_at.desc())).mappings()
            return [rows.session_of(row) for row in found]

    def remove_session(self, user_id: UserId, session_id: SessionKey) -> None:
        self._remove(SESSIONS, (SESSIONS.c.id == session_id) & (SESSIONS.c.user_id == user_id), "session")

    def remove_credentials(self, user_id: UserId) -> None:
        with self._database.writing() as connection:
            _end_credentials(connection, user_id)

    def add_token(self, token: ApiToken, digest: str, *, session_id: SessionKey) -> None:
        asking = (SESSIONS.c.id == session_id) & (SESSIONS.c.user_id == token.user_id)
        with self._database.writing() as connection:
            if not connection.execute(select(exists().where(asking))).scalar_one():
                raise unknown("session")
            connection.execute(insert(API_TOKENS).values(**rows.row_of_token(token), digest=digest))

    def find_token(self, digest: str, at: float) -> ByToken | None:
        valid = (API_TOKENS.c.digest == digest) & _valid_token(at)
        wanted = select(*rows.labelled(API_TOKENS), *rows.labelled(USERS)).join_from(API_TOKENS, USERS).where(valid)
        with self._database.reading() as connection:
            row = connection.execute(wanted).mappings().one_or_none()
        if row is None:
            return None
        return ByToken(rows.user_of(row, "users_"), rows.token_of(row, "api_tokens_"))

    def touch_token(self, token_id: TokenId, at: float) -> None:
        with self._database.writing() as connection:
            connection.execute(update(API_TOKENS).where(API_TOKENS.c.id == token_id).values(last_used_at=at))

    def tokens(self, user_id: UserId) -> Sequence[ApiToken]:
        own = select(API_TOKENS).where(API_TOKENS.c.user_id == user_id).order_by(API_TOKENS.c.created_at.desc())
        with self._database.reading() as connection:
            return [rows.token_of(row) for row in connection.execute(own).mappings()]

    def remove_token(self, user_id: UserId, token_id: TokenId) -> None:
        self._remove(API_TOKENS, (API_TOKENS.c.id == token_id) & (API_TOKENS.c.user_id == user_id), "token")

    def still_valid(
        self, sessions: Collection[SessionKey], tokens: Collection[TokenId], at: float
    ) -> tuple[Collection[SessionKey], Collection[TokenId]]:
        kept = select(SESSIONS.c.id).join_from(SESSIONS, USERS).where(SESSIONS.c.id.in_(sessions), _valid_session(at))
        usable = select(API_TOKENS.c.id).join_from(API_TOKENS, USERS)
        usable = usable.where(API_TOKENS.c.id.in_(tokens), _valid_token(at))
        with self._database.reading() as connection:
            return (
                frozenset(connection.execute(kept).scalars()) if sessions else frozenset(),
                frozenset(connection.execute(usable).scalars()) if tokens else frozenset(),
            )

    # ------------------------------------------------------------------------------------------------- invitations

    def add_invitation(self, invitation: Invitation, digest: str, *, by: UserId | None) -> None:
        with self._database.writing() as connection:
            if by is not None:
                _check_is_owner(_user(connection, by))
            values = rows.row_of_invitation(invitation) | {"digest": digest, "invited_by": by}
            connection.execute(insert(INVITATIONS).values(values))

    def invitations(self, at: float) -> Sequence[Invitation]:
        wanted = select(INVITATIONS).where(INVITATIONS.c.expires_at > at).order_by(INVITATIONS.c.created_at.desc())
        with self._database.reading() as connection:
            return [rows.invitation_of(row) for row in connection.execute(wanted).mappings()]

    def remove_invitation(self, invitation_id: InvitationId) -> None:
        self._remove(INVITATIONS, INVITATIONS.c.id == invitation_id, "invitation")

    def forget_expired(self, at: float) -> None:
        with self._database.writing() as connection:
            for table in (SESSIONS, API_TOKENS, INVITATIONS):
                connection.execute(delete(table).where(table.c.expires_at <= at))

    # ------------------------------------------------------------------------------------------------------- parts

    def _account(self, which: ColumnElement[bool]) -> Account | None:
        with self._database.reading() as connection:
            row = connection.execute(select(USERS).where(which)).mappings().one_or_none()
        return None if row is None else Account(rows.user_of(row), row["password_hash"])

    def _remove(self, table: Table, which: ColumnElement[bool], what: str) -> None:
        with self._database.writing() as connection:
            if connection.execute(delete(table).where(which)).rowcount == 0:
                raise unknown(what)


def _told(error: DatabaseError) -> AccountStoreError:
    return AccountStoreError(_FAULTS[error.fault], str(error))


@contextmanager
def _names_told() -> Generator[None]:
    try:
        yield
    except IntegrityError as error:
        raise name_taken() from error


_OWNS: Final = USERS.c.role == Role.OWNER.value


def _valid_session(at: float) -> ColumnElement[bool]:
    return ~USERS.c.disabled & (SESSIONS.c.expires_at > at)


def _valid_token(at: float) -> ColumnElement[bool]:
    return ~USERS.c.disabled & or_(API_TOKENS.c.expires_at.is_(None), API_TOKENS.c.expires_at > at)


def _user(connection: Connection, user_id: UserId) -> User:
    row = connection.execute(select(USERS).where(USERS.c.id == user_id)).mappings().one_or_none()
    if row is None:
        raise unknown("person")
    return rows.user_of(row)


def _invited_role(connection: Connection, digest: str, at: float) -> Role | None:
    open_ones = (INVITATIONS.c.digest == digest) & (INVITATIONS.c.expires_at > at)
    role = connection.execute(select(INVITATIONS.c.role).where(open_ones)).scalar_one_or_none()
    return None if role is None else Role(role)


def _check_password(connection: Connection, user_id: UserId, was: str | None) -> User:
    """The user. `was` None: with any password."""
    row = connection.execute(select(USERS).where(USERS.c.id == user_id)).mappings().one_or_none()
    if row is None or was not in (None, row["password_hash"]):
        raise unknown("person")
    return rows.user_of(row)


def _check_is_owner(user: User) -> None:
    if user.role is not Role.OWNER or user.disabled:
        raise unknown("person")


def _check_other_owner(connection: Connection, user: User) -> None:
    """Writers come one after the other, so that nobody else takes the other owner away meanwhile."""
    if user.role is not Role.OWNER or user.disabled:
        return
    others = exists().where(_OWNS, ~USERS.c.disabled, USERS.c.id != user.id)
    if not connection.execute(select(others)).scalar_one():
        raise last_owner()


def _end_credentials(connection: Connection, user_id: UserId, keep: SessionKey | None = None) -> None:
    sessions = delete(SESSIONS).where(SESSIONS.c.user_id == user_id)
    connection.execute(sessions if keep is None else sessions.where(SESSIONS.c.id != keep))
    connection.execute(delete(API_TOKENS).where(API_TOKENS.c.user_id == user_id))
