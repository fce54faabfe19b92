"""Which parts of the server are there: those that it opens at its start and closes at its stop."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, overload

from error_types import DomainError, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Generator

T = TypeVar("T")


class _Stage(Enum):
    TO_COME = auto()
    OPEN = auto()
    CLOSED = auto()


class Presence:
    """The stage of each part, by the name that people know it by. Until `wired` is called, every part may be named."""

    def __init__(self) -> None:
        self._stages: dict[str, _Stage] = {}
        self._is_wired = False

    def wired(self) -> None:
        """All parts are made. They are there for requests once they are opened."""
        self._is_wired = True

    @contextmanager
    def of(self, *names: str) -> Generator[None]:
        """These parts are there in the block."""
        self._stages.update(dict.fromkeys(names, _Stage.OPEN))
        try:
            yield
        finally:
            self._stages.update(dict.fromkeys(names, _Stage.CLOSED))

    def require(self, name: str) -> None:
        """Raises: DomainError, the part of that name is not there yet, or not any more."""
        if not self._is_wired:
            return
        match self._stages.get(name, _Stage.TO_COME):
            case _Stage.OPEN:
                return
            case _Stage.TO_COME:
                message = f"The server is starting, and its {name} are not there yet. Try again in a moment."
                raise DomainError(message, ErrorCode.SERVICE_UNAVAILABLE)
            case _Stage.CLOSED:
                raise DomainError(
                    f"The server is stopping, and its {name} are closed already.", ErrorCode.SHUTTING_DOWN
                )


class HasPresence(Protocol):
    @property
    def presence(self) -> Presence: ...


@dataclass(frozen=True)
class Part(Generic[T]):
    """An attribute that refuses to be read while what it stands for is not open: requests are answered 503.

    `name` is a plural that people know it by, such as "jobs", and each part of a handler has another one.
    """

    name: str

    def __set__(self, owner: HasPresence, part: T) -> None:
        vars(owner)[self._key] = part

    @overload
    def __get__(self, owner: None, owner_type: type[Any]) -> Part[T]: ...
    @overload
    def __get__(self, owner: HasPresence, owner_type: type[Any]) -> T: ...
    def __get__(self, owner: HasPresence | None, owner_type: type[Any]) -> Part[T] | T:
        if owner is None:
            return self
        owner.presence.require(self.name)
        part: T = vars(owner)[self._key]
        return part

    @property
    def _key(self) -> str:
        return f"part {self.name}"
