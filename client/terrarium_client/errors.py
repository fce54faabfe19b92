"""What can go wrong between a client and its server. Each error has the server's own sentence, where it said one."""

from __future__ import annotations


class TerrariumError(Exception):
    """Anything that this package raises by itself. `str()` of it is a sentence for the person."""


class RefusedError(TerrariumError):
    """The server refused a request; the session goes on. `code` is one of `protocol.ErrorCode`, or newer."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class SessionEndedError(TerrariumError):
    """The server ended the session, or did not let it begin. `code` says why."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class ConnectionLostError(TerrariumError):
    """The connection broke, or could not be made, and the world could not be brought back."""


class DamagedMessageError(TerrariumError):
    """What the server sent is no message of the protocol."""
