"""/api/account: signing in and out, and one's own password, sessions and tokens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response

from _routes._answers import answers
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
from error_types import ErrorCode
from sign_in import Caller, set_cookie
from state.deps import forbid_keeping, get_caller, get_state_service

# What any of these can end with.
_ANY = (ErrorCode.ACCOUNTS_OFF, ErrorCode.ACCOUNT_NOT_KEPT)
_TRIED = (*_ANY, ErrorCode.TOO_MANY_ATTEMPTS)
_CHOSEN = (*_TRIED, ErrorCode.CODE_INVALID, ErrorCode.ACCOUNT_NAME_INVALID, ErrorCode.PASSWORD_INVALID)
_OWN = (*_ANY, ErrorCode.NOT_A_PERSON)

router = APIRouter(prefix="/api/account", tags=["account"], dependencies=[Depends(forbid_keeping)])

Handler = Annotated[AppHandler, Depends(get_state_service)]
AskedBy = Annotated[Caller, Depends(get_caller)]
Agent = Annotated[str | None, Header(alias="user-agent")]


@router.get("", responses=answers(ErrorCode.ACCOUNTS_UNAVAILABLE))
async def route_account(handler: Handler, caller: AskedBy) -> AccountResponse:
    return await handler.accounts.account(caller)


@router.post("/setup", status_code=201, responses=answers(*_CHOSEN, ErrorCode.OWNER_EXISTS))
async def route_set_up(
    body: SetupBody, response: Response, handler: Handler, caller: AskedBy, user_agent: Agent = None
) -> SignedInResponse:
    answer, secret = await handler.accounts.set_up(caller, body, user_agent)
    _remember(response, handler, caller, secret)
    return answer


@router.post("/sign-in", responses=answers(*_TRIED, ErrorCode.SIGN_IN_FAILED))
async def route_sign_in(
    body: SignInBody, response: Response, handler: Handler, caller: AskedBy, user_agent: Agent = None
) -> SignedInResponse:
    answer, secret = await handler.accounts.sign_in(caller, body, user_agent)
    _remember(response, handler, caller, secret)
    return answer


@router.post(
    "/accept", status_code=201, responses=answers(*_CHOSEN, ErrorCode.ACCOUNT_NAME_TAKEN, ErrorCode.ACCOUNT_UNKNOWN)
)
async def route_accept(
    body: AcceptBody, response: Response, handler: Handler, caller: AskedBy, user_agent: Agent = None
) -> SignedInResponse:
    answer, secret = await handler.accounts.accept(caller, body, user_agent)
    _remember(response, handler, caller, secret)
    return answer


@router.post("/sign-out", status_code=204, responses=answers(*_ANY, ErrorCode.ACCOUNT_UNKNOWN))
async def route_sign_out(response: Response, handler: Handler, caller: AskedBy) -> None:
    await handler.accounts.sign_out(caller)
    _remember(response, handler, caller, None)


@router.post("/sign-out-everywhere", status_code=204, responses=answers(*_OWN))
async def route_sign_out_everywhere(response: Response, handler: Handler, caller: AskedBy) -> None:
    await handler.accounts.sign_out_everywhere(caller)
    _remember(response, handler, caller, None)


@router.post(
    "/password",
    status_code=204,
    responses=answers(*_OWN, *_TRIED, ErrorCode.SIGN_IN_FAILED, ErrorCode.PASSWORD_INVALID, ErrorCode.ACCOUNT_UNKNOWN),
)
async def route_change_password(body: PasswordBody, handler: Handler, caller: AskedBy) -> None:
    await handler.accounts.change_password(caller, body)


@router.get("/sessions", responses=answers(*_OWN))
async def route_sessions(handler: Handler, caller: AskedBy) -> AccountSessionsResponse:
    return await handler.accounts.sessions(caller)


@router.delete("/sessions/{session_id}", status_code=204, responses=answers(*_OWN, ErrorCode.ACCOUNT_UNKNOWN))
async def route_end_session(session_id: str, handler: Handler, caller: AskedBy) -> None:
    await handler.accounts.end_session(caller, session_id)


@router.get("/tokens", responses=answers(*_OWN))
async def route_tokens(handler: Handler, caller: AskedBy) -> TokensResponse:
    return await handler.accounts.tokens(caller)


@router.post(
    "/tokens",
    status_code=201,
    responses=answers(*_OWN, ErrorCode.ACCOUNT_UNKNOWN, ErrorCode.ACCOUNT_NAME_INVALID, ErrorCode.TOO_MANY_REQUESTS),
)
async def route_make_token(body: NewTokenBody, handler: Handler, caller: AskedBy) -> NewTokenResponse:
    return await handler.accounts.make_token(caller, body)


@router.delete("/tokens/{token_id}", status_code=204, responses=answers(*_OWN, ErrorCode.ACCOUNT_UNKNOWN))
async def route_revoke_token(token_id: str, handler: Handler, caller: AskedBy) -> None:
    await handler.accounts.revoke_token(caller, token_id)


def _remember(response: Response, handler: AppHandler, caller: Caller, secret: str | None) -> None:
    cookie = set_cookie(handler.accounts.port, secret, is_secure=caller.is_secure)
    response.headers["Set-Cookie"] = cookie
