"""A password hasher that costs nothing, counts, and can be held up."""

from __future__ import annotations

import hashlib
import secrets
import threading

_METHOD = "fake2"


class FakePasswordHasher:
    """A `PasswordHasher`. `count` is how many hashes were made, also to compare; `most` how many at once.

    While `gate` is cleared, hashing waits.
    """

    def __init__(self, method: str = _METHOD) -> None:
        self.count = 0
        self.most = 0
        self.gate = threading.Event()
        self.gate.set()
        self._method = method
        self._running = 0
        self._lock = threading.Lock()

    def hash(self, password: str) -> str:
        salt = secrets.token_hex(8)
        return f"{self._method}${salt}${self._worked(salt, password)}"

    def matches(self, password: str, password_hash: str) -> bool:
        method, salt, digest = (*password_hash.split("$"), "", "")[:3]
        return self._worked(salt, password) == digest and method.startswith("fake")

    def is_outdated(self, password_hash: str) -> bool:
        return not password_hash.startswith(f"{self._method}$")

    def _worked(self, salt: str, password: str) -> str:
        with self._lock:
            self.count += 1
            self._running += 1
            self.most = max(self.most, self._running)
        try:
            self.gate.wait(60)
            return hashlib.sha256(f"{salt}{password}".encode()).hexdigest()
        finally:
            with self._lock:
                self._running -= 1
