"""The interface of whatever makes hashes of passwords, and compares passwords with them."""

from __future__ import annotations

from typing import Protocol


class PasswordHasher(Protocol):
    """Every method takes a tenth of a second and much memory on purpose, and may be called from any thread."""

    def hash(self, password: str) -> str:
        """At most 256 characters, with the name of the method and its parameters. Each call gives another one."""
        ...

    def matches(self, password: str, password_hash: str) -> bool:
        """Whether the hash is one of that password; what is no hash matches none."""
        ...

    def is_outdated(self, password_hash: str) -> bool:
        """Whether it was made by other parameters than those of today. It is quick."""
        ...
