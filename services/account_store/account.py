"""People who share the server: their roles, what they may be trusted with, and what they are known by."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

UserId: TypeAlias = str
SessionKey: TypeAlias = str
TokenId: TypeAlias = str
InvitationId: TypeAlias = str


class Role(StrEnum):
    OWNER = "owner"
    PLAYER = "player"
    VIEWER = "viewer"


class Scope(StrEnum):
    """What a request needs. A role has some of them, and an API token some of its person's."""

    READ = "read"
    PLAY = "play"  # with what a session keeps of itself: recordings, moments, saved worlds
    CREATE = "create"  # pictures, scenes and jobs
    MANAGE = "manage"  # rename and delete
    ADMIN = "admin"  # the server, and what belongs to others
    ACCOUNT = "account"  # one's own password, sessions and tokens; no token has it


@dataclass(frozen=True, slots=True)
class User:
    """`name` is as it was chosen; no other user has it, in capital or small letters. Times are seconds since 1970."""

    id: UserId
    name: str
    role: Role
    disabled: bool
    created_at: float


@dataclass(frozen=True, slots=True)
class UserSession:
    """A browser in which somebody has signed in. `agent` is what it calls itself."""

    id: SessionKey
    user_id: UserId
    created_at: float
    last_seen_at: float
    expires_at: float
    agent: str


@dataclass(frozen=True, slots=True)
class ApiToken:
    """`expires_at` None: never. `last_used_at` None: not yet."""

    id: TokenId
    user_id: UserId
    name: str
    scopes: frozenset[Scope]
    created_at: float
    expires_at: float | None
    last_used_at: float | None


@dataclass(frozen=True, slots=True)
class Invitation:
    """Whoever has its code may choose a name and a password, once."""

    id: InvitationId
    role: Role
    created_at: float
    expires_at: float
