"""What owners of the server do: who is there, in which role, and who is invited."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import structlog

from access_rules import owner_of
from account_types import InvitationBody, InvitationsResponse, NewInvitationResponse, PeopleResponse, PersonBody
from error_types import DomainError
from handlers.accounts.connections import OfUser
from services.account_store.account import Invitation
from sign_in import new_secret

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from account_types import ChangePersonBody, NewInvitationBody
    from handlers.accounts.desk import AccountDesk
    from services.account_store.account import UserId
    from services.account_store.account_store import KnownUser
    from services.clock.clock import Clock
    from sign_in import Caller

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_HOUR_S = 3600.0


class PeopleHandler:
    """Every method raises DomainError where accounts are off, or where the database cannot be used."""

    def __init__(self, desk: AccountDesk, clock: Clock, *, on_removed: Callable[[UserId], Awaitable[None]]) -> None:
        """`on_removed` gives what belonged to somebody who is gone to the owner role."""
        self._desk = desk
        self._clock = clock
        self._on_removed = on_removed

    async def people(self) -> PeopleResponse:
        found = await self._desk.read(lambda store: store.users())
        return PeopleResponse(people=[_body(known) for known in found])

    async def change(self, user_id: str, body: ChangePersonBody) -> PersonBody:
        """Another role, or disabled or not. They are cut off, and come back with what they may do now.

        Raises:
            DomainError: there is no such person, or no owner would be left.
        """
        changed = await self._desk.revoke(
            lambda store: store.change_user(user_id, role=body.role, disabled=body.disabled), OfUser(user_id)
        )
        user = changed.user
        logger.info("A person was changed", user_id=user_id, role=user.role.value, disabled=user.disabled)
        return _body(changed)

    async def remove(self, user_id: str) -> None:
        """What belongs to them stays, and is the owners' from then on.

        Raises:
            DomainError: there is no such person, or no owner would be left.
        """
        await self._desk.revoke(lambda store: store.remove_user(user_id), OfUser(user_id))
        logger.info("A person was removed", user_id=user_id)
        try:
            await self._on_removed(user_id)
        except DomainError as error:  # owners of the server see it all the same
            logger.warning("What belonged to a removed person keeps their id", user_id=user_id, reason=error.message)

    async def invite(self, caller: Caller, body: NewInvitationBody) -> NewInvitationResponse:
        now = self._clock.wall()
        code, digest = new_secret()
        invitation = Invitation(secrets.token_hex(8), body.role, now, now + body.expires_hours * _HOUR_S)
        by = owner_of(caller.visitor)
        await self._desk.write(lambda store: store.add_invitation(invitation, digest, by=by))
        return NewInvitationResponse(**_invitation_body(invitation).model_dump(), code=code)

    async def invitations(self) -> InvitationsResponse:
        """Those that are open."""
        now = self._clock.wall()
        found = await self._desk.read(lambda store: store.invitations(now))
        return InvitationsResponse(invitations=[_invitation_body(each) for each in found])

    async def take_back(self, invitation_id: str) -> None:
        """Raises: DomainError, there is no such invitation."""
        await self._desk.write(lambda store: store.remove_invitation(invitation_id))


def _body(known: KnownUser) -> PersonBody:
    user = known.user
    return PersonBody(
        id=user.id,
        name=user.name,
        role=user.role,
        disabled=user.disabled,
        created=user.created_at,
        last_seen=known.last_seen_at,
    )


def _invitation_body(invitation: Invitation) -> InvitationBody:
    return InvitationBody(
        id=invitation.id, role=invitation.role, created=invitation.created_at, expires=invitation.expires_at
    )
