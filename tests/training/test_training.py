"""From clips to exported weights, with networks and clips so small that it takes seconds."""

from __future__ import annotations

import math
import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from simulator.config import WorldConfig
from tests.world_model.micro import micro_networks, micro_scene_net
from training.clips import ClipFolderError
from training.export import ExportError, export, export_scene, trained_graphs
from training.export import main as export_main
from training.make_clips import write_shard
from training.networks import make_networks
from training.presets import PRESETS, StagePlan
from training.recorder import Recipe, Split
from training.run import Progress, RunFolder, RunFolderError
from training.stage import STAGES, learning_rate
from training.train import Training
from training.train import main as train_main
from world_model.certainty import CertainSeer
from world_model.config import MICRO
from world_model.keyframes import KeyframeKeeper
from world_model.layer_renderer import LayerRenderer
from world_model.motion_step import WalkerIntent
from world_model.runtime import load_runtime
from world_model.scene_net import SceneNet
from world_model.scene_source import SceneSource
from world_model.walker import Walker

if TYPE_CHECKING:
    from pathlib import Path

    from training.presets import Preset

pytestmark = pytest.mark.trial

SPLITS: tuple[Split, ...] = ("train", "heldout")
NEVER = math.inf
CPU = torch.device("cpu")
TINY = replace(
    PRESETS["smoke"],
    motion=StagePlan(steps=3, batch=4, learning_rate=1e-3),
    depth=StagePlan(steps=6, batch=4, learning_rate=1e-3),
)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four clips of each split, at the size of the smallest model."""
    folder = tmp_path_factory.mktemp("clips")
    for split in SPLITS:
        (folder / split).mkdir()
        write_shard(
            folder / split, Recipe(split, frames=20, config=WorldConfig(height=32, width=64, supersample=1)), 0, 4
        )
    return folder


def trained(clips: Path, out: Path, *, deadline: float = NEVER, preset: Preset = TINY, workers: int = 0) -> bool:
    return Training(preset, clips, out, deadline=deadline, device=CPU, workers=workers).run()


def weights_in(run: Path) -> dict[str, bytes]:
    return {
        f"{name}.{key}": value.numpy().tobytes()
        for name, module in trained_graphs(run)[0].items()
        for key, value in module.state_dict().items()
    }


@pytest.fixture(scope="module")
def finished(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody interrupted."""
    out = tmp_path_factory.mktemp("run")
    assert trained(clips, out)
    return out


def test_from_clips_to_weights_that_play(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both commands run with the smoke preset."""
    run, weights = tmp_path / "run", tmp_path / "weights"
    assert train_main(["--preset", "smoke", "--clips", str(clips), "--out", str(run)]) == 0
    assert "training.export" in capsys.readouterr().out
    assert {path.name for path in run.glob("*.csv")} == {f"{stage}.csv" for stage in STAGES}
    assert (run / "depth_000040.png").stat().st_size > 1000
    assert (run / "depth.png").stat().st_size > 1000
    export_scene(micro_scene_net(), weights)
    seen = (weights / "see.onnx").read_bytes()
    assert export_main(["--run", str(run), "--out", str(weights)]) == 0
    assert "differ by" in capsys.readouterr().out
    assert (weights / "see.onnx").read_bytes() == seen, "what the run does not have stays"
    runtime = load_runtime(weights)
    keeper = KeyframeKeeper(MICRO, CertainSeer(MICRO, SceneSource(runtime)), LayerRenderer(MICRO))
    walker = Walker(runtime, keeper, np.full((32, 64, 3), 120, dtype=np.uint8))
    assert all(walker.step(WalkerIntent(forward=1.0)).shape == (32, 64, 3) for _ in range(5))


def test_what_a_run_has_not_trained_yet_stays(finished: Path, tmp_path: Path) -> None:
    run, weights = tmp_path / "run", tmp_path / "weights"
    export(make_networks(MICRO, CPU), weights)
    run.mkdir()
    before = {name: (weights / f"{name}.onnx").read_bytes() for name in ("start", "walk")}
    checkpoint = RunFolder(finished).load()
    assert checkpoint is not None
    for progress, changed in ((Progress(("motion",)), {"walk"}), (Progress(("motion",), 1), {"start", "walk"})):
        RunFolder(run).save(checkpoint.restored(CPU, averaged=False), progress, None)
        assert export_main(["--run", str(run), "--out", str(weights)]) == 0
        after = {name: (weights / f"{name}.onnx").read_bytes() for name in ("start", "walk")}
        assert {name for name in after if after[name] != before[name]} == changed


def test_a_run_in_pieces_is_the_run_in_one(clips: Path, finished: Path, tmp_path: Path) -> None:
    """Stopped after every single step: weights and curves have the same bits."""
    pieces = 1
    while not trained(clips, tmp_path, deadline=time.monotonic()):
        pieces += 1
    assert pieces >= 9
    assert weights_in(tmp_path) == weights_in(finished)
    for stage in STAGES:
        name = f"{stage}.csv"
        assert (tmp_path / name).read_text() == (finished / name).read_text()


def test_the_number_of_reading_threads_changes_nothing(clips: Path, finished: Path, tmp_path: Path) -> None:
    assert trained(clips, tmp_path, workers=2)
    assert weights_in(tmp_path) == weights_in(finished)


def test_a_run_of_an_older_version_names_its_stage_of_depth_otherwise(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.save(micro_networks(), Progress(STAGES), None)
    state: dict[str, Any] = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    state["finished"] = ["sight" if stage == "depth" else stage for stage in state["finished"]]
    torch.save(state, tmp_path / "checkpoint.pt")
    found = folder.load()
    assert found is not None
    assert found.progress.finished == STAGES


def test_a_finished_run_is_left_as_it_is(clips: Path, finished: Path) -> None:
    before = (finished / "checkpoint.pt").read_bytes()
    assert trained(clips, finished)
    assert (finished / "checkpoint.pt").read_bytes() == before


def test_a_deadline_saves_and_stops(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--preset", "smoke", "--clips", str(clips), "--out", str(tmp_path), "--minutes", "0"]
    for step in (1, 2):
        assert train_main(arguments) == 0
        assert "the same command goes on" in capsys.readouterr().out
        checkpoint = RunFolder(tmp_path).load()
        assert checkpoint is not None
        assert (checkpoint.progress.finished, checkpoint.progress.step) == ((), step)


@pytest.mark.parametrize("damage", [b"", b"not a checkpoint", None])
def test_a_damaged_checkpoint_is_named(
    clips: Path, finished: Path, tmp_path: Path, damage: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Empty, something else, or cut off in the middle."""
    whole = (finished / "checkpoint.pt").read_bytes()
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert train_main(["--preset", "smoke", "--clips", str(clips), "--out", str(tmp_path)]) == 1
    assert str(path) in capsys.readouterr().err
    assert export_main(["--run", str(tmp_path), "--out", str(tmp_path / "weights")]) == 1
    assert not (tmp_path / "weights").exists()


def test_a_checkpoint_of_another_version_is_named(tmp_path: Path) -> None:
    torch.save({"networks": {}}, tmp_path / "checkpoint.pt")
    with pytest.raises(RunFolderError, match="another version"):
        RunFolder(tmp_path).load()


@pytest.mark.parametrize("missing", SPLITS)
def test_missing_clips_are_named(clips: Path, tmp_path: Path, missing: str, capsys: pytest.CaptureFixture[str]) -> None:
    there = shutil.copytree(clips, tmp_path / "clips")
    shutil.rmtree(there / missing)
    with pytest.raises(ClipFolderError, match="make_clips"):
        trained(there, tmp_path / "run")
    assert train_main(["--preset", "smoke", "--clips", str(there), "--out", str(tmp_path / "run")]) == 1
    assert str(there / missing) in capsys.readouterr().err


def test_a_missing_run_cannot_be_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export_main(["--run", str(tmp_path / "none"), "--out", str(tmp_path / "weights")]) == 1
    assert "no checkpoint" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_graphs_that_differ_are_not_exported(finished: Path, tmp_path: Path) -> None:
    """A network whose weights change once it has been exported differs from its graph."""
    checkpoint = RunFolder(finished).load()
    assert checkpoint is not None
    networks = checkpoint.restored(CPU, averaged=True)
    folder = tmp_path / "weights"
    export(networks, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def drift(module: torch.nn.Module, _: object) -> None:
        if not torch.jit.is_tracing():  # pyright: ignore[reportPrivateImportUsage] - documented, yet not in the stub
            with torch.no_grad():
                for parameter in module.parameters():
                    parameter.add_(0.1)

    networks.motion.body.register_forward_pre_hook(drift)
    with pytest.raises(ExportError, match="differ"):
        export(networks, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_pictures_of_another_form_are_not_put_beside_each_other(tmp_path: Path) -> None:
    export(micro_networks(), tmp_path / "weights")
    with pytest.raises(ExportError, match="another form"):
        export_scene(SceneNet(replace(MICRO, width=96)), tmp_path / "weights")


def test_the_rate_rises_stays_and_falls() -> None:
    plan = StagePlan(steps=100, batch=1, learning_rate=2.0, warm_up=0.1, cool_down=0.3)
    rates = [learning_rate(plan, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.2)
    assert rates[10:69] == [2.0] * 59
    assert rates[69:] == sorted(rates[69:], reverse=True)
    assert 0.0 < rates[-1] < 0.01
