"""An account store in memory, which keeps the contract of the real one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import RLock
from typing import TYPE_CHECKING

from services.account_store.account import Role, User
from services.account_store.account_store import Account, BySession, ByToken, KnownUser
from services.account_store.refusals import last_owner, name_taken, owner_exists, unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from services.account_store.account import (
        ApiToken,
        Invitation,
        InvitationId,
        SessionKey,
        TokenId,
        UserId,
        UserSession,
    )
    from services.account_store.account_store import AccountStore, AccountStoreError, NewUser


@dataclass(frozen=True)
class _Kept:
    user: User
    name_key: str
    password_hash: str
    last_seen_at: float | None = None


class FakeAccountStore:
    """An `AccountStore`, and an `AccountStores` that opens it. `fail` is raised by everything while it is set."""

    def __init__(self) -> None:
        self.fail: AccountStoreError | None = None
        self._lock = RLock()
        self._users: dict[UserId, _Kept] = {}
        self._sessions: dict[str, UserSession] = {}  # by digest, as all that follow
        self._tokens: dict[str, ApiToken] = {}
        self._invitations: dict[str, tuple[Invitation, UserId | None]] = {}

    def open(self) -> AccountStore:
        self._check()
        return self

    # ------------------------------------------------------------------------------------------------------- users

    def has_owner(self) -> bool:
        self._check()
        return any(kept.user.role is Role.OWNER for kept in self._users.values())

    def add_first_owner(self, new: NewUser, at: float) -> User:
        with self._lock:
            if self.has_owner():
                raise owner_exists()
            return self._add(new, Role.OWNER, at)

    def add_user(self, new: NewUser, at: float, *, invitation: str) -> User:
        with self._lock:
            role = self.find_invited_role(invitation, at)
            if role is None:
                raise unknown("invitation")
            added = self._add(new, role, at)
            del self._invitations[invitation]
            return added

    def find_invited_role(self, digest: str, at: float) -> Role | None:
        self._check()
        found = self._invitations.get(digest)
        return None if found is None or found[0].expires_at <= at else found[0].role

    def find_account(self, name_key: str) -> Account | None:
        self._check()
        found = next((kept for kept in self._users.values() if kept.name_key == name_key), None)
        return None if found is None else Account(found.user, found.password_hash)

    def account_of(self, user_id: UserId) -> Account | None:
        self._check()
        found = self._users.get(user_id)
        return None if found is None else Account(found.user, found.password_hash)

    def users(self) -> Sequence[KnownUser]:
        self._check()
        by_name = sorted(self._users.values(), key=lambda kept: kept.name_key)
        return [KnownUser(kept.user, kept.last_seen_at) for kept in by_name]

    def set_password(
        self, user_id: UserId, password_hash: str, *, was: str | None = None, keep: SessionKey | None = None
    ) -> None:
        with self._lock:
            kept = self._kept(user_id, was)
            self._users[user_id] = replace(kept, password_hash=password_hash)
            kept_session = {digest: each for digest, each in self._sessions.items() if each.id == keep}
            self.remove_credentials(user_id)
            self._sessions |= kept_session

    def rehash(self, user_id: UserId, *, was: str, password_hash: str) -> None:
        self._check()
        with self._lock:
            kept = self._users.get(user_id)
            if kept is not None and kept.password_hash == was:
                self._users[user_id] = replace(kept, password_hash=password_hash)

    def change_user(self, user_id: UserId, *, role: Role | None = None, disabled: bool | None = None) -> KnownUser:
        with self._lock:
            kept = self._kept(user_id)
            changed = replace(
                kept.user,
                role=kept.user.role if role is None else role,
                disabled=kept.user.disabled if disabled is None else disabled,
            )
            if changed.role is not Role.OWNER or changed.disabled:
                self._check_other_owner(kept.user)
                self._drop_invitations(user_id)
            if changed.disabled:
                self.remove_credentials(user_id)
            self._users[user_id] = replace(kept, user=changed)
            return KnownUser(changed, kept.last_seen_at)

    def remove_user(self, user_id: UserId) -> None:
        with self._lock:
            self._check_other_owner(self._kept(user_id).user)
            self.remove_credentials(user_id)
            self._drop_invitations(user_id)
            del self._users[user_id]

    # ------------------------------------------------------------------------------------- sessions and API tokens

    def add_session(self, session: UserSession, digest: str, *, password_hash: str) -> None:
        with self._lock:
            if self._kept(session.user_id, password_hash).user.disabled:
                raise unknown("person")
            self._sessions[digest] = session

    def find_session(self, digest: str, at: float) -> BySession | None:
        self._check()
        with self._lock:
            session = self._sessions.get(digest)
            if session is None or not self._is_valid(session, at):
                return None
            return BySession(self._users[session.user_id].user, session)

    def touch_session(self, session_id: SessionKey, at: float, expires_at: float) -> None:
        self._check()
        with self._lock:
            for digest, session in self._sessions.items():
                if session.id == session_id:
                    self._sessions[digest] = replace(session, last_seen_at=at, expires_at=expires_at)
                    self._users[session.user_id] = replace(self._users[session.user_id], last_seen_at=at)

    def sessions(self, user_id: UserId, at: float) -> Sequence[UserSession]:
        self._check()
        own = [each for each in self._sessions.values() if each.user_id == user_id and each.expires_at > at]
        return sorted(own, key=lambda session: -session.created_at)

    def remove_session(self, user_id: UserId, session_id: SessionKey) -> None:
        self._check()
        with self._lock:
            left = {
                key: each for key, each in self._sessions.items() if (each.user_id, each.id) != (user_id, session_id)
            }
            if len(left) == len(self._sessions):
                raise unknown("session")
            self._sessions = left

    def remove_credentials(self, user_id: UserId) -> None:
        self._check()
        with self._lock:
            self._sessions = {key: each for key, each in self._sessions.items() if each.user_id != user_id}
            self._tokens = {key: each for key, each in self._tokens.items() if each.user_id != user_id}

    def add_token(self, token: ApiToken, digest: str, *, session_id: SessionKey) -> None:
        self._check()
        with self._lock:
            if not any((each.user_id, each.id) == (token.user_id, session_id) for each in self._sessions.values()):
                raise unknown("session")
            self._tokens[digest] = token

    def find_token(self, digest: str, at: float) -> ByToken | None:
        self._check()
        with self._lock:
            token = self._tokens.get(digest)
            if token is None or not self._is_valid(token, at):
                return None
            return ByToken(self._users[token.user_id].user, token)

    def touch_token(self, token_id: TokenId, at: float) -> None:
        self._check()
        with self._lock:
            for digest, token in self._tokens.items():
                if token.id == token_id:
                    self._tokens[digest] = replace(token, last_used_at=at)

    def tokens(self, user_id: UserId) -> Sequence[ApiToken]:
        self._check()
        own = [each for each in self._tokens.values() if each.user_id == user_id]
        return sorted(own, key=lambda token: -token.created_at)

    def remove_token(self, user_id: UserId, token_id: TokenId) -> None:
        self._check()
        with self._lock:
            left = {key: each for key, each in self._tokens.items() if (each.user_id, each.id) != (user_id, token_id)}
            if len(left) == len(self._tokens):
                raise unknown("token")
            self._tokens = left

    def still_valid(
        self, sessions: Collection[SessionKey], tokens: Collection[TokenId], at: float
    ) -> tuple[Collection[SessionKey], Collection[TokenId]]:
        self._check()
        with self._lock:
            return (
                {each.id for each in self._sessions.values() if each.id in sessions and self._is_valid(each, at)},
                {each.id for each in self._tokens.values() if each.id in tokens and self._is_valid(each, at)},
            )

    # ------------------------------------------------------------------------------------------------- invitations

    def add_invitation(self, invitation: Invitation, digest: str, *, by: UserId | None) -> None:
        self._check()
        with self._lock:
            if by is not None and (self._kept(by).user.disabled or self._kept(by).user.role is not Role.OWNER):
                raise unknown("person")
            self._invitations[digest] = (invitation, by)

    def invitations(self, at: float) -> Sequence[Invitation]:
        self._check()
        opened = [invitation for invitation, _ in self._invitations.values() if invitation.expires_at > at]
        return sorted(opened, key=lambda invitation: -invitation.created_at)

    def remove_invitation(self, invitation_id: InvitationId) -> None:
        self._check()
        with self._lock:
            left = {key: each for key, each in self._invitations.items() if each[0].id != invitation_id}
            if len(left) == len(self._invitations):
                raise unknown("invitation")
            self._invitations = left

    def forget_expired(self, at: float) -> None:
        self._check()
        with self._lock:
            self._sessions = {key: each for key, each in self._sessions.items() if each.expires_at > at}
            self._tokens = {key: each for key, each in self._tokens.items() if (each.expires_at or at + 1) > at}
            self._invitations = {key: each for key, each in self._invitations.items() if each[0].expires_at > at}

    # ------------------------------------------------------------------------------------------------------- parts

    def _check(self) -> None:
        if self.fail is not None:
            raise self.fail

    def _kept(self, user_id: UserId, was: str | None = None) -> _Kept:
        self._check()
        kept = self._users.get(user_id)
        if kept is None or was not in (None, kept.password_hash):
            raise unknown("person")
        return kept

    def _add(self, new: NewUser, role: Role, at: float) -> User:
        if any(kept.name_key == new.name_key for kept in self._users.values()):
            raise name_taken()
        user = User(new.id, new.name, role, disabled=False, created_at=at)
        self._users[new.id] = _Kept(user, new.name_key, new.password_hash)
        return user

    def _is_valid(self, credential: UserSession | ApiToken, at: float) -> bool:
        is_late = credential.expires_at is not None and credential.expires_at <= at
        return not is_late and not self._users[credential.user_id].user.disabled

    def _check_other_owner(self, user: User) -> None:
        owning = [kept.user for kept in self._users.values() if kept.user.role is Role.OWNER and not kept.user.disabled]
        if owning == [user]:
            raise last_owner()

    def _drop_invitations(self, user_id: UserId) -> None:
        self._invitations = {key: each for key, each in self._invitations.items() if each[1] != user_id}
