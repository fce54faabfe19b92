"""/api/account: signing in and out, and one's own password, sessions and tokens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response

from account_types import (
    AcceptBody,
    AccountResponse,
    AccountSessionsResponse,
    NewTokenBody,
    NewTokenResponse,
    PasswordBody,
    SetupBody,
    SignedInResponse,
    SignInBody,
    TokensResponse,
)
from app_handler import AppHandler
from sign_in import Caller, set_cookie
from state.deps import forbid_keeping, get_caller, get_state_service

router = APIRouter(prefix="/api/account", tags=["account"], dependencies=[Depends(forbid_keeping)])

Handler = Annotated[AppHandler, Depends(get_state_service)]
AskedBy = Annotated[Caller, Depends(get_caller)]
Agent = Annotated[str | None, Header(alias="user-agent")]


@router.get("")
async def route_account(handler: Handler, caller: AskedBy) -> AccountResponse:
    return await handler.accounts.account(caller)


@router.post("/setup", status_code=201)
async def route_set_up(
    body: SetupBody, response: Response, handler: Handler, caller: AskedBy, user_agent: Agent = None
) -> SignedInResponse:
    answer, secret = await handler.accounts.set_up(caller, body, user_agent)
    _remember(response, handler, caller, secret)
    return answer


@router.post("/sign-in")
async def route_sign_in(
    body: SignInBody, response: Response, handler: Handler, caller: AskedBy, user_agent: Agent = None
) -> SignedInResponse:
    answer, secret = await handler.accounts.sign_in(caller, body, user_agent)
    _remember(response, handler, caller, secret)
    return answer


@router.post("/accept", status_code=201)
async def route_accept(
    body: AcceptBody, response: Response, handler: Handler, caller: AskedBy, user_agent: Agent = None
) -> SignedInResponse:
    answer, secret = await handler.accounts.accept(caller, body, user_agent)
    _remember(response, handler, caller, secret)
    return answer


@router.post("/sign-out", status_code=204)
async def route_sign_out(response: Response, handler: Handler, caller: AskedBy) -> None:
    await handler.accounts.sign_out(caller)
    _remember(response, handler, caller, None)


@router.post("/sign-out-everywhere", status_code=204)
async def route_sign_out_everywhere(response: Response, handler: Handler, caller: AskedBy) -> None:
    await handler.accounts.sign_out_everywhere(caller)
    _remember(response, handler, caller, None)


@router.post("/password", status_code=204)
async def route_change_password(body: PasswordBody, handler: Handler, caller: AskedBy) -> None:
    await handler.accounts.change_password(caller, body)


@router.get("/sessions")
async def route_sessions(handler: Handler, caller: AskedBy) -> AccountSessionsResponse:
    return await handler.accounts.sessions(caller)


@router.delete("/sessions/{session_id}", status_code=204)
async def route_end_session(session_id: str, handler: Handler, caller: AskedBy) -> None:
    await handler.accounts.end_session(caller, session_id)


@router.get("/tokens")
async def route_tokens(handler: Handler, caller: AskedBy) -> TokensResponse:
    return await handler.accounts.tokens(caller)


@router.post("/tokens", status_code=201)
async def route_make_token(body: NewTokenBody, handler: Handler, caller: AskedBy) -> NewTokenResponse:
    return await handler.accounts.make_token(caller, body)


@router.delete("/tokens/{token_id}", status_code=204)
async def route_revoke_token(token_id: str, handler: Handler, caller: AskedBy) -> None:
    await handler.accounts.revoke_token(caller, token_id)


def _remember(response: Response, handler: AppHandler, caller: Caller, secret: str | None) -> None:
    cookie = set_cookie(handler.config.access.port, secret, is_secure=caller.is_secure)
    response.headers["Set-Cookie"] = cookie
