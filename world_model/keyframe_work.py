"""Makes a world's keyframes on another thread, while its frames go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    from world_model.keyframes import Keyframe, KeyframeKeeper, KeyframeState, Order


class KeyframeFailedError(RuntimeError):
    """A keyframe could not be made; its cause says why. The world is as it was, and asks for it anew."""


class KeyframeWork:
    """Of one world, and so used by one thread at a time. At most one keyframe of it is under way that anybody waits
    for."""

    def __init__(self, keeper: KeyframeKeeper, threads: Executor) -> None:
        """`threads` may be shared by any number of worlds."""
        self._keeper, self._threads = keeper, threads
        self._under_way: tuple[Order, Future[Keyframe]] | None = None

    def follow(self, state: KeyframeState) -> None:
        """Have what the state has ordered under way, and nothing else.

        An order is known by its identity: as long as a state has it, what it is made from stays the same.
        """
        if self._under_way is not None and self._under_way[0] is not state.order:
            self.forget()
        if self._under_way is None and state.order is not None:
            self._under_way = state.order, self._threads.submit(self._keeper.made, state)

    def made(self, state: KeyframeState) -> Keyframe:
        """The keyframe that the state has ordered; waits until it is there.

        Raises:
            KeyframeFailedError: it could not be made.
        """
        self.follow(state)
        if self._under_way is None:
            raise ValueError("No keyframe is ordered.")
        try:
            return self._under_way[1].result()
        except Exception as error:  # whatever network and renderer raise
            self.forget()
            raise KeyframeFailedError("A keyframe could not be made.") from error

    def forget(self) -> None:
        """Nobody waits any more. What a thread has begun it ends, and nothing comes of it."""
        if self._under_way is not None:
            self._under_way[1].cancel()
            self._under_way = None
