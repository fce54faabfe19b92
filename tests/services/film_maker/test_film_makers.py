"""Films of saved worlds: both makers alike, and the replay in its own process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psutil
import pytest

from services.film_maker.film_maker import FilmError
from services.film_maker.replay_film_maker import ReplayFilmMaker
from services.world_engine.catalogue import entry_of
from services.world_engine.diorama.entry import Diorama
from tests.fakes.fake_film_maker import FakeFilmMaker
from tests.replay.saved import play_and_save
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    from pathlib import Path

    from services.film_maker.film_maker import FilmMaker


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return play_and_save(entry_of(Diorama), tmp_path_factory.mktemp("played"), passes=60)


@pytest.fixture(params=["real", "fake"])
def maker(request: pytest.FixtureRequest, tmp_path: Path) -> FilmMaker:
    return ReplayFilmMaker(tmp_path) if request.param == "real" else FakeFilmMaker()


def test_a_film_is_made_and_compared(maker: FilmMaker, world: Path, tmp_path: Path) -> None:
    film, told = tmp_path / "film.mp4", list[float]()
    report = asyncio.run(maker.make(world, film, told.append))
    assert film.stat().st_size > 0
    assert report.is_exact
    assert report.passes > 0
    assert len(report.digest) == 64
    assert "compared: exact" in report.sentences[-1]
    assert told == sorted(told)
    assert all(0 <= share <= 1 for share in told)


def test_a_film_that_cannot_be_made(tmp_path: Path) -> None:
    broken = tmp_path / "broken.world"
    broken.write_bytes(b"no world")
    with pytest.raises(FilmError, match=r"world"):
        asyncio.run(ReplayFilmMaker(tmp_path).make(broken, tmp_path / "film.mp4", lambda _: None))
    assert not (tmp_path / "film.mp4").exists()


def test_a_film_that_is_given_up_leaves_no_process(world: Path, tmp_path: Path) -> None:
    async def main() -> None:
        me, before = psutil.Process(), set(psutil.Process().children())
        making = asyncio.create_task(ReplayFilmMaker(tmp_path).make(world, tmp_path / "film.mp4", lambda _: None))
        await wait_until_async(lambda: bool(set(me.children()) - before), "the process began")
        (process,) = set(me.children()) - before
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making
        assert not process.is_running()

    asyncio.run(main())
