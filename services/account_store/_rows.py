"""Rows of the tables, to and from what they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.account_store.account import ApiToken, Invitation, Role, Scope, User, UserSession

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, RowMapping, Table

    from services.account_store.account_store import NewUser


def labelled(table: Table) -> Sequence[ColumnElement[Any]]:
    """All columns of a table, each named with the table in front, so that two tables fit in one row."""
    return [column.label(f"{table.name}_{column.name}") for column in table.columns]


def row_of_new_user(new: NewUser, role: Role, at: float) -> dict[str, Any]:
    return {
        "id": new.id,
        "name": new.name,
        "name_key": new.name_key,
        "password_hash": new.password_hash,
        "role": role.value,
        "disabled": False,
        "created_at": at,
    }


def user_of(row: RowMapping, prefix: str = "") -> User:
    return User(
        id=row[f"{prefix}id"],
        name=row[f"{prefix}name"],
        role=Role(row[f"{prefix}role"]),
        disabled=row[f"{prefix}disabled"],
        created_at=row[f"{prefix}created_at"],
    )


def row_of_session(session: UserSession) -> dict[str, Any]:
    return {
        "id": session.id,
        "user_id": session.user_id,
        "created_at": session.created_at,
        "last_seen_at": session.last_seen_at,
        "expires_at": session.expires_at,
        "agent": session.agent,
    }


def session_of(row: RowMapping, prefix: str = "") -> UserSession:
    return UserSession(
        id=row[f"{prefix}id"],
        user_id=row[f"{prefix}user_id"],
        created_at=row[f"{prefix}created_at"],
        last_seen_at=row[f"{prefix}last_seen_at"],
        expires_at=row[f"{prefix}expires_at"],
        agent=row[f"{prefix}agent"],
    )


def row_of_token(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "user_id": token.user_id,
        "name": token.name,
        "scopes": sorted(scope.value for scope in token.scopes),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }


def token_of(row: RowMapping, prefix: str = "") -> ApiToken:
    return ApiToken(
        id=row[f"{prefix}id"],
        user_id=row[f"{prefix}user_id"],
        name=row[f"{prefix}name"],
        scopes=frozenset(Scope(scope) for scope in row[f"{prefix}scopes"]),
        created_at=row[f"{prefix}created_at"],
        expires_at=row[f"{prefix}expires_at"],
        last_used_at=row[f"{prefix}last_used_at"],
    )


def row_of_invitation(invitation: Invitation) -> dict[str, Any]:
    return {
        "id": invitation.id,
        "role": invitation.role.value,
        "created_at": invitation.created_at,
        "expires_at": invitation.expires_at,
    }


def invitation_of(row: RowMapping) -> Invitation:
    return Invitation(row["id"], Role(row["role"]), row["created_at"], row["expires_at"])
