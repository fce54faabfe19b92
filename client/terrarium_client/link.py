"""One connection: requests and their answers, and whatever else the server says meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from terrarium_client.errors import (
    ConnectionLostError,
    DamagedMessageError,
    RefusedError,
    SessionEndedError,
    TerrariumError,
)
from terrarium_client.passes import Pass, read_pass, request_of
from terrarium_client.protocol import ErrorCode, RecordingMessage

if TYPE_CHECKING:
    from terrarium_client.transport import Transport

Data = TypeVar("Data", bound=BaseModel)

_KEPT_PASSES: Final = 8  # who reads frames() slowly misses the oldest
_FAREWELL_S: Final = 5.0  # from the last answers of a session to the word that it has ended


class Link:
    """Reads the transport in a task of its own until it ends; `close` ends both."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._numbers = 0
        self._waiting: dict[str, asyncio.Future[dict[str, Any] | bytes]] = {}
        self._passes: deque[bytes] = deque(maxlen=_KEPT_PASSES)
        self._recordings: deque[RecordingMessage] = deque(maxlen=64)
        self._news = asyncio.Condition()
        self._end: TerrariumError | None = None
        self._told: SessionEndedError | None = None
        self._reading = asyncio.create_task(self._read())

    @property
    def is_open(self) -> bool:
        return self._end is None

    async def ask(self, kind: type[BaseModel], answer: type[Data], fields: dict[str, Any]) -> Data:
        """Send a request; the data of its answer.

        Raises:
            RefusedError: the server's own sentence says why.
            SessionEndedError, ConnectionLostError: no answer will come.
        """
        got = await self._request(kind, fields)
        if isinstance(got, bytes):
            raise DamagedMessageError("Frames came where none were asked for.")
        try:
            return answer.model_validate(got.get("data"))
        except ValidationError as error:
            raise DamagedMessageError("The answer of the server has not the form that it should have.") from error

    async def ask_for_pass(self, kind: type[BaseModel], fields: dict[str, Any]) -> Pass:
        """Send a request that is answered by frames. Raises: as `ask`."""
        try:
            got = await self._request(kind, fields)
        except RefusedError as error:
            if error.code == ErrorCode.CANCELLED:  # not by this client: the session ends, and its server says why next
                await asyncio.wait({self._reading}, timeout=_FAREWELL_S)
                self._check_open()
            raise
        if not isinstance(got, bytes):
            raise DamagedMessageError("The answer of the server has no frames.")
        return read_pass(got)

    async def tell(self, message: BaseModel) -> None:
        """Send what is not answered."""
        self._check_open()
        await self._send(message)

    async def next_pass(self) -> Pass:
        """The next pass that no request asked for. Raises: SessionEndedError, ConnectionLostError."""
        async with self._news:
            await self._news.wait_for(lambda: bool(self._passes) or self._end is not None)
            if not self._passes:
                self._check_open()
            return read_pass(self._passes.popleft())

    async def next_recording(self) -> RecordingMessage:
        """The next word about a recording. Raises: as above."""
        async with self._news:
            await self._news.wait_for(lambda: bool(self._recordings) or self._end is not None)
            if not self._recordings:
                self._check_open()
            return self._recordings.popleft()

    async def close(self) -> None:
        await self._transport.close()
        self._reading.cancel()
        with suppress(asyncio.CancelledError):
            await self._reading
        await self._ended(ConnectionLostError("This world was closed."))

    async def _request(self, kind: type[BaseModel], fields: dict[str, Any]) -> dict[str, Any] | bytes:
        self._check_open()
        self._numbers += 1
        req_id = str(self._numbers)
        try:
            message = kind.model_validate({"req_id": req_id, **fields})
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise RefusedError(f"{place}: {first['msg']}.", "invalidRequest") from error
        answer = self._waiting[req_id] = asyncio.get_running_loop().create_future()
        try:
            await self._send(message)
            got = await answer
        finally:
            self._waiting.pop(req_id, None)
            answer.cancel()  # no answer is waited for any more where it could not be sent, or the caller has given up
        if not isinstance(got, bytes) and not got.get("success"):
            raise RefusedError(str(got.get("error") or "The server refused this."), str(got.get("code") or ""))
        return got

    async def _send(self, message: BaseModel) -> None:
        try:
            await self._transport.send(message.model_dump_json(exclude_none=True))
        except ConnectionLostError:
            await asyncio.wait({self._reading})  # the server may have said why before
            self._check_open()
            raise

    def _check_open(self) -> None:
        if self._end is not None:
            raise self._end

    async def _read(self) -> None:
        try:
            while True:
                message = await self._transport.receive()
                await (self._took_bytes(message) if isinstance(message, bytes) else self._took_text(message))
        except TerrariumError as error:
            await self._ended(self._told or error)

    async def _took_bytes(self, message: bytes) -> None:
        req_id = request_of(message)
        if req_id is not None:
            self._answered(req_id, message)
            return
        async with self._news:
            self._passes.append(message)
            self._news.notify_all()

    async def _took_text(self, text: str) -> None:
        try:
            message: dict[str, Any] = json.loads(text)
        except ValueError as error:
            raise DamagedMessageError("The server sent a text that is no JSON.") from error
        match message.get("type"):
            case "response":
                self._answered(str(message.get("req_id")), message)
            case "error":
                sentence = str(message.get("message") or "The server ended the session.")
                self._told = SessionEndedError(sentence, str(message.get("code") or ""))
            case "recording":
                async with self._news:
                    self._recordings.append(RecordingMessage.model_validate(message))
                    self._news.notify_all()
            case _:  # progress and logs
                pass

    def _answered(self, req_id: str, answer: dict[str, Any] | bytes) -> None:
        waiting = self._waiting.get(req_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    async def _ended(self, error: TerrariumError) -> None:
        if self._end is not None:
            return
        self._end = error
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(error)
                waiting.exception()  # whoever waits for it may find by another way that the connection has ended
        async with self._news:
            self._news.notify_all()
