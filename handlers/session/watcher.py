"""Somebody who watches a session: their frames, what they may say, and the end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol, assert_never

import structlog
from pydantic import ValidationError

from error_types import DomainError, ErrorCode
from handlers.session.outbox import Outbox, OutgoingPass, SocketLike, Writer
from handlers.session.receiver import ReceivingSocketLike
from handlers.session.sharing import WatchEnd
from handlers.session.stats import SessionStats
from wire_protocol import (
    WATCHER_MESSAGE,
    AskControlsNotification,
    ControlNotification,
    ErrorMessage,
    ExtendedRpcSuccess,
    FrameAckNotification,
    ReturnControlsNotification,
    VideoRequest,
    VideoResponseData,
    WatcherMessage,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from handlers.session.encoded_passes import Codec, EncodedPass, EncodedPasses, PassSubscriber
    from handlers.session.play import SessionPlay
    from handlers.session.sharing import SessionSharing
    from runtime_config.runtime_config import SessionLimits
    from services.clock.clock import Clock
    from services.metrics.metrics import Metrics
    from services.read_receipts.read_receipts import ReadReceipts
    from wire_protocol import WatchingMessage

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_FAIR_SHARE: Final = 32  # messages in a row before other tasks get a turn
_LONGEST_MESSAGE: Final = 4096  # characters; the longest that makes sense here is a control
_FREE_WORDS: Final = 20  # messages that are neither confirmations nor controls that count, at once
_WORDS_PER_S: Final = 2.0  # and then so many
_STILL_UNDERWAY_S: Final = 2.0  # controls that were sent before their sender heard that they do not count any more

TOO_SLOW: Final = WatchEnd(
    "You read too slowly to watch, so the connection was closed.", ErrorCode.CLIENT_TOO_SLOW, 1008
)
MEDDLED: Final = WatchEnd("You only watch here, and went on sending other things.", ErrorCode.WATCH_ONLY, 1008)
FAILED: Final = WatchEnd("The server made a mistake; its log has the details.", ErrorCode.INTERNAL, 1011)


class WatcherSocketLike(SocketLike, ReceivingSocketLike, Protocol):
    pass


class Allowance:
    """How much somebody may say who only watches."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left = float(_FREE_WORDS)
        self._at = clock.monotonic()

    def take(self) -> bool:
        """Whether this was not too much."""
        now = self._clock.monotonic()
        self._left = min(float(_FREE_WORDS), self._left + (now - self._at) * _WORDS_PER_S) - 1
        self._at = now
        return self._left >= 0


class Watcher:
    """One connection. It holds two passes that wait at most, and the session waits for none of it."""

    def __init__(
        self,
        sharing: SessionSharing,
        passes: EncodedPasses,
        play: SessionPlay,
        codec: Codec,
        *,
        network: str,
        receipts: ReadReceipts | None,
        limits: SessionLimits,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._sharing = sharing
        self._passes = passes
        self._play = play
        self._codec: Codec = codec
        self._network = network
        self._receipts = receipts
        self._limits = limits
        self._clock = clock
        self._metrics = metrics
        self._stats = SessionStats()
        self._outbox = Outbox(clock, self._stats, limits.max_unsent_messages, lambda: None)
        self._allowance = Allowance(clock)
        self._over = asyncio.Event()
        self._end: WatchEnd | None = None
        self._epoch: int | None = None
        self._has_controls = False
        self._lost_controls_at = float("-inf")
        self._told = frozenset[ErrorCode]()

    @property
    def network(self) -> str:
        return self._network

    def tell(self, message: WatchingMessage) -> None:
        has_controls = message.controls == "yours"
        if self._has_controls and not has_controls:
            self._lost_controls_at = self._clock.monotonic()
        self._has_controls = has_controls
        self._outbox.post_newest(message)

    def end(self, end: WatchEnd) -> None:
        """Begin to end; the first reason counts."""
        if not self._over.is_set():
            self._end = end
            self._over.set()

    async def run(self, socket: WatcherSocketLike) -> None:
        """Show the session to somebody until they leave, or are told why they cannot watch any longer.

        Raises:
            DomainError: as many watch as may. Nothing was sent.
        """
        number = self._sharing.join(self)
        subscriber = self._subscribe()
        writer = Writer(
            socket, self._outbox, self._stats, receipts=self._receipts, clock=self._clock, metrics=self._metrics
        )
        writing = asyncio.create_task(self._guard(writer.run()))
        others = {
            asyncio.create_task(self._guard(work))
            for work in (self._receive(socket, number), self._hand_on(), self._show_newest(subscriber))
        }
        try:
            await self._over.wait()
        finally:
            self._sharing.leave(number)
            self._subscriber.close()
            for task in others:
                task.cancel()
            await asyncio.wait(others)
            await self._say_goodbye(writing)

    async def _say_goodbye(self, writing: asyncio.Task[None]) -> None:
        if self._end is not None:
            self._outbox.post(ErrorMessage(message=self._end.message, code=self._end.code))
            self._outbox.close(self._end.close_code, self._end.code.value)
            await asyncio.wait({writing}, timeout=self._limits.farewell_timeout_s)
        writing.cancel()
        await asyncio.wait({writing})

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # the boundary of these tasks: it owns their tracebacks
            logger.exception("Watching failed", exc_info=error)
            self.end(FAILED)

    # --------------------------------------------------------------------------------------------------------- frames

    def _subscribe(self) -> PassSubscriber:
        """Of JPEGs only the newest is of interest; two of H.264 cover what a link varies."""
        self._subscriber = self._passes.subscribe(self._codec, 1 if self._codec == "jpeg" else 2)
        return self._subscriber

    async def _show_newest(self, newcomer: PassSubscriber) -> None:
        """The picture on the player's screen, as the world may rest for long."""
        actor = self._play.actor
        if actor is not None:
            with suppress(DomainError):  # the session ends
                await actor.run_between_steps(lambda world: world.show_newcomer(newcomer))

    async def _hand_on(self) -> None:
        while True:
            subscriber = self._subscriber
            if await self._has_room(subscriber):
                encoded = await subscriber.next()
                if encoded is not None:
                    self._post(encoded)

    async def _has_room(self, subscriber: PassSubscriber) -> bool:
        """Wait for it. False: it takes long, or too long while something waits, which ends this."""
        try:
            async with asyncio.timeout(self._limits.watcher_patience_s):
                await self._outbox.room()
        except TimeoutError:
            if subscriber.has_waiting:
                self.end(TOO_SLOW)
            return False
        return True

    def _post(self, encoded: EncodedPass) -> None:
        header = encoded.header
        if header.epoch is not None and header.epoch != self._epoch:
            self._epoch = header.epoch
            self._outbox.begin_epoch(header.epoch)
        if header.codec is not None and header.gen_ms > 0:
            self._outbox.use_pace(1000 / header.gen_ms)
        parts, now = len(encoded.parts), self._clock.monotonic()
        self._outbox.post_pass(OutgoingPass(encoded.envelope, header.frame_id, parts, None, now))

    # ------------------------------------------------------------------------------------------------------- messages

    async def _receive(self, socket: WatcherSocketLike, number: int) -> None:
        received = 0
        while (event := await socket.receive())["type"] != "websocket.disconnect":
            self._on_text(event.get("text") or "", number)
            received += 1
            if received % _FAIR_SHARE == 0:
                await asyncio.sleep(0)
        self._over.set()

    def _on_text(self, text: str, number: int) -> None:
        if self._over.is_set():
            return
        try:
            if len(text) > _LONGEST_MESSAGE:
                raise _only_watches()
            self._on_message(_parsed(text), number)
        except DomainError as error:
            self._refuse(error)

    def _on_message(self, message: WatcherMessage, number: int) -> None:
        """Raises: DomainError, to be told."""
        match message:
            case FrameAckNotification(frame_id=frame_id, epoch=epoch):
                self._outbox.acknowledge(frame_id, epoch)
            case ControlNotification():
                is_late = self._clock.monotonic() - self._lost_controls_at < _STILL_UNDERWAY_S
                if not self._sharing.guest_control(number, message) and not is_late:
                    raise _only_watches()
            case AskControlsNotification():
                self._spend()
                self._sharing.ask(number)
            case ReturnControlsNotification():
                self._spend()
                self._sharing.give_back(number)
            case VideoRequest(req_id=req_id, codec=codec):
                self._spend()
                self._use_video(codec)
                self._outbox.post(ExtendedRpcSuccess(req_id=req_id, data=VideoResponseData(codec=codec)))
            case _:
                assert_never(message)

    def _use_video(self, codec: Codec) -> None:
        """From the next key frame on; asked for again, H.264 begins anew, for a decoder that has failed."""
        before, self._codec = self._subscriber, codec
        self._subscribe()
        before.close()
        self._outbox.use_pace(None)

    def _refuse(self, error: DomainError) -> None:
        """Tell it, but the same thing only once: who sends controls sends them by the dozen."""
        self._spend()
        is_first, self._told = error.code not in self._told, self._told | {error.code}
        if is_first or error.code is not ErrorCode.WATCH_ONLY:
            self._outbox.post(ErrorMessage(message=error.message, code=error.code))

    def _spend(self) -> None:
        if not self._allowance.take():
            self.end(MEDDLED)


def _parsed(text: str) -> WatcherMessage:
    """Raises: DomainError, it is nothing that somebody who watches may send."""
    try:
        return WATCHER_MESSAGE.validate_json(text)
    except ValidationError as error:
        raise _only_watches() from error


def _only_watches() -> DomainError:
    return DomainError("You only watch here. Ask for the controls first.", ErrorCode.WATCH_ONLY)
