"""Argon2id (RFC 9106), by argon2-cffi, which is imported when the first password comes."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from argon2 import PasswordHasher as Argon2

# The second recommendation of RFC 9106, section 4, which is for little memory: two at a time have room beside a model.
_MEMORY_KIB: Final = 64 * 1024
_PASSES: Final = 3
_LANES: Final = 4


class Argon2PasswordHasher:
    """A `PasswordHasher`. Hashes are in the PHC format, which names method, version and parameters."""

    def __init__(self, *, memory_kib: int = _MEMORY_KIB, passes: int = _PASSES, lanes: int = _LANES) -> None:
        self._memory_kib = memory_kib
        self._passes = passes
        self._lanes = lanes

    def hash(self, password: str) -> str:
        return self._argon2.hash(password)

    def matches(self, password: str, password_hash: str) -> bool:
        from argon2.exceptions import InvalidHashError, VerificationError

        try:
            return self._argon2.verify(password_hash, password)
        except (InvalidHashError, VerificationError):
            return False

    def is_outdated(self, password_hash: str) -> bool:
        return self._argon2.check_needs_rehash(password_hash)

    @cached_property
    def _argon2(self) -> Argon2:
        from argon2 import PasswordHasher as Argon2
        from argon2 import Type

        return Argon2(time_cost=self._passes, memory_cost=self._memory_kib, parallelism=self._lanes, type=Type.ID)
