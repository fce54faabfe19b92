"""Hashing of passwords beside the event loop: two at a time, as each takes 64 MiB, and so many that wait."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

from error_types import ErrorCode, RetryLaterError
from handlers.base import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.password_hasher.password_hasher import PasswordHasher

Result = TypeVar("Result")

_AT_ONCE: Final = 2
_MOST_WAITING: Final = 32
_BUSY_S: Final = 3


class Passwords:
    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher = hasher
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="passwords")
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """Raises: RetryLaterError, too many wait already."""
        return await self._run(lambda: self._hasher.hash(password))

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether it is the password of that hash. None, for an account that is not there, takes as long.

        Raises:
            RetryLaterError: too many wait already.
        """
        if password_hash is None:
            await self.hash(password)
            return False
        return await self._run(lambda: self._hasher.matches(password, password_hash))

    def is_outdated(self, password_hash: str) -> bool:
        return self._hasher.is_outdated(password_hash)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._waiting >= _MOST_WAITING:
            message = "Too many people are signing in just now. Try again in a moment."
            raise RetryLaterError(message, ErrorCode.TOO_MANY_ATTEMPTS, _BUSY_S)
        self._waiting += 1
        try:
            return await in_thread(self._threads, work)
        finally:
            self._waiting -= 1
