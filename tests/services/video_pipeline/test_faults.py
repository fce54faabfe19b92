"""What goes wrong in the worker's process becomes one typed error, and the next film is made."""

from __future__ import annotations

import asyncio
import importlib.util
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil
import pytest

from services.torch_worker.process_torch_worker import ProcessTorchWorker
from services.torch_worker.torch_worker import WorkerSpec
from services.video_pipeline.film_order import FromPictures, PlacedPicture
from services.video_pipeline.ltx_files import LtxFiles
from services.video_pipeline.video_pipeline import FilmStage, VideoFault, VideoPipelineError
from services.video_pipeline.video_specs import ModelMissing
from tests.services.video_pipeline.contract import ORDER, ignore
from tests.services.video_pipeline.rig import pipeline_of, workers

if TYPE_CHECKING:
    from pathlib import Path

    from services.torch_worker.torch_worker import TorchWorker
    from services.video_pipeline.video_pipeline import FilmProgress

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("diffusers") is None, reason="the extra models is not installed"),
    pytest.mark.xdist_group("torch"),
]
FAULTY = "tests.services.video_pipeline.faulty_service"
DYING_STAGES = (
    FilmStage.LOADING,
    FilmStage.ENCODING,
    FilmStage.DENOISING,
    FilmStage.DECODING,
    FilmStage.WRITING,
)


@pytest.mark.trial
def test_films_are_made_at_a_lower_priority_than_worlds_are_played(model: Path) -> None:
    """Nothing else holds a film back on a processor that both need."""

    async def main() -> None:
        await pipeline.prepare()
        own = psutil.Process().nice()
        assert [worker.nice() for worker in workers()] == [max(own, WorkerSpec("", "").niceness)]
        assert WorkerSpec("", "").niceness > 0

    with pipeline_of(model, start=ProcessTorchWorker) as pipeline:
        asyncio.run(main())


@pytest.mark.trial
@pytest.mark.parametrize("stage", DYING_STAGES)
def test_a_worker_that_dies_leaves_nothing_and_starts_again(model: Path, tmp_path: Path, stage: FilmStage) -> None:
    films = tmp_path / "films"
    films.mkdir()

    def start(spec: WorkerSpec) -> TorchWorker:
        options = {**spec.options, "stage": str(stage), "mark": str(tmp_path / "died")}
        return ProcessTorchWorker(replace(spec, factory=f"{FAULTY}:build_dying", options=options, niceness=0))

    async def main() -> None:
        with pytest.raises(VideoPipelineError) as caught:
            await pipeline.make(ORDER, films / "first.mp4", ignore)
        assert caught.value.fault is VideoFault.WORKER_DIED
        assert not list(films.iterdir()), "neither a film nor what was unfinished"
        await pipeline.make(ORDER, films / "second.mp4", ignore)

    with pipeline_of(model, start=start) as pipeline:
        asyncio.run(main())
    assert [file.name for file in films.iterdir()] == ["second.mp4"]


@pytest.mark.trial
@pytest.mark.parametrize(("fits", "is_made"), [(["offloaded"], True), ([], False)], ids=["offloaded", "nowhere"])
def test_out_of_memory_is_tried_once_more_offloaded(
    model: Path, tmp_path: Path, fits: list[str], *, is_made: bool
) -> None:
    placements: list[object] = []

    def start(spec: WorkerSpec) -> TorchWorker:
        placements.append(spec.options["placement"])
        options = {**spec.options, "fits": fits}
        return ProcessTorchWorker(replace(spec, factory=f"{FAULTY}:build_small_device", options=options, niceness=0))

    seen: list[FilmProgress] = []
    with pipeline_of(model, start=start) as pipeline:
        pipeline.place("resident")
        if is_made:
            film = asyncio.run(pipeline.make(ORDER, tmp_path / "film.mp4", seen.append))
            assert film.placement == "offloaded"
        else:
            with pytest.raises(VideoPipelineError, match="not enough memory") as caught:
                asyncio.run(pipeline.make(ORDER, tmp_path / "film.mp4", seen.append))
            assert caught.value.fault is VideoFault.OUT_OF_MEMORY
            assert not workers(), "its memory is given back"
            assert not list(tmp_path.iterdir())
    assert placements == ["resident", "offloaded"]


@pytest.mark.trial
def test_a_picture_that_vanished_is_told_and_the_model_stays(model: Path, tmp_path: Path) -> None:
    gone = replace(ORDER, way=FromPictures((PlacedPicture(tmp_path / "gone.png"),)))
    with pipeline_of(model) as pipeline:
        with pytest.raises(VideoPipelineError, match="not there any more") as caught:
            asyncio.run(pipeline.make(gone, tmp_path / "film.mp4", ignore))
        assert caught.value.fault is VideoFault.SOURCE_UNUSABLE
        assert len(workers()) == 1


def test_what_is_missing_is_named_with_the_command_that_fetches_it(tmp_path: Path) -> None:
    with pipeline_of(None, cache=tmp_path) as pipeline:
        specs = pipeline.specs()
        assert isinstance(specs.readiness, ModelMissing)
        assert "hf download diffusers/LTX-2.3-Distilled-Diffusers" in specs.readiness.reason
        assert "hf download" in str(specs.why_no_upscale)
        assert pipeline.needs() is None
        with pytest.raises(VideoPipelineError) as caught:
            asyncio.run(pipeline.make(ORDER, tmp_path / "film.mp4", ignore))
        assert caught.value.fault is VideoFault.NOT_PULLED
    other = tmp_path / "other"
    other.mkdir()
    (other / "model_index.json").write_text('{"_class_name": "Flux2Pipeline"}')
    assert "another kind" in str(LtxFiles(tmp_path, other).what_is_missing())
    (other / "model_index.json").write_text('{"_class_name": "LTX2Pipeline"}')
    assert "in part" in str(LtxFiles(tmp_path, other).what_is_missing())
    without = LtxFiles(tmp_path, other, has_package=lambda package: package not in {"av", "peft"})
    assert "extras models and video" in str(without.what_is_missing())
    assert "extra video" in str(without.why_no_loras())
