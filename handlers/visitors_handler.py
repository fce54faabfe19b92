"""What anonymous visitors may do, and how much of it: the owner is never held up here."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

from access_rules import JOBS, OWNERS, REQUESTS, Anonymous, refusal
from error_types import DomainError, ErrorCode
from handlers.base import StateHandler, with_state_lock
from state.events import BytesUploaded, PictureGivenBack, PictureTaken, UploadsForgotten
from state.transitions import upload_event
from state.visitor_states import NothingUploaded, Uploaded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator
    from threading import RLock

    from access_rules import Rule, Visitor
    from runtime_config.anonymous_config import AnonymousConfig
    from runtime_config.current import Current
    from services.clock.clock import Clock
    from state.app_state_types import AppState
    from state.visitor_states import NetworkName


class VisitorsHandler(StateHandler):
    """The count of an address begins anew a while after its first upload. Only so many addresses are remembered: of
    more, the one whose count began first is forgotten."""

    def __init__(self, state: AppState, lock: RLock, clock: Clock, config: Current[AnonymousConfig]) -> None:
        super().__init__(state, lock)
        self._clock = clock
        self._config = config

    def require(self, visitor: Visitor, rule: Rule) -> None:
        """Raises: DomainError, the visitor may not do what `rule` is for."""
        refused = refusal(rule, visitor, self._config.now.may)
        if refused is not None:
            raise DomainError(refused.message, refused.code)

    def require_request(self, visitor: Visitor, kind: str) -> None:
        """Raises: DomainError, the visitor may not make a request of that type in a session."""
        self.require(visitor, REQUESTS.get(kind, OWNERS))

    def require_job(self, visitor: Visitor, kind: str) -> None:
        """Raises: DomainError, the visitor may not have a job of that kind done."""
        self.require(visitor, JOBS.get(kind, OWNERS))

    async def counted(self, visitor: Visitor, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The chunks of an upload as they come, up to the visitor's quota.

        Raises:
            DomainError: the quota is used up.
        """
        async for chunk in chunks:
            if isinstance(visitor, Anonymous):
                self._count(visitor.network, len(chunk))
            yield chunk

    @contextmanager
    def picture(self, visitor: Visitor) -> Generator[None]:
        """Counts a picture that is kept in the block; not if the block raises.

        Raises:
            DomainError: the visitor's quota is used up.
        """
        self.take_picture(visitor)
        try:
            yield
        except BaseException:
            self.give_picture_back(visitor)
            raise

    @with_state_lock
    def take_picture(self, visitor: Visitor) -> None:
        """Raises: DomainError, the visitor's quota is used up."""
        if not isinstance(visitor, Anonymous):
            return
        used = self._used(visitor.network)
        if used.pictures >= self._config.now.max_pictures:
            raise self._used_up(used, f"{self._config.now.max_pictures} pictures")
        upload_event(self._state, visitor.network, PictureTaken(self._clock.monotonic()))

    @with_state_lock
    def give_picture_back(self, visitor: Visitor) -> None:
        """A picture that was taken has not been kept."""
        if isinstance(visitor, Anonymous):
            upload_event(self._state, visitor.network, PictureGivenBack())

    @with_state_lock
    def _count(self, network: NetworkName, count: int) -> None:
        used = self._used(network)
        if used.bytes + count > self._config.now.upload_bytes:
            mib = self._config.now.upload_bytes // (1024 * 1024)
            raise self._used_up(used, f"{mib} MiB")
        upload_event(self._state, network, BytesUploaded(count, self._clock.monotonic()))

    def _used(self, network: NetworkName) -> Uploaded:
        """What an address has used up. The caller holds the lock."""
        now = self._clock.monotonic()
        match self._state.uploads.get(network, NothingUploaded()):
            case Uploaded(since=since) as used if now - since < self._config.now.window_s:
                return used
            case Uploaded():
                upload_event(self._state, network, UploadsForgotten())
            case NothingUploaded():
                pass
        if len(self._state.uploads) >= self._config.now.max_addresses:
            upload_event(self._state, next(iter(self._state.uploads)), UploadsForgotten())  # in the order of `since`
        return Uploaded(now)

    def _used_up(self, used: Uploaded, quota: str) -> DomainError:
        hours = max(1, math.ceil((used.since + self._config.now.window_s - self._clock.monotonic()) / 3600))
        wait = "an hour" if hours == 1 else f"{hours} hours"
        return DomainError(
            f"From your address came {quota}, as much as this server takes in a day without its token."
            f" Try again in {wait}.",
            ErrorCode.UPLOAD_QUOTA_USED,
        )
