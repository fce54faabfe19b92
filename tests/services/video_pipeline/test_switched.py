"""Another video model while the server runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from runtime_config.film_model_config import FilmModelConfig
from services.video_pipeline.switched_video_pipeline import SwitchedVideoPipeline
from tests.fakes.fake_video_pipeline import FakeVideoPipeline
from tests.services.video_pipeline.contract import ORDER, ignore

if TYPE_CHECKING:
    from pathlib import Path


class ClosingPipeline(FakeVideoPipeline):
    def __init__(self) -> None:
        super().__init__()
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


def test_a_film_ends_with_the_model_that_began_it(tmp_path: Path) -> None:
    made: list[ClosingPipeline] = []

    def build(_: FilmModelConfig) -> ClosingPipeline:
        made.append(ClosingPipeline())
        return made[-1]

    async def main() -> None:
        switched = SwitchedVideoPipeline(build, FilmModelConfig())
        switched.use(FilmModelConfig())
        assert len(made) == 1, "nothing has changed"
        made[0].hold()
        begun = asyncio.create_task(switched.make(ORDER, tmp_path / "first.mp4", ignore))
        await asyncio.to_thread(made[0].wait_until_held)
        switched.use(FilmModelConfig(quant="int8"))
        assert made[0].closed == 0
        await switched.make(ORDER, tmp_path / "second.mp4", ignore)
        made[0].release()
        await begun
        assert (made[0].closed, made[1].closed) == (1, 0)
        switched.use(FilmModelConfig(place="off"))
        assert made[1].closed == 1

    asyncio.run(main())
    assert [len(pipeline.orders) for pipeline in made] == [1, 1, 0]
