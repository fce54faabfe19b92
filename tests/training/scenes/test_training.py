"""From walks to a trained scene network, with networks and pictures so small that it takes seconds."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from simulator.config import WorldConfig
from training.presets import StagePlan
from training.scenes.make_views import WALKS_PER_SHARD, make_views
from training.scenes.make_views import main as views_main
from training.scenes.presets import SCENE_PRESETS
from training.scenes.run import SceneRunFolder
from training.scenes.samples import Pairs
from training.scenes.train import SceneTraining
from training.scenes.train import main as train_main
from training.scenes.views import SOURCES, VIEWS, ViewStore
from training.shipped import shipped_scene_net
from world_model.layers import LAYERS, PEEL_LAYERS

pytestmark = pytest.mark.trial

CONFIG = WorldConfig(height=32, width=64, supersample=1)
TINY = replace(SCENE_PRESETS["smoke"], plan=StagePlan(steps=5, batch=2, learning_rate=1e-3), rendered=1)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One shard, at the size of the smallest model."""
    folder = tmp_path_factory.mktemp("views")
    assert make_views(folder / "train", "train", 1, config=CONFIG) == 1
    return folder


def trained(views: Path, out: Path, *, deadline: float = math.inf) -> bool:
    return SceneTraining(TINY, views, out, deadline=deadline, device=CPU).run()


def weights_in(out: Path) -> dict[str, bytes]:
    checkpoint = SceneRunFolder(out).load()
    assert checkpoint is not None
    state = checkpoint.network(averaged=True).state_dict()
    return {name: tensor.numpy().tobytes() for name, tensor in state.items()}


def test_views_are_what_was_promised(views: Path) -> None:
    store = ViewStore(views / "train")
    assert len(store) == WALKS_PER_SHARD
    assert store.pictures(3).shape == (VIEWS, 32, 64, 3)
    assert store.peeled(3).shape == (SOURCES, 2, 32, 64, 3)
    for peel, allowed in enumerate(PEEL_LAYERS):
        assert set(np.unique(store.layers(3)[:, peel])) <= set(allowed)
    assert store.inverse_depths(3).max() <= 2.6
    assert len({store.pictures(walk)[0].tobytes() for walk in range(len(store))}) > WALKS_PER_SHARD // 2


def test_finished_shards_are_not_written_again(views: Path) -> None:
    assert make_views(views / "train", "train", WALKS_PER_SHARD, config=CONFIG) == 0


def test_a_batch_is_a_function_of_its_random_numbers(views: Path) -> None:
    pairs = Pairs(ViewStore(views / "train"))
    one, same, other = (pairs.batch(3, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
    assert not torch.equal(one.targets, other.targets)
    assert one.pictures.shape == (3, 3, 3, 32, 64)
    assert int(one.layers.max()) < LAYERS
    assert float(one.relative_pose[:, :3].abs().max()) < 2.6


def test_the_number_of_drawing_threads_changes_nothing(views: Path) -> None:
    store = ViewStore(views / "train")
    alone, beside = (Pairs(store, workers=workers).batch(3, np.random.default_rng(1)) for workers in (0, 3))
    assert all(torch.equal(a, b) for a, b in zip(alone, beside, strict=True))


def test_training_lowers_the_loss(views: Path, tmp_path: Path) -> None:
    preset = replace(TINY, plan=replace(TINY.plan, steps=1000, learning_rate=3e-3, warm_up=0.0))
    training = SceneTraining(preset, views, tmp_path, deadline=math.inf, device=CPU)
    batch = Pairs(training.store).batch(2, np.random.default_rng(0))
    losses = [training.step(batch) for _ in range(25)]
    for name in ("loss", "layers", "relief"):
        assert losses[-1][name] < 0.8 * losses[0][name]


def test_a_run_in_pieces_is_the_run_in_one(views: Path, tmp_path: Path) -> None:
    assert trained(views, tmp_path / "one")
    pieces = 1
    while not trained(views, tmp_path / "many", deadline=time.monotonic()):
        pieces += 1
    assert pieces == TINY.plan.steps
    assert weights_in(tmp_path / "many") == weights_in(tmp_path / "one")
    assert (tmp_path / "many" / "scene.csv").read_text() == (tmp_path / "one" / "scene.csv").read_text()


def test_a_finished_run_is_left_as_it_is(views: Path, tmp_path: Path) -> None:
    assert trained(views, tmp_path)
    before = weights_in(tmp_path)
    assert trained(views, tmp_path)
    assert weights_in(tmp_path) == before


def test_the_commands(tmp_path: Path, views: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--preset", "smoke", "--views", str(views), "--out", str(tmp_path / "run")]
    assert train_main([*arguments, "--minutes", "0"]) == 0
    assert "the same command goes on" in capsys.readouterr().out
    assert train_main([*arguments, "--steps", "3"]) == 0
    assert "finished. 3 steps" in capsys.readouterr().out
    assert views_main(["--out", str(views), "--split", "train", "--walks", "5"]) == 0
    assert "0 shards written" in capsys.readouterr().out


def test_no_file_of_a_run_is_large(views: Path, tmp_path: Path) -> None:
    """The checkpoint of the widest preset takes several files."""
    preset = replace(SCENE_PRESETS["gpu"], plan=TINY.plan)
    training = SceneTraining(preset, views, tmp_path, deadline=math.inf, device=CPU)
    training.save()
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert sum(sizes) > 16 * 2**20
    assert max(sizes) <= 16 * 2**20


def test_missing_views_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train_main(["--views", str(tmp_path), "--out", str(tmp_path / "run")]) == 1
    assert "make_views" in capsys.readouterr().err


def test_a_damaged_checkpoint_is_named(views: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trained(views, tmp_path)
    next(tmp_path.glob("checkpoint.0*")).write_bytes(b"")
    assert train_main(["--preset", "smoke", "--views", str(views), "--out", str(tmp_path)]) == 1
    assert str(tmp_path) in capsys.readouterr().err


def test_a_run_goes_on_from_what_ships(views: Path, tmp_path: Path) -> None:
    shipped = Path(__file__).parents[3] / "assets" / "moss"
    preset = replace(SCENE_PRESETS["cpu"], plan=TINY.plan)
    SceneTraining(preset, views, tmp_path, deadline=math.inf, device=CPU, begin_with=shipped).save()
    began, known = SceneRunFolder(tmp_path).load(), shipped_scene_net(shipped).state_dict()
    assert began is not None
    for averaged in (False, True):
        for name, value in began.network(averaged=averaged).state_dict().items():
            assert torch.equal(value, known[name]), name


def test_a_scene_network_of_another_size_is_refused(
    views: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = Path(__file__).parents[3] / "assets" / "moss"
    arguments = ["--preset", "smoke", "--views", str(views), "--out", str(tmp_path), "--begin-with", str(shipped)]
    assert train_main(arguments) == 1
    assert "another size" in capsys.readouterr().err
