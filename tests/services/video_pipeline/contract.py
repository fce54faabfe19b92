"""What every `FastVideoPipeline` promises, held on the fake by itself and on the real one with a tiny model."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from services.video_pipeline.film_order import FilmOrder, FromWords
from services.video_pipeline.video_pipeline import FilmStage, VideoFault, VideoPipelineError
from services.video_writer.ffmpeg_video_writer import FfmpegVideoWriter

if TYPE_CHECKING:
    from pathlib import Path

    from services.video_pipeline.video_pipeline import FastVideoPipeline, FilmProgress

ORDER = FilmOrder(
    FromWords(),
    "A lighthouse in rain, waves below.",
    seed=7,
    width=128,
    height=64,
    frames=17,
    fps=24000 / 1001,
    notes={"title": "Lighthouse", "comment": '{"seed": 7}'},
)


def ignore(_: FilmProgress) -> None:
    pass


def check_a_film_is_made_and_made_again(pipeline: FastVideoPipeline, folder: Path) -> None:
    seen: list[FilmProgress] = []

    async def main() -> None:
        film = await pipeline.make(ORDER, folder / "one.mp4", seen.append)
        assert (film.path, film.frames, film.width, film.height, film.fps) == (
            *(folder / "one.mp4", 17, 128, 64),
            24000 / 1001,
        )
        assert math.isclose(film.seconds, 17 * 1001 / 24000)
        assert (film.model, film.revision) == (pipeline.specs().model, pipeline.specs().revision)
        await pipeline.make(ORDER, folder / "again.mp4", ignore)
        await pipeline.make(replace(ORDER, seed=8), folder / "other.mp4", ignore)

    asyncio.run(main())
    facts = FfmpegVideoWriter().describe(folder / "one.mp4")
    assert (facts.frames, facts.width, facts.height) == (17, 128, 64)
    assert math.isclose(facts.duration_s, 17 * 1001 / 24000, abs_tol=1e-3)
    assert (facts.metadata.title, facts.metadata.comment) == ("Lighthouse", '{"seed": 7}')
    assert (folder / "one.mp4").read_bytes() == (folder / "again.mp4").read_bytes(), "the same order, the same bytes"
    assert (folder / "one.mp4").read_bytes() != (folder / "other.mp4").read_bytes(), "another seed, another film"
    assert sorted(file.name for file in folder.iterdir()) == ["again.mp4", "one.mp4", "other.mp4"]
    _check_progress(seen, pipeline.specs().steps)


def _check_progress(seen: list[FilmProgress], steps: int) -> None:
    order = list(FilmStage)
    stages = [order.index(progress.stage) for progress in seen]
    assert stages == sorted(stages), "stages come in their order"
    denoised = [progress.step for progress in seen if progress.stage is FilmStage.DENOISING]
    assert denoised[-steps:] == list(range(1, steps + 1)), "each step is told"
    assert seen[-1].stage is FilmStage.WRITING
    assert all(0 <= progress.step <= progress.steps for progress in seen)


def check_what_cannot_be_made_is_refused(pipeline: FastVideoPipeline, folder: Path) -> None:
    wrong = [
        replace(ORDER, prompt=" "),
        replace(ORDER, prompt="a\x00b"),
        replace(ORDER, prompt="a" * 100_000),
        replace(ORDER, width=100),
        replace(ORDER, height=32),
        replace(ORDER, frames=16),
        replace(ORDER, frames=1),
        replace(ORDER, frames=4801),
        replace(ORDER, fps=math.nan),
        replace(ORDER, fps=0.1),
        replace(ORDER, seed=-1),
    ]

    async def main() -> None:
        for order in wrong:
            with pytest.raises(VideoPipelineError) as caught:
                await pipeline.make(order, folder / "no.mp4", ignore)
            assert caught.value.fault is VideoFault.CANNOT
        await pipeline.make(ORDER, folder / "yes.mp4", ignore)

    asyncio.run(main())
    assert [file.name for file in folder.iterdir()] == ["yes.mp4"]


def check_cancelling_stops_and_leaves_nothing(pipeline: FastVideoPipeline, folder: Path) -> None:
    """Also for the one that waits its turn, and when cancelled twice."""

    async def main() -> None:
        begun = asyncio.Event()

        def note(progress: FilmProgress) -> None:
            if progress.stage is FilmStage.DENOISING:
                begun.set()

        long = replace(ORDER, width=256, height=256, frames=41)
        running = asyncio.create_task(pipeline.make(long, folder / "first.mp4", note))
        waiting = asyncio.create_task(pipeline.make(ORDER, folder / "second.mp4", ignore))
        await begun.wait()
        for task in (waiting, running):
            task.cancel()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await pipeline.make(ORDER, folder / "third.mp4", ignore)

    asyncio.run(main())
    assert [file.name for file in folder.iterdir()] == ["third.mp4"]


def check_unloading_ends_the_order_and_the_next_one_loads_again(pipeline: FastVideoPipeline, folder: Path) -> None:
    async def main() -> None:
        begun = asyncio.Event()

        def note(progress: FilmProgress) -> None:
            if progress.stage is FilmStage.DENOISING:
                begun.set()

        long = replace(ORDER, width=256, height=256, frames=41)
        running = asyncio.create_task(pipeline.make(long, folder / "first.mp4", note))
        await begun.wait()
        await asyncio.to_thread(pipeline.unload)
        with pytest.raises(VideoPipelineError):
            await running
        await pipeline.make(ORDER, folder / "second.mp4", ignore)

    asyncio.run(main())
    assert [file.name for file in folder.iterdir()] == ["second.mp4"]
