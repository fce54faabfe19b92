"""The one task that reads a session's socket. It never waits for work: requests are queued, controls put away."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final, Protocol, TypeAlias, cast

import structlog
from pydantic import TypeAdapter, ValidationError

from error_types import DomainError, ErrorCode
from handlers.session.requests import RequestQueue, UnparsedRequest, Waiting
from runtime_config.runtime_config import MIB, SessionLimits
from wire_protocol import AnyClientMessage, AnyNotification, AnyRequest

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

ReceiveEvent: TypeAlias = MutableMapping[str, Any]

_LARGE: Final = 64 * 1024  # characters; above, parsing leaves the event loop
_FAIR_SHARE: Final = 32  # messages in a row before other tasks get a turn: a flood must not hold the loop
_REQUEST_ID: Final = re.compile(r'"req_id"\s*:\s*"([^"\\]{1,64})"')


class ReceivingSocketLike(Protocol):
    async def receive(self) -> ReceiveEvent: ...


class Receiver:
    def __init__(
        self,
        socket: ReceivingSocketLike,
        queue: RequestQueue,
        *,
        adapter: TypeAdapter[AnyClientMessage],
        limits: SessionLimits,
        notify: Callable[[AnyNotification], None],
        refuse: Callable[[str, DomainError], None],
    ) -> None:
        self._socket = socket
        self._queue = queue
        self._adapter = adapter
        self._limits = limits
        self._notify = notify
        self._refuse = refuse

    async def run(self) -> None:
        """Read until the client is gone."""
        received = 0
        while (event := await self._socket.receive())["type"] != "websocket.disconnect":
            text = event.get("text")
            if text is None:
                logger.warning("A binary message was ignored: clients send JSON text")
            else:
                self._on_text(text)
            received += 1
            if received % _FAIR_SHARE == 0:
                await asyncio.sleep(0)

    def parse(self, text: str) -> AnyClientMessage:
        """Raises: DomainError, with the first thing that is wrong."""
        try:
            return self._adapter.validate_json(text)
        except ValidationError as error:
            raise DomainError(f"Invalid message: {_first_fault(error)}.", ErrorCode.INVALID_REQUEST) from error

    def _on_text(self, text: str) -> None:
        if len(text) > self._limits.max_message_bytes:
            limit = self._limits.max_message_bytes // MIB
            error = DomainError(f"The message is larger than {limit} MiB.", ErrorCode.MESSAGE_TOO_LARGE)
            self._refuse_text(text, error)
        elif len(text) > _LARGE:
            self._enqueue(UnparsedRequest(sniff_request_id(text), text), len(text))
        else:
            try:
                message = self.parse(text)
            except DomainError as error:
                self._refuse_text(text, error)
            else:
                self._dispatch(message, len(text))

    def _dispatch(self, message: AnyClientMessage, size: int) -> None:
        if isinstance(message, AnyRequest):
            self._enqueue(message, size)
        else:
            self._notify(message)

    def _enqueue(self, waiting: Waiting, size: int) -> None:
        if not self._queue.offer(waiting, size):
            error = DomainError("Too many requests wait for an answer.", ErrorCode.TOO_MANY_REQUESTS)
            if waiting.req_id is not None:
                self._refuse(waiting.req_id, error)

    def _refuse_text(self, text: str, error: DomainError) -> None:
        logger.warning("A message was refused", code=error.code.value, reason=error.message)
        req_id = sniff_request_id(text)
        if req_id is not None:
            self._refuse(req_id, error)


def sniff_request_id(text: str) -> str | None:
    """The request id of a message that could not be read as one, so that it can be answered all the same."""
    if len(text) <= _LARGE:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            return _as_request_id(cast("Mapping[str, object]", value).get("req_id"))
    found = _REQUEST_ID.search(text[:_LARGE]) or _REQUEST_ID.search(text[-_LARGE:])
    return None if found is None else found[1]


def _as_request_id(value: object) -> str | None:
    match value:
        case str() if 1 <= len(value) <= 64:
            return value
        case int() if not isinstance(value, bool):
            return str(value)[:64]
        case _:
            return None


def _first_fault(error: ValidationError) -> str:
    """Where and what, without echoing the input."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{first['msg']} ({where})" if where else first["msg"]
