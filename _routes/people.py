"""/api/people and /api/invitations: who is there, in which role, and who may come."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from account_types import (
    ChangePersonBody,
    InvitationsResponse,
    NewInvitationBody,
    NewInvitationResponse,
    PeopleResponse,
    PersonBody,
)
from app_handler import AppHandler
from sign_in import Caller
from state.deps import forbid_keeping, get_caller, get_state_service

router = APIRouter(prefix="/api", tags=["people"], dependencies=[Depends(forbid_keeping)])

Handler = Annotated[AppHandler, Depends(get_state_service)]


@router.get("/people")
async def route_people(handler: Handler) -> PeopleResponse:
    return await handler.people.people()


@router.patch("/people/{user_id}")
async def route_change_person(user_id: str, body: ChangePersonBody, handler: Handler) -> PersonBody:
    return await handler.people.change(user_id, body)


@router.delete("/people/{user_id}", status_code=204)
async def route_remove_person(user_id: str, handler: Handler) -> None:
    await handler.people.remove(user_id)


@router.get("/invitations")
async def route_invitations(handler: Handler) -> InvitationsResponse:
    return await handler.people.invitations()


@router.post("/invitations", status_code=201)
async def route_invite(
    body: NewInvitationBody, handler: Handler, caller: Annotated[Caller, Depends(get_caller)]
) -> NewInvitationResponse:
    return await handler.people.invite(caller, body)


@router.delete("/invitations/{invitation_id}", status_code=204)
async def route_take_back_invitation(invitation_id: str, handler: Handler) -> None:
    await handler.people.take_back(invitation_id)
