"""A thousand people at one link: those for whom there is no room cost nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from error_types import DomainError, ErrorCode
from runtime_config.sharing_config import SharingConfig
from tests.play.harness import play_server

if TYPE_CHECKING:
    from handlers.session.sharing import SessionSharing, WatchEnd
    from wire_protocol import WatchingMessage


class Somebody:
    """Watches, and keeps the newest of what they are told."""

    def __init__(self) -> None:
        self.told: WatchingMessage | None = None
        self.network = "192.0.2.1"

    def tell(self, message: WatchingMessage) -> None:
        self.told = message

    def end(self, end: WatchEnd) -> None:
        del end


def test_of_a_thousand_who_come_sixty_four_watch_and_the_others_hear_the_number() -> None:
    with play_server() as server, server.client(extended=True) as player:
        player.start()
        (summary,) = server.sessions()
        session = server.handler.play.session(summary["id"])
        assert session is not None
        crowd = [Somebody() for _ in range(1000)]

        async def come() -> list[DomainError]:
            return [error for one in crowd if (error := _refusal_of(session.sharing, one)) is not None]

        refusals = server.run(come())
        assert len(refusals) == 1000 - SharingConfig().max_watchers
        assert {error.code for error in refusals} == {ErrorCode.TOO_MANY_WATCHERS}
        assert all(error.message.startswith("At most 64 can watch this session") for error in refusals)
        told = [one.told for one in crowd if one.told is not None]
        assert [message.watchers for message in told] == [64] * 64
        assert server.sessions()[0]["watchers"] == 64


def _refusal_of(sharing: SessionSharing, one: Somebody) -> DomainError | None:
    try:
        sharing.join(one)
    except DomainError as error:
        return error
    return None
