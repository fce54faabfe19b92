"""Who may come in: how many connections there are, in all and from each address, and which of them give way."""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from runtime_config.web_origin import is_loopback_host, parse_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime_config.current import Current

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_NETWORK_BITS: Final = 64  # of an IPv6 address: who has one address of a network has all of them
_LOG_INTERVAL_S: Final = 60.0


class Visitor(Protocol):
    """A connection that came in."""

    def turn_away(self) -> None:
        """End the connection at once, because its place is needed."""
        ...


class Refusal(StrEnum):
    """Why a connection may not come in."""

    ADDRESS_FULL = "too many connections from one address"
    DOOR_FULL = "too many connections"


@dataclass(eq=False, slots=True)
class _Group:
    """Places with a common limit. Those without a complete request are in the order in which that began.

    `silent` have never made one, `idle` wait for another one, and `sending` are in the middle of a body.
    """

    limit: Current[int]
    held: int = 0
    silent: dict[Place, float] = field(default_factory=dict["Place", float])
    idle: dict[Place, float] = field(default_factory=dict["Place", float])
    sending: dict[Place, float] = field(default_factory=dict["Place", float])

    @property
    def is_full(self) -> bool:
        return self.held >= self.limit.now

    def first_to_go(self, before: float) -> Place | None:
        """The place that is to give way, if it has been one of these since `before`. Uploads go last."""
        for without_request in (self.silent, self.idle, self.sending):
            for place, since in without_request.items():
                if since <= before:
                    return place
                break
        return None


class Place:
    """The right of one connection to be here, from `Door.admit` until `leave`. It begins as a silent one."""

    def __init__(self, groups: tuple[_Group, ...], clock: Callable[[], float]) -> None:
        self._groups = groups
        self._clock = clock
        self._visitor: Visitor | None = None
        self._has_left = False
        for group in groups:
            group.held += 1
            group.silent[self] = clock()

    def taken_by(self, visitor: Visitor | None) -> None:
        """`visitor` is who has to give way. None: nobody, as the place is in use until it is left."""
        self._visitor = visitor

    def in_use(self) -> None:
        """A complete request has come in, or the connection became a WebSocket: it will not have to give way."""
        for group in self._groups:
            group.silent.pop(self, None)
            group.idle.pop(self, None)
            group.sending.pop(self, None)

    def idle(self) -> None:
        """A request was answered, and the connection waits for another one."""
        self.in_use()
        if not self._has_left:
            for group in self._groups:
                group.idle[self] = self._clock()

    def sending(self) -> None:
        """The head of a request has come, and its body is on its way."""
        if self._has_left or self in self._groups[0].sending:
            return
        self.in_use()
        for group in self._groups:
            group.sending[self] = self._clock()

    def leave(self) -> None:
        """The connection has ended. Further calls do nothing."""
        if self._has_left:
            return
        self.in_use()
        self._has_left = True
        self._visitor = None
        for group in self._groups:
            group.held -= 1

    def give_way(self) -> None:
        visitor = self._visitor
        self.leave()
        if visitor is not None:
            visitor.turn_away()


class Door:
    """Counts the connections of one server. It belongs to the event loop's thread.

    Connections from this machine are counted apart, up to the same total, so that strangers cannot take their places.
    They have no limit for each address: behind a proxy on this machine, all players come from it.

    `most` and `most_per_address` are numbers of open connections, those of WebSockets included. Where one is lowered,
    nobody has to go for it. A connection that has had
    no complete request for less than `chance_s` may be about to make one, and does not give way.
    """

    def __init__(
        self,
        *,
        most: Current[int],
        most_per_address: Current[int],
        chance_s: float,
        is_local: Callable[[str], bool] = is_loopback_host,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._is_local = is_local
        self._clock = clock
        self._most_per_address = most_per_address
        self._chance_s = chance_s
        self._local = _Group(most)
        self._strangers = _Group(most)
        self._addresses: dict[str, _Group] = {}
        self._log = _DoorLog()

    def admit(self, host: str) -> Place | Refusal:
        """A place for a connection from `host`, or why there is none. One without a request may give way for it."""
        now = self._clock()
        groups = (self._local,) if self._is_local(host) else (self._address_group(host), self._strangers)
        for group in groups:
            if group.is_full and not self._make_room(group, now):
                refusal = Refusal.DOOR_FULL if group in (self._local, self._strangers) else Refusal.ADDRESS_FULL
                self._log.refused(refusal, host, now)
                return refusal
        return Place(groups, self._clock)

    def shed(self, count: int) -> int:
        """End up to `count` connections without a request, strangers' first: the process lacks something for more."""
        ended, before = 0, self._clock() - self._chance_s
        for group in (self._strangers, self._local):
            while ended < count and (place := group.first_to_go(before)) is not None:
                place.give_way()
                ended += 1
        return ended

    def _make_room(self, group: _Group, now: float) -> bool:
        place = group.first_to_go(now - self._chance_s)
        if place is None:
            return False
        place.give_way()
        self._log.gave_way(now)
        return True

    def _address_group(self, host: str) -> _Group:
        network = _network_of(host)
        group = self._addresses.get(network)
        if group is None:
            self._forget_empty_addresses()
            group = self._addresses[network] = _Group(self._most_per_address)
        return group

    def _forget_empty_addresses(self) -> None:
        """Addresses come without end. Forgetting them in bulk costs little for each newcomer."""
        if len(self._addresses) > 2 * self._strangers.limit.now:
            self._addresses = {network: group for network, group in self._addresses.items() if group.held}


class _DoorLog:
    """One line when connections begin to be refused or to give way, then one a minute while it goes on.

    Both happen as often as strangers like, and even a line that is left out later would cost time to make.
    """

    def __init__(self) -> None:
        self._refused = 0
        self._gave_way = 0
        self._quiet_until = float("-inf")

    def refused(self, refusal: Refusal, host: str, now: float) -> None:
        self._refused += 1
        self._tell(now, reason=refusal.value, newest_from=host)

    def gave_way(self, now: float) -> None:
        self._gave_way += 1
        self._tell(now)

    def _tell(self, now: float, **why: str) -> None:
        if now < self._quiet_until:
            return
        logger.warning("Connections are limited", refused=self._refused, gave_way=self._gave_way, **why)
        self._refused = self._gave_way = 0
        self._quiet_until = now + _LOG_INTERVAL_S


def _network_of(host: str) -> str:
    address = parse_address(host)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((address, _NETWORK_BITS), strict=False))
    return host if address is None else str(address)
