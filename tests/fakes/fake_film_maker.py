"""Films without a replay."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from services.film_maker.film_maker import FilmError, FilmReport

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class FakeFilmMaker:
    """A `FilmMaker`: its film is the world file. While held, it waits half way; `fail` is what it raises then."""

    def __init__(self) -> None:
        self.fail: FilmError | None = None
        self._free = asyncio.Event()
        self._free.set()

    def hold(self) -> None:
        self._free.clear()

    def release(self) -> None:
        self._free.set()

    async def make(self, world: Path, film: Path, on_progress: Callable[[float], None]) -> FilmReport:
        on_progress(0.5)
        await asyncio.to_thread(film.write_bytes, b"half")
        await self._free.wait()
        if self.fail is not None:
            raise self.fail
        await asyncio.to_thread(lambda: film.write_bytes(world.read_bytes()))
        on_progress(1.0)
        return FilmReport(7, "ab" * 32, is_exact=True, sentences=(f"{film}: 7 frames", "compared: exact"))
