"""Reads the cards of engines of other packages, each in a process of its own.

To read a card is to import its package. That may take a gigabyte of libraries into memory, never end, or end the
process, and the server has to start all the same.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
import traceback
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import wait
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import structlog
from pydantic import TypeAdapter, ValidationError

from services.world_engine.engine_card import EngineCard

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from multiprocessing.connection import Connection

    from services.world_engine.plugins.entry_points import EnginePoint

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

READ_LIMIT_S: Final = 20.0
_LARGEST_CARD: Final = 1 << 16  # bytes
_CARD: Final = TypeAdapter(EngineCard)


@dataclass(frozen=True, slots=True)
class NoCard:
    """`reason` is a sentence for the people of this server."""

    reason: str


def read_cards(points: Sequence[EnginePoint], limit_s: float = READ_LIMIT_S) -> tuple[EngineCard | NoCard, ...]:
    """The card of each engine, in their order. Blocks until all are read, and no longer than `limit_s`."""
    deadline = time.monotonic() + limit_s
    with ExitStack() as stack:
        readings = [stack.enter_context(_Reading(point)) for point in points]
        return tuple(reading.result(deadline, limit_s) for reading in readings)


class _Reading:
    """One process that imports one package. It does not outlive the block."""

    def __init__(self, point: EnginePoint) -> None:
        self._point = point
        spawning = multiprocessing.get_context("spawn")  # a fork would inherit held locks and open sockets
        self._connection, self._theirs = spawning.Pipe(duplex=False)
        self._process = spawning.Process(
            target=_send_card, args=(self._theirs, point.value), name=f"card of {point.name}", daemon=True
        )

    def __enter__(self) -> _Reading:
        self._process.start()
        self._theirs.close()  # otherwise this process would not see the connection end
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()
        self._connection.close()

    def result(self, deadline: float, limit_s: float) -> EngineCard | NoCard:
        package = self._point.package
        if not wait([self._connection], max(0.0, deadline - time.monotonic())):
            return NoCard(f"Importing the package {package} did not end within {limit_s:.0f} s.")
        try:
            sent: Any = json.loads(self._connection.recv_bytes(_LARGEST_CARD))
        except (OSError, EOFError, ValueError):
            return NoCard(f"Importing the package {package} ended the process that did it.")
        if "card" in sent:
            return _checked(sent["card"], package)
        logger.warning("An engine's package could not be imported", package=package, traceback=sent["traceback"])
        return NoCard(f"The package {package} {sent['fault']}")


def _checked(card: Mapping[str, Any], package: str) -> EngineCard | NoCard:
    try:
        return _CARD.validate_python(card)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return NoCard(f"The card of the package {package} is wrong: {where + ': ' if where else ''}{first['msg']}.")


# ------------------------------------------------------------------------------------------------- in the process


def _send_card(connection: Connection, value: str) -> None:
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a package prints is no output of the server
    connection.send_bytes(json.dumps(_read(value)).encode())


def _read(value: str) -> Mapping[str, Any]:
    try:
        card = getattr(resolve(value), "card", None)
        if isinstance(card, EngineCard):
            return {"card": _CARD.dump_python(card, mode="json", warnings=False)}
        return {"fault": f"has no `card` in {value} that is an EngineCard.", "traceback": ""}
    except BaseException as error:  # noqa: BLE001 - a package may raise anything, SystemExit too
        return {"fault": _fault(error, value), "traceback": traceback.format_exc()}


def resolve(value: str) -> Any:
    """What `module:name` names, imported here."""
    module, _, name = value.partition(":")
    return attrgetter(name)(import_module(module))


def _fault(error: BaseException, value: str) -> str:
    match error:
        case ModuleNotFoundError(name=str(missing)):
            return f"needs the Python module {missing}, which is not installed."
        case AttributeError():
            return f"has nothing at {value}, or failed on the way there; the server's log has the details."
        case _:
            return f"could not be imported: it raised {type(error).__name__}. The server's log has the details."
