"""Reads a client's messages: requests are queued, and all else is handed on at once."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final, Protocol, TypeAlias, cast

import structlog
from pydantic import TypeAdapter, ValidationError

from error_types import DomainError, ErrorCode, first_fault
from handlers.session.endings import request_error
from handlers.session.requests import RequestQueue, UnparsedRequest, Waiting
from runtime_config.runtime_config import MIB
from wire_protocol import AnyClientMessage, AnyNotification, AnyRequest, RpcError

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

ReceiveEvent: TypeAlias = MutableMapping[str, Any]

_NO_CODE: Final = 1005  # by RFC 6455: the peer has closed without saying why
_LARGE: Final = 64 * 1024  # characters; larger messages are parsed on a thread
_FAIR_SHARE: Final = 32  # messages in a row before other tasks get a turn: a flood must not hold the event loop
_REQUEST_ID: Final = re.compile(r'"req_id"\s*:\s*"([^"\\]{1,64})"')


class ReceivingSocketLike(Protocol):
    async def receive(self) -> ReceiveEvent: ...


class Receiver:
    """The one task that reads a session's socket. It never waits for work: requests are queued, controls put away."""

    def __init__(
        self,
        socket: ReceivingSocketLike,
        queue: RequestQueue,
        *,
        parse: Callable[[str], AnyClientMessage],
        max_message_bytes: int,
        notify: Callable[[AnyNotification], None],
        refuse: Callable[[RpcError], None],
    ) -> None:
        self._socket = socket
        self._queue = queue
        self._parse = parse
        self._max_message_bytes = max_message_bytes
        self._notify = notify
        self._refuse = refuse

    async def run(self) -> int:
        """Read until the client is gone; the code with which its socket was closed."""
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
        return int(event.get("code", _NO_CODE))

    def _on_text(self, text: str) -> None:
        if len(text) > self._max_message_bytes:
            limit = self._max_message_bytes // MIB
            error = DomainError(f"The message is larger than {limit} MiB.", ErrorCode.MESSAGE_TOO_LARGE)
            self._refuse_text(text, error)
        elif len(text) > _LARGE:
            self._enqueue(UnparsedRequest(sniff_request_id(text), text), len(text))
        else:
            try:
                message = self._parse(text)
            except DomainError as error:
                self._refuse_text(text, error)
            else:
                if isinstance(message, AnyRequest):
                    self._enqueue(message, len(text))
                else:
                    self._notify(message)

    def _enqueue(self, waiting: Waiting, size: int) -> None:
        if not self._queue.offer(waiting, size) and waiting.req_id is not None:
            error = DomainError("Too many requests wait for an answer.", ErrorCode.TOO_MANY_REQUESTS)
            self._refuse(request_error(waiting.req_id, error))

    def _refuse_text(self, text: str, error: DomainError) -> None:
        logger.warning("A message was refused", code=error.code.value, reason=error.message)
        req_id = sniff_request_id(text)
        if req_id is not None:
            self._refuse(request_error(req_id, error))


def parser(adapter: TypeAdapter[AnyClientMessage]) -> Callable[[str], AnyClientMessage]:
    """What reads the messages of a client; it raises DomainError with the first thing that is wrong with one."""

    def parse(text: str) -> AnyClientMessage:
        try:
            return adapter.validate_json(text)
        except ValidationError as error:
            raise DomainError(f"Invalid message: {first_fault(error.errors())}.", ErrorCode.INVALID_REQUEST) from error

    return parse


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
