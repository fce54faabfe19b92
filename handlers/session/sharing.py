"""A session that is shared: its link, who watches, and who has the controls. For the event loop's thread alone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

from error_types import DomainError, ErrorCode
from handlers.session.mailbox import shows_a_player
from state.app_state_types import Paused, Playing
from wire_protocol import SharingData, SharingMessage, WatchingMessage

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.session.controls import ControlDesk
    from handlers.session.stats import SessionStats
    from handlers.sessions_handler import SessionsHandler
    from handlers.share_links import LinkName, ShareLinks
    from runtime_config.current import Current
    from runtime_config.sharing_config import SharingConfig
    from services.clock.clock import Clock
    from state.app_state_types import SessionId
    from wire_protocol import ControlNotification

Answer: TypeAlias = Literal["granted", "declined", "taken_back"]

_ASK_AGAIN_S: Final = 10.0  # after the player has declined
_STAY_AWAY_S: Final = 600.0  # after the player has sent somebody away


@dataclass(frozen=True, slots=True)
class NotShared:
    """No link opens anything."""


@dataclass(frozen=True, slots=True)
class Shared:
    """`expires_at` is in seconds since the Unix epoch."""

    name: LinkName
    link: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class OwnHands:
    """The player plays."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The player plays, and a guest would like to."""

    number: int


@dataclass(frozen=True, slots=True)
class Lent:
    """A guest plays."""

    number: int


@dataclass(frozen=True, slots=True)
class WatchEnd:
    """What ends somebody's watching, and the sentence that they are told."""

    message: str
    code: ErrorCode
    close_code: int = 1000


SESSION_OVER: Final = WatchEnd("The session that you watched has ended.", ErrorCode.SHARING_ENDED)
SHARING_STOPPED: Final = WatchEnd("The player does not share this session any more.", ErrorCode.SHARING_ENDED)
SENT_AWAY: Final = WatchEnd("The player has sent you away.", ErrorCode.SENT_AWAY)
LINK_EXPIRED: Final = WatchEnd("The time of this link is over.", ErrorCode.SHARING_ENDED)


class WatcherLike(Protocol):
    """Somebody who watches, from the address `network`. Neither call waits."""

    @property
    def network(self) -> str: ...

    def tell(self, message: WatchingMessage) -> None: ...

    def end(self, end: WatchEnd) -> None: ...


class SessionSharing:
    def __init__(
        self,
        session_id: SessionId,
        *,
        links: ShareLinks,
        desk: ControlDesk,
        sessions: SessionsHandler,
        stats: SessionStats,
        clock: Clock,
        config: Current[SharingConfig],
        post: Callable[[SharingMessage], None],
    ) -> None:
        """`post` tells the player; a newer message may replace one that was not sent yet."""
        self._session_id = session_id
        self._links = links
        self._desk = desk
        self._sessions = sessions
        self._stats = stats
        self._clock = clock
        self._config = config
        self._post = post
        self._shared: NotShared | Shared = NotShared()
        self._hands: OwnHands | Asked | Lent = OwnHands()
        self._watchers: dict[int, WatcherLike] = {}
        self._answers: dict[int, Answer] = {}
        self._declined_at: dict[int, float] = {}
        self._sent_away_at: dict[str, float] = {}  # by address
        self._last_number = 0
        self._expiry: asyncio.TimerHandle | None = None

    # ----------------------------------------------------------------------------------------------- from the player

    def share(self, hours: int) -> SharingData:
        """Raises: DomainError, nobody may watch on this server."""
        if self._config.now.max_watchers == 0:
            raise DomainError("Sharing is switched off on this server.", ErrorCode.SHARING_OFF)
        lifetime_s = hours * 3600
        name = self._shared.name if isinstance(self._shared, Shared) else self._links.name(self._session_id)
        expires_at = self._clock.wall() + lifetime_s
        self._shared = Shared(name, self._links.write(name, expires_at), expires_at)
        self._cancel_expiry()
        self._expiry = asyncio.get_running_loop().call_later(lifetime_s, self._stop, LINK_EXPIRED)
        return self.data()

    def stop(self) -> SharingData:
        """The link opens nothing any more, and nobody watches."""
        self._stop(SHARING_STOPPED)
        return self.data()

    def answer(self, number: int, *, granted: bool) -> SharingData:
        """Raises: DomainError, that guest does not ask, or not any more."""
        if self._hands != Asked(number):
            raise DomainError(
                "That guest has left, or does not ask for the controls any more.", ErrorCode.GUEST_UNKNOWN
            )
        self._answers[number] = "granted" if granted else "declined"
        if granted:
            self._hand_to(Lent(number))
        else:
            self._declined_at[number] = self._clock.monotonic()
            self._hand_to(OwnHands())
        return self.data()

    def send_away(self, number: int) -> SharingData:
        """That guest watches no longer, and nobody from their address is let in for a while.

        The link is the same for all, so nothing but the address tells who comes back. A new link opens to everybody.

        Raises:
            DomainError: nobody of that number watches.
        """
        watcher = self._watchers.get(number)
        if watcher is None:
            raise DomainError("That guest has left.", ErrorCode.GUEST_UNKNOWN)
        now = self._clock.monotonic()
        self._sent_away_at = {who: at for who, at in self._sent_away_at.items() if now - at < _STAY_AWAY_S}
        self._sent_away_at[watcher.network] = now
        watcher.end(SENT_AWAY)
        self.leave(number)
        return self.data()

    def take_back(self) -> SharingData:
        """The player plays again; nothing happens if they do."""
        if isinstance(self._hands, Lent):
            self._answers[self._hands.number] = "taken_back"
            self._hand_to(OwnHands())
        return self.data()

    def control(self, control: ControlNotification) -> None:
        """The player's. It counts for nothing while a guest plays."""
        if not isinstance(self._hands, Lent):
            self._desk.put(control)

    def data(self) -> SharingData:
        shared, hands = self._shared, self._hands
        return SharingData(
            watchers=len(self._watchers),
            guests=tuple(self._watchers),
            link=shared.link if isinstance(shared, Shared) else None,
            expires_at=shared.expires_at if isinstance(shared, Shared) else None,
            asking=hands.number if isinstance(hands, Asked) else None,
            guest=hands.number if isinstance(hands, Lent) else None,
        )

    # ------------------------------------------------------------------------------------------ from those who watch

    def opens(self, name: LinkName) -> bool:
        """Whether that link, whose time is not over, lets somebody watch."""
        return isinstance(self._shared, Shared) and self._shared.name == name

    def join(self, watcher: WatcherLike) -> int:
        """The number of somebody who begins to watch.

        Raises:
            DomainError: as many watch as may, or somebody there was sent away.
        """
        self._require_not_sent_away(watcher.network)
        most = self._config.now.max_watchers
        if len(self._watchers) >= most:
            raise DomainError(
                f"At most {most} can watch this session at a time. Try again when somebody leaves.",
                ErrorCode.TOO_MANY_WATCHERS,
            )
        self._last_number += 1
        self._watchers[self._last_number] = watcher
        self.changed()
        return self._last_number

    def _require_not_sent_away(self, network: str) -> None:
        sent_away_at = self._sent_away_at.get(network)
        if sent_away_at is not None and self._clock.monotonic() - sent_away_at < _STAY_AWAY_S:
            raise DomainError(
                f"The player has sent you away. You can try again {_STAY_AWAY_S / 60:.0f} minutes after that.",
                ErrorCode.SENT_AWAY,
            )

    def leave(self, number: int) -> None:
        """Idempotent. The controls go back to the player if they were lent to whoever leaves."""
        if self._watchers.pop(number, None) is None:
            return
        self._answers.pop(number, None)
        self._declined_at.pop(number, None)
        if self._hands in (Asked(number), Lent(number)):
            self._hand_to(OwnHands())
        else:
            self.changed()

    def ask(self, number: int) -> None:
        """Raises: DomainError, somebody else has asked, or the player has just declined."""
        match self._hands:
            case Asked(other) | Lent(other):
                if other != number:
                    raise DomainError("Somebody else has the controls, or has asked first.", ErrorCode.CONTROLS_TAKEN)
            case OwnHands():
                declined_at = self._declined_at.get(number)
                if declined_at is not None and self._clock.monotonic() - declined_at < _ASK_AGAIN_S:
                    raise DomainError(
                        f"The player has just declined. Ask again in {_ASK_AGAIN_S:.0f} seconds.",
                        ErrorCode.CONTROLS_TAKEN,
                    )
                self._answers.pop(number, None)
                self._hand_to(Asked(number))

    def give_back(self, number: int) -> None:
        """That guest wants the controls no more; nothing happens if they neither have nor want them."""
        if self._hands in (Asked(number), Lent(number)):
            self._answers.pop(number, None)
            self._hand_to(OwnHands())

    def guest_control(self, number: int, control: ControlNotification) -> bool:
        """Whether that guest has the controls, so that this one counts."""
        if self._hands != Lent(number):
            return False
        if shows_a_player(control):
            self._stats.played(self._clock.monotonic())
        # The time is of the guest's clock, which means nothing to the player who would get it back with the frame.
        self._desk.put(control.model_copy(update={"ts": 0.0}))
        return True

    # ------------------------------------------------------------------------------------------------------- news

    def changed(self) -> None:
        """Tell everybody how things are."""
        self._stats.watchers = len(self._watchers)
        if isinstance(self._shared, NotShared) and not self._watchers:
            return  # a client that never shared anything may not know these messages
        self._post(SharingMessage(**self.data().model_dump()))
        for number, watcher in self._watchers.items():
            watcher.tell(self._watching(number))

    def end(self) -> None:
        """The session is over."""
        self._stop(SESSION_OVER)

    def _stop(self, end: WatchEnd) -> None:
        was_shared, self._shared = self._shared, NotShared()
        self._cancel_expiry()
        watchers = list(self._watchers.values())
        self._watchers.clear()
        self._answers.clear()
        self._declined_at.clear()
        self._sent_away_at.clear()
        if isinstance(self._hands, Lent):
            self._desk.let_go()
        self._hands = OwnHands()
        self._stats.watchers = 0
        for watcher in watchers:
            watcher.end(end)
        if isinstance(was_shared, Shared):
            self._post(SharingMessage(**self.data().model_dump()))

    def _cancel_expiry(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None

    def _hand_to(self, hands: OwnHands | Asked | Lent) -> None:
        if isinstance(self._hands, Lent) or isinstance(hands, Lent):
            self._desk.let_go()  # keys that one person holds must not move the world for the next
        self._hands = hands
        self.changed()

    def _watching(self, number: int) -> WatchingMessage:
        return WatchingMessage(
            number=number,
            watchers=len(self._watchers),
            state=self.state,
            controls=self._controls_of(number),
            answer=self._answers.get(number),
        )

    @property
    def state(self) -> Literal["waiting", "playing", "paused"]:
        match self._sessions.state_of(self._session_id):
            case Playing():
                return "playing"
            case Paused():
                return "paused"
            case _:
                return "waiting"

    @property
    def watchers(self) -> int:
        return len(self._watchers)

    def _controls_of(self, number: int) -> Literal["free", "asked", "yours", "taken"]:
        match self._hands:
            case OwnHands():
                return "free"
            case Asked(who):
                return "asked" if who == number else "taken"
            case Lent(who):
                return "yours" if who == number else "taken"
