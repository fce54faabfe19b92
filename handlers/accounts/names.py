"""What names and passwords may be, and when two names are the same."""

from __future__ import annotations

import unicodedata
from typing import Final

from error_types import DomainError, ErrorCode

_LONGEST_NAME: Final = 64
_SHORTEST_PASSWORD: Final = 10
_LONGEST_PASSWORD: Final = 1024
_LONGEST_AGENT: Final = 200


def checked_name(text: str) -> str:
    """A name without spaces around it, in the form in which it is kept.

    Raises:
        DomainError: it is empty, too long, or has characters that do not show.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(name) <= _LONGEST_NAME:
        message = f"A name has 1 to {_LONGEST_NAME} characters."
        raise DomainError(message, ErrorCode.ACCOUNT_NAME_INVALID)
    if not _is_visible(name):
        message = "A name has no control characters, line breaks, or characters that do not show."
        raise DomainError(message, ErrorCode.ACCOUNT_NAME_INVALID)
    return name


def name_key(name: str) -> str:
    """What two names have in common that are the same, such as in capital and in small letters."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def checked_password(text: str) -> str:
    """A password in the form in which it is hashed, so that all keyboards write the same.

    Raises:
        DomainError: it is too short or too long.
    """
    password = unicodedata.normalize("NFC", text)
    if not _SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD:
        message = f"A password has {_SHORTEST_PASSWORD} to {_LONGEST_PASSWORD} characters."
        raise DomainError(message, ErrorCode.PASSWORD_INVALID)
    return password


def agent_of(header: str | None) -> str:
    """What a browser calls itself, to be shown to whoever looks through their sessions."""
    return "".join(character for character in header or "" if _is_visible(character))[:_LONGEST_AGENT]


def _is_visible(text: str) -> bool:
    """Whether no character is a control, a format or half a character, is not assigned, or separates lines."""
    return not any(unicodedata.category(each)[0] == "C" or unicodedata.category(each) in ("Zl", "Zp") for each in text)
