"""Signing in and out, and what people do with their own account."""

from __future__ import annotations

import hmac
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog

from access_rules import SCOPES_OF, Anonymous, Owner, Person
from account_types import (
    AccountResponse,
    AccountSessionsResponse,
    NewTokenResponse,
    SessionBody,
    SignedInResponse,
    TokenBody,
    TokensResponse,
    UserBody,
)
from error_types import DomainError, ErrorCode
from handlers.accounts.connections import OfUser
from handlers.accounts.identity import SESSION_S
from handlers.accounts.names import agent_of, checked_name, checked_password, name_key
from services.account_store.account import ApiToken, Scope, UserSession
from services.account_store.account_store import NewUser
from sign_in import TOKEN_PREFIX, NoCredential, OfMachine, OfSession, OfToken, digest_of, new_secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from account_types import AcceptBody, NewTokenBody, PasswordBody, SetupBody, SignInBody
    from handlers.accounts.desk import AccountDesk
    from handlers.accounts.passwords import Passwords
    from handlers.accounts.throttle import SignInThrottle
    from runtime_config.current import Current
    from runtime_config.runtime_config import AccessConfig
    from services.account_store.account import User
    from services.account_store.account_store import Account, AccountStore
    from services.clock.clock import Clock
    from sign_in import Caller

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_DAY_S: Final = 24 * 3600.0
_MOST_TOKENS: Final = 100
_MOST_SESSIONS: Final = 100  # of one person; the oldest give way


class AccountsHandler:
    """A session's secret, where a method gives one, is for the cookie of the answer alone."""

    def __init__(
        self,
        desk: AccountDesk,
        passwords: Passwords,
        throttle: SignInThrottle,
        *,
        access: Current[AccessConfig],
        clock: Clock,
    ) -> None:
        self._desk = desk
        self._passwords = passwords
        self._throttle = throttle
        self._access = access
        self._is_on = access.now.accounts
        self.port = access.now.port  # after which cookies are named
        self._clock = clock
        self._setup_code: str | None = None

    async def begin(self) -> None:
        """Open the accounts, and make a code for the first owner where there is none yet."""
        if not self._is_on:
            return
        try:
            now = self._clock.wall()
            await self._desk.write(lambda store: store.forget_expired(now))
            if not await self._desk.read(lambda store: store.has_owner()):
                self._setup_code = secrets.token_urlsafe(16)
        except DomainError as error:
            logger.warning("Accounts cannot be used, so nobody can sign in", reason=error.message)

    @property
    def setup_code(self) -> str | None:
        """What the first owner has to know, while there is none; to be shown to whoever started the server."""
        return self._setup_code

    # ------------------------------------------------------------------------------------------------- coming in

    async def account(self, caller: Caller) -> AccountResponse:
        """Who asks, and whether they may do more than sign in."""
        visitor, is_on = caller.visitor, self._is_on
        lacks_owner = is_on and not await self._desk.read(lambda store: store.has_owner())
        user = (
            UserBody(id=visitor.user_id, name=visitor.name, role=visitor.role) if isinstance(visitor, Person) else None
        )
        may_enter = not is_on or self._access.now.allow_anonymous or not isinstance(visitor, Anonymous)
        match caller.credential:
            case OfSession():
                how = "session"
            case OfToken():
                how = "token"
            case OfMachine():
                how = "machine"
            case NoCredential():
                how = "anonymous"
        return AccountResponse(accounts=is_on, setup=lacks_owner, user=user, how=how, may_enter=may_enter)

    async def set_up(self, caller: Caller, body: SetupBody, agent: str | None) -> tuple[SignedInResponse, str]:
        """Make the first owner, signed in.

        Raises:
            DomainError: there is one, the code is wrong, or the name or the password will not do.
        """
        self._desk.require_accounts()
        self._throttle.take_slot(caller.network)
        if not (caller.is_local or isinstance(caller.visitor, Owner) or self._is_setup_code(body.code)):
            message = "The first owner needs the code that the server printed at its start."
            raise DomainError(message, ErrorCode.CODE_INVALID)
        self._throttle.succeeded(caller.network)
        name, password = checked_name(body.name), checked_password(body.password)
        if await self._desk.read(lambda store: store.has_owner()):  # before it costs a hash
            raise DomainError("This server has an owner already, who can invite you.", ErrorCode.OWNER_EXISTS)
        new = await self._new_user(name, password)
        now = self._clock.wall()
        user = await self._desk.write(lambda store: store.add_first_owner(new, now))
        self._setup_code = None
        logger.info("The server has its first owner", user_id=user.id)
        return await self._signed_in(user, new.password_hash, agent)

    async def sign_in(self, caller: Caller, body: SignInBody, agent: str | None) -> tuple[SignedInResponse, str]:
        """Raises: DomainError, the name or the password is wrong; or it is too early for another attempt."""
        self._desk.require_accounts()
        name, password = _valid_or_none(checked_name, body.name), _valid_or_none(checked_password, body.password)
        key = name_key(name or body.name)
        self._throttle.take_slot(caller.network, key)
        known = None if name is None else await self._desk.read(lambda store: store.find_account(key))
        account = await self._checked(known, password)
        if account is None:
            raise _failed()
        try:
            answer = await self._signed_in(account.user, account.password_hash, agent)
        except DomainError as error:
            if error.code is ErrorCode.ACCOUNT_UNKNOWN:  # removed, disabled or with another password meanwhile
                raise _failed() from error
            raise
        self._throttle.succeeded(caller.network, key)
        await self._refresh_hash(account, password or "")
        return answer

    async def accept(self, caller: Caller, body: AcceptBody, agent: str | None) -> tuple[SignedInResponse, str]:
        """Use up an invitation, signed in.

        Raises:
            DomainError: the code is not, or no more, an open invitation's; or the name or the password will not do.
        """
        self._desk.require_accounts()
        self._throttle.take_slot(caller.network)
        digest, now = digest_of(body.code), self._clock.wall()
        if await self._desk.read(lambda store: store.find_invited_role(digest, now)) is None:
            raise DomainError("This invitation is unknown, used or too old.", ErrorCode.CODE_INVALID)
        self._throttle.succeeded(caller.network)
        new = await self._new_user(checked_name(body.name), checked_password(body.password))
        user = await self._desk.write(lambda store: store.add_user(new, now, invitation=digest))
        logger.info("An invitation was accepted", user_id=user.id, role=user.role.value)
        return await self._signed_in(user, new.password_hash, agent)

    # --------------------------------------------------------------------------------------------- going out, own

    async def sign_out(self, caller: Caller) -> None:
        """End the session that asks, if there is one."""
        if isinstance(caller.credential, OfSession) and isinstance(caller.visitor, Person):
            await self.end_session(caller, caller.credential.session_id)

    async def sign_out_everywhere(self, caller: Caller) -> None:
        """End all sessions and tokens, this session too."""
        person = _person(caller)
        await self._desk.revoke(lambda store: store.remove_credentials(person.user_id), OfUser(person.user_id))

    async def change_password(self, caller: Caller, body: PasswordBody) -> None:
        """Set another password, which ends all tokens, and all sessions but the one that asks.

        Raises:
            DomainError: the old one is wrong, the new one will not do, or it is too early for another attempt.
        """
        person = _person(caller)
        key = name_key(person.name)
        new = checked_password(body.new)
        self._throttle.take_slot(caller.network, key)
        old = _valid_or_none(checked_password, body.old)
        known = await self._desk.read(lambda store: store.account_of(person.user_id))
        account = await self._checked(known, old)
        if account is None:
            raise DomainError("The old password is wrong.", ErrorCode.SIGN_IN_FAILED)
        self._throttle.succeeded(caller.network, key)
        made, was = await self._passwords.hash(new), account.password_hash
        own = _session_of(caller)
        await self._desk.revoke(
            lambda store: store.set_password(person.user_id, made, was=was, keep=own.session_id),
            OfUser(person.user_id, but=own),
        )

    async def sessions(self, caller: Caller) -> AccountSessionsResponse:
        person, now = _person(caller), self._clock.wall()
        found = await self._desk.read(lambda store: store.sessions(person.user_id, now))
        return AccountSessionsResponse(
            sessions=[
                SessionBody(
                    id=session.id,
                    created=session.created_at,
                    last_seen=session.last_seen_at,
                    agent=session.agent,
                    current=OfSession(session.id) == caller.credential,
                )
                for session in found
            ]
        )

    async def end_session(self, caller: Caller, session_id: str) -> None:
        """Raises: DomainError, the caller has no such session."""
        user_id = _person(caller).user_id
        await self._desk.revoke(lambda store: store.remove_session(user_id, session_id), OfSession(session_id))

    async def tokens(self, caller: Caller) -> TokensResponse:
        person = _person(caller)
        found = await self._desk.read(lambda store: store.tokens(person.user_id))
        return TokensResponse(tokens=[_token_body(token) for token in found])

    async def make_token(self, caller: Caller, body: NewTokenBody) -> NewTokenResponse:
        """Raises: DomainError, the caller's role has not all of the scopes, or there are too many tokens."""
        person, session = _person(caller), _session_of(caller)
        scopes = frozenset(Scope(scope) for scope in body.scopes)
        _require_scopes(person, scopes)
        now = self._clock.wall()
        expires_at = None if body.expires_days is None else now + body.expires_days * _DAY_S
        token = ApiToken(_new_id(), person.user_id, checked_name(body.name), scopes, now, expires_at, None)
        secret, digest = new_secret(TOKEN_PREFIX)

        def add(store: AccountStore) -> None:
            if len(store.tokens(person.user_id)) >= _MOST_TOKENS:
                message = f"You have {_MOST_TOKENS} tokens already. Revoke some first."
                raise DomainError(message, ErrorCode.TOO_MANY_REQUESTS)
            store.add_token(token, digest, session_id=session.session_id)

        await self._desk.write(add)
        return NewTokenResponse(**_token_body(token).model_dump(), token=secret)

    async def revoke_token(self, caller: Caller, token_id: str) -> None:
        """Raises: DomainError, the caller has no such token."""
        user_id = _person(caller).user_id
        await self._desk.revoke(lambda store: store.remove_token(user_id, token_id), OfToken(token_id))

    # ----------------------------------------------------------------------------------------------------- parts

    def _is_setup_code(self, offered: str | None) -> bool:
        code = self._setup_code
        return None not in (code, offered) and hmac.compare_digest(
            (offered or "").strip().encode(errors="replace"), (code or "").encode()
        )

    async def _new_user(self, name: str, password: str) -> NewUser:
        hashed = await self._passwords.hash(password)
        return NewUser(id=_new_id(), name=name, name_key=name_key(name), password_hash=hashed)

    async def _checked(self, known: Account | None, password: str | None) -> Account | None:
        """The account, where the password is its own. It takes as long where there is none, or no such password."""
        password_hash = None if known is None or password is None else known.password_hash
        matches = await self._passwords.matches(password or "", password_hash)
        return known if matches and known is not None and not known.user.disabled else None

    async def _refresh_hash(self, account: Account, password: str) -> None:
        was = account.password_hash
        if not self._passwords.is_outdated(was):
            return
        with suppress(DomainError):  # there is another sign-in to come
            made = await self._passwords.hash(password)
            await self._desk.write(lambda store: store.rehash(account.user.id, was=was, password_hash=made))

    async def _signed_in(self, user: User, password_hash: str, agent: str | None) -> tuple[SignedInResponse, str]:
        now = self._clock.wall()
        secret, digest = new_secret()
        session = UserSession(_new_id(), user.id, now, now, now + SESSION_S, agent_of(agent))

        def add(store: AccountStore) -> None:
            store.forget_expired(now)
            store.add_session(session, digest, password_hash=password_hash)
            store.touch_session(session.id, now, session.expires_at)
            for oldest in store.sessions(user.id, now)[_MOST_SESSIONS:]:
                store.remove_session(user.id, oldest.id)

        await self._desk.write(add)
        return SignedInResponse(user=UserBody(id=user.id, name=user.name, role=user.role)), secret


def _new_id() -> str:
    return secrets.token_hex(8)


def _valid_or_none(check: Callable[[str], str], text: str) -> str | None:
    try:
        return check(text)
    except DomainError:
        return None


def _failed() -> DomainError:
    return DomainError("The name or the password is wrong.", ErrorCode.SIGN_IN_FAILED)


def _person(caller: Caller) -> Person:
    if isinstance(caller.visitor, Person):
        return caller.visitor
    message = "This is about somebody's own account, and the request was made by nobody who has one. Sign in first."
    raise DomainError(message, ErrorCode.NOT_A_PERSON)


def _session_of(caller: Caller) -> OfSession:
    """The rules let nobody come here with a token."""
    if isinstance(caller.credential, OfSession):
        return caller.credential
    raise DomainError("Sign in first; a token cannot do this.", ErrorCode.SCOPE_MISSING)


def _require_scopes(person: Person, scopes: frozenset[Scope]) -> None:
    beyond = scopes - SCOPES_OF[person.role]
    if beyond:
        names = ", ".join(sorted(beyond))
        message = f"Your role does not have {names}, so no token of yours can."
        raise DomainError(message, ErrorCode.ROLE_NOT_ALLOWED)


def _token_body(token: ApiToken) -> TokenBody:
    return TokenBody(
        id=token.id,
        name=token.name,
        scopes=sorted(token.scopes),
        created=token.created_at,
        expires=token.expires_at,
        last_used=token.last_used_at,
    )
