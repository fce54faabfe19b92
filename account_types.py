"""REST request and response models of accounts. Times are seconds since 1970."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints, WithJsonSchema

from api_types import ApiModel
from services.account_store.account import Role, Scope

# What is wrong with a name or a password is said by `handlers.accounts.names`, in words; here it is only described, and
# what is read is bounded.
Name: TypeAlias = Annotated[
    str,
    StringConstraints(max_length=256),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 64, "description": "Every character shows."}),
]
Password: TypeAlias = Annotated[
    str, StringConstraints(max_length=4096), WithJsonSchema({"type": "string", "minLength": 10, "maxLength": 1024})
]
Code: TypeAlias = Annotated[str, StringConstraints(max_length=256)]
# `account` is no scope of tokens: a token makes no other tokens, and changes no password.
TokenScope: TypeAlias = Literal[Scope.READ, Scope.PLAY, Scope.CREATE, Scope.MANAGE, Scope.ADMIN]


class UserBody(ApiModel):
    id: str
    name: str
    role: Role


class AccountResponse(ApiModel):
    """`accounts`: the server knows people. `setup`: it has no owner yet. `how` says what the request was known by;
    `machine` is the server's token, or this very machine where there are no accounts. `may_enter`: more is answered
    than what lets somebody sign in."""

    accounts: bool
    setup: bool
    user: UserBody | None
    how: Literal["session", "token", "machine", "anonymous"]
    may_enter: Annotated[bool, Field(serialization_alias="mayEnter")]


class SignedInResponse(ApiModel):
    user: UserBody


class SetupBody(ApiModel):
    """`code` is what the server printed at its start; on its own machine, or with its token, none is needed."""

    name: Name
    password: Password
    code: Code | None = None


class SignInBody(ApiModel):
    name: Name
    password: Password


class AcceptBody(ApiModel):
    """`code` is an invitation's."""

    code: Code
    name: Name
    password: Password


class PasswordBody(ApiModel):
    old: Password
    new: Password


class SessionBody(ApiModel):
    """`agent` is what the browser called itself. `current`: the one that asks."""

    id: str
    created: float
    last_seen: Annotated[float, Field(serialization_alias="lastSeen")]
    agent: str
    current: bool


class AccountSessionsResponse(ApiModel):
    sessions: list[SessionBody]


class TokenBody(ApiModel):
    """`expires` null: never. `last_used` null: not yet."""

    id: str
    name: str
    scopes: list[Scope]
    created: float
    expires: float | None
    last_used: Annotated[float | None, Field(serialization_alias="lastUsed")]


class TokensResponse(ApiModel):
    tokens: list[TokenBody]


class NewTokenBody(ApiModel):
    name: Name
    scopes: Annotated[list[TokenScope], Field(min_length=1, max_length=16)]
    expires_days: Annotated[int | None, Field(ge=1, le=3650, validation_alias="expiresDays")] = None


class NewTokenResponse(TokenBody):
    """`token` is shown here, and never again."""

    token: str


class PersonBody(UserBody):
    """`last_seen` null: never."""

    disabled: bool
    created: float
    last_seen: Annotated[float | None, Field(serialization_alias="lastSeen")]


class PeopleResponse(ApiModel):
    people: list[PersonBody]


class ChangePersonBody(ApiModel):
    role: Role | None = None
    disabled: bool | None = None


class InvitationBody(ApiModel):
    id: str
    role: Role
    created: float
    expires: float


class InvitationsResponse(ApiModel):
    invitations: list[InvitationBody]


class NewInvitationBody(ApiModel):
    role: Role = Role.PLAYER
    expires_hours: Annotated[int, Field(ge=1, le=24 * 90, validation_alias="expiresHours")] = 7 * 24


class NewInvitationResponse(InvitationBody):
    """`code` is shown here, and never again."""

    code: str
