"""The same without async: `with terrarium_client.sync.connect(url) as world`."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from terrarium_client import world as asynchronous

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Generator, Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from terrarium_client import protocol
    from terrarium_client.passes import Pass, Picture
    from terrarium_client.world import Film

Result = TypeVar("Result")


class LoopThread:
    """An event loop on a thread of its own, on which others have things done. `close` ends both."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="terrarium-client", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do `work` on the loop, and wait for it. Raises: what it raises."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:  # an interrupt too: what nobody waits for must not go on
            future.cancel()
            raise

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def connect(url: str, **options: Any) -> Generator[World]:
    """A world on the server at `url`; the options are those of `terrarium_client.connect`. Raises: as its methods."""
    loop = LoopThread()
    try:
        with _entered(loop, asynchronous.connect(url, **options)) as opened:
            yield World(loop, opened)
    finally:
        loop.close()


@contextmanager
def _entered(loop: LoopThread, manager: AbstractAsyncContextManager[Result]) -> Generator[Result]:
    entered = loop.run(_call(manager.__aenter__))
    try:
        yield entered
    except BaseException as error:
        if not loop.run(_call(manager.__aexit__, type(error), error, error.__traceback__)):
            raise
    else:
        loop.run(_call(manager.__aexit__, None, None, None))


async def _call(method: Any, *arguments: Any) -> Any:
    return await method(*arguments)


class World:
    """Each method is that of `terrarium_client.World`, and returns when it is done."""

    def __init__(self, loop: LoopThread, world: asynchronous.World) -> None:
        self._loop = loop
        self._world = world
        self.moments = Moments(loop, world.moments)

    def init(
        self,
        picture: bytes | str | Path | None = None,
        *,
        model: str | None = None,
        seed: str | None = None,
        world: str | None = None,
        rng_seed: int | None = None,
        quant: str | None = None,
    ) -> protocol.ExtendedInitResponseData:
        return self._loop.run(
            self._world.init(picture, model=model, seed=seed, world=world, rng_seed=rng_seed, quant=quant)
        )

    def reset(self) -> None:
        self._loop.run(self._world.reset())

    def step(
        self, *keys: str, mouse: tuple[float, float] = (0.0, 0.0), frames: Literal["all", "last"] = "last"
    ) -> Pass:
        return self._loop.run(self._world.step(*keys, mouse=mouse, frames=frames))

    def look(self) -> Picture:
        return self._loop.run(self._world.look())

    def control(self, *keys: str, mouse: tuple[float, float] = (0.0, 0.0)) -> None:
        self._loop.run(self._world.control(*keys, mouse=mouse))

    def frames(self) -> Iterator[Pass]:
        passes = self._world.frames()
        while True:
            yield self._loop.run(_next(passes))

    def pause(self) -> None:
        self._loop.run(self._world.pause())

    def resume(self) -> None:
        self._loop.run(self._world.resume())

    def rewind(self, seconds: float) -> protocol.RewindResponseData:
        return self._loop.run(self._world.rewind(seconds))

    def set_prompt(self, words: str) -> protocol.PromptResponseData:
        return self._loop.run(self._world.set_prompt(words))

    def edit(self, words: str) -> protocol.SceneEditResponseData:
        return self._loop.run(self._world.edit(words))

    def save(self, title: str = "", *, moment: str | None = None) -> protocol.SaveWorldResponseData:
        return self._loop.run(self._world.save(title, moment=moment))

    @contextmanager
    def branch(self, *, moment: str | None = None) -> Generator[World]:
        with _entered(self._loop, self._world.branch(moment=moment)) as other:
            yield World(self._loop, other)

    @contextmanager
    def record(self) -> Generator[Film]:
        with _entered(self._loop, self._world.record()) as film:
            yield film


class Moments:
    """Each method is that of `terrarium_client.Moments`."""

    def __init__(self, loop: LoopThread, moments: asynchronous.Moments) -> None:
        self._loop = loop
        self._moments = moments

    @property
    def kept(self) -> tuple[str, ...]:
        return self._moments.kept

    def take(self) -> str:
        return self._loop.run(self._moments.take())

    def restore(self, moment: str) -> None:
        self._loop.run(self._moments.restore(moment))


async def _next(passes: AsyncIterator[Pass]) -> Pass:
    return await anext(passes)
