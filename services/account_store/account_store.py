"""Where people are kept, with sessions, tokens and invitations: secrets as digests, passwords as hashes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from services.account_store.account import (
        ApiToken,
        Invitation,
        InvitationId,
        Role,
        SessionKey,
        TokenId,
        User,
        UserId,
        UserSession,
    )


class AccountFault(StrEnum):
    NAME_TAKEN = "nameTaken"
    OWNER_EXISTS = "ownerExists"
    LAST_OWNER = "lastOwner"  # nobody else has the role of the owner and can sign in
    UNKNOWN = "unknown"  # there is no such user, session, token or invitation, or no more
    UNAVAILABLE = "unavailable"  # the database cannot be opened or used
    FULL = "full"  # no room on the disk


class AccountStoreError(RuntimeError):
    """`str()` is a sentence. Nothing has changed."""

    def __init__(self, fault: AccountFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """`name_key` is the name as it is compared with others, the same in capital and small letters."""

    id: UserId
    name: str
    name_key: str
    password_hash: str


@dataclass(frozen=True, slots=True)
class Account:
    """A user with what they sign in by."""

    user: User
    password_hash: str


@dataclass(frozen=True, slots=True)
class KnownUser:
    """A user in a list. `last_seen_at` None: never signed in."""

    user: User
    last_seen_at: float | None


@dataclass(frozen=True, slots=True)
class BySession:
    user: User
    session: UserSession


@dataclass(frozen=True, slots=True)
class ByToken:
    user: User
    token: ApiToken


class AccountStore(Protocol):
    """Every method blocks, may be called from any thread, and raises `AccountStoreError` where the database fails.

    `digest` is the SHA-256 of a secret, in hexadecimal. Times are seconds since 1970. What changes somebody's rights
    ends what they lose by it in the same transaction.
    """

    # ------------------------------------------------------------------------------------------------------- users

    def has_owner(self) -> bool: ...

    def add_first_owner(self, new: NewUser, at: float) -> User:
        """Raises: AccountStoreError, there is an owner already (of two at the same time, one is refused)."""
        ...

    def add_user(self, new: NewUser, at: float, *, invitation: str) -> User:
        """Add whoever has the code with that digest, which is used up, with the role that it gives.

        Raises:
            AccountStoreError: no such invitation is open (UNKNOWN), or the name is taken, and the code is not used up.
        """
        ...

    def find_invited_role(self, digest: str, at: float) -> Role | None:
        """The role that an open invitation gives."""
        ...

    def find_account(self, name_key: str) -> Account | None: ...

    def account_of(self, user_id: UserId) -> Account | None: ...

    def users(self) -> Sequence[KnownUser]:
        """All of them, by name."""
        ...

    def set_password(
        self, user_id: UserId, password_hash: str, *, was: str | None = None, keep: SessionKey | None = None
    ) -> None:
        """A new password, by which all tokens and sessions of the user end, but for the session `keep`.

        Raises:
            AccountStoreError: there is no such user, or the hash was not `was` any more.
        """
        ...

    def rehash(self, user_id: UserId, *, was: str, password_hash: str) -> None:
        """The same password in a newer hash; nothing happens where the hash is not `was` any more."""
        ...

    def change_user(self, user_id: UserId, *, role: Role | None = None, disabled: bool | None = None) -> KnownUser:
        """None: as it is. A user who is disabled or loses the owner's role loses open invitations of theirs; one who
        is disabled, all sessions and tokens as well.

        Raises:
            AccountStoreError: there is no such user, or no owner would be left.
        """
        ...

    def remove_user(self, user_id: UserId) -> None:
        """Raises: AccountStoreError, there is no such user, or no owner would be left."""
        ...

    # ------------------------------------------------------------------------------------- sessions and API tokens

    def add_session(self, session: UserSession, digest: str, *, password_hash: str) -> None:
        """`password_hash` is what the password was checked against.

        Raises:
            AccountStoreError: there is no such user who can sign in, or their password was changed meanwhile.
        """
        ...

    def find_session(self, digest: str, at: float) -> BySession | None:
        """None also where it has run out, or the user is disabled."""
        ...

    def touch_session(self, session_id: SessionKey, at: float, expires_at: float) -> None:
        """It was used, and runs out later. It is no mistake if it has ended."""
        ...

    def sessions(self, user_id: UserId, at: float) -> Sequence[UserSession]:
        """Those that have not run out, the newest first."""
        ...

    def remove_session(self, user_id: UserId, session_id: SessionKey) -> None:
        """Raises: AccountStoreError, the user has no such session."""
        ...

    def remove_credentials(self, user_id: UserId) -> None:
        """End all sessions and API tokens of a user."""
        ...

    def add_token(self, token: ApiToken, digest: str, *, session_id: SessionKey) -> None:
        """Raises: AccountStoreError, the session that asks for it has ended meanwhile."""
        ...

    def find_token(self, digest: str, at: float) -> ByToken | None:
        """None also where it has run out, or the user is disabled."""
        ...

    def touch_token(self, token_id: TokenId, at: float) -> None: ...

    def tokens(self, user_id: UserId) -> Sequence[ApiToken]:
        """The newest first; also those that have run out."""
        ...

    def remove_token(self, user_id: UserId, token_id: TokenId) -> None:
        """Raises: AccountStoreError, the user has no such token."""
        ...

    def still_valid(
        self, sessions: Collection[SessionKey], tokens: Collection[TokenId], at: float
    ) -> tuple[Collection[SessionKey], Collection[TokenId]]:
        """Those that still let somebody in."""
        ...

    # ------------------------------------------------------------------------------------------------- invitations

    def add_invitation(self, invitation: Invitation, digest: str, *, by: UserId | None) -> None:
        """`by` None: the owner of the machine. Raises: AccountStoreError, the user is no owner any more."""
        ...

    def invitations(self, at: float) -> Sequence[Invitation]:
        """Those that are open, the newest first."""
        ...

    def remove_invitation(self, invitation_id: InvitationId) -> None:
        """Raises: AccountStoreError, there is no such invitation."""
        ...

    def forget_expired(self, at: float) -> None:
        """Remove sessions, tokens and invitations that have run out."""
        ...


class AccountStores(Protocol):
    """How the store is reached. Opening it costs time and memory, so a server without accounts never does."""

    def open(self) -> AccountStore:
        """Blocks. Raises: AccountStoreError, with the reason for the person who runs the server."""
        ...
