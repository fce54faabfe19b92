"""The whole card of a tiny engine, and led models: what is written, and that it can be had again."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from simulator.player import Action
from tests.training.pan_engine import PanEngine
from training import evaluate
from training.evaluation import film, led_walks
from training.evaluation.engine_card import CardPlan
from training.evaluation.evaluation import Evaluation
from training.evaluation.led import LedMoss, poses_of
from training.evaluation.page import END, begin_of, put_into_page
from training.evaluation.results import Plan
from training.evaluation.subjects import EnginePlayer
from world_model.config import MICRO, ModelConfig
from world_model.layers import FINE
from world_model.pose import Pose
from world_model.runtime import load_runtime

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.trial

HALF_VIEW = 0.5 * MICRO.fov
TINY = Plan(walks=2, walk_frames=4, long_walks=1, long_walk_frames=16, courses=1, plays=1, play_frames=8, turns=1)
TINY_CARD = CardPlan(control_s=1.0, idle_s=0.2, away_s=(1.0,), play_frames=20, crowd_frames=2)
TINY_LED = led_walks.LedPlan(worlds=1, long_worlds=1, return_worlds=1, away_s=(1,))


def test_a_card_beside_the_truth_is_written_and_put_into_its_page(tmp_path: Path) -> None:
    seed = np.random.default_rng(0).integers(0, 255, (60, 100, 3)).astype(np.uint8)
    plans = evaluate.Plans(TINY_CARD, TINY, workers=2)
    text = evaluate.write_card(PanEngine(), {"noise": seed}, HALF_VIEW, plans, tmp_path)
    assert (tmp_path / "card.md").read_text(encoding="utf-8") == text
    figures = json.loads((tmp_path / "card.json").read_text(encoding="utf-8"))["beside_the_truth"]
    assert figures["subjects"] == ["test/pan", "first picture"]
    assert figures["likeness"]["test/pan"]["all"]["4"]["walks"] == 2
    assert figures["likeness"]["test/pan"]["all"]["16"]["walks"] == 1
    assert [len(play) for play in figures["drift"]["test/pan"]["sharpness"]] == [1]
    for name in ("card.png", "card_strip.png", "truth.png", "truth_strip.png"):
        with Image.open(tmp_path / name) as picture:
            assert picture.width > 100
    page = tmp_path / "page.md"
    page.write_text(f"# Before\n\n{begin_of('test/pan')}\nold\n{END}\nafter\n", encoding="utf-8")
    for _ in range(2):
        put_into_page(page, tmp_path, "test/pan")
    page_text = page.read_text(encoding="utf-8")
    assert page_text.count(text) == 1
    assert "old" not in page_text
    assert "(images/pan_truth_strip.png)" in page_text
    assert page_text.endswith(f"{END}\nafter\n")
    assert (tmp_path / "images" / "pan_card.png").exists()


def test_models_are_led_along_the_true_path_and_back(micro_folder: Path, tmp_path: Path) -> None:
    moss = load_runtime(micro_folder)
    table = led_walks.compare((LedMoss(moss, MICRO.height),), MICRO, TINY_LED, tmp_path / "out", workers=2)
    assert (tmp_path / "out" / "led_walks.md").read_text(encoding="utf-8") == table
    figures = json.loads((tmp_path / "out" / "led_walks.json").read_text(encoding="utf-8"))
    for kind in ("forward", "strafe"):
        assert list(figures["likeness"][kind]["Moss"]) == ["1", "8", "16", "32", "300"]
    assert all(10.0 < back["1"] <= 50.0 for back in figures["returned"].values())
    with Image.open(tmp_path / "out" / "led_walks.png") as sheet:
        assert sheet.height == 6 * 32


def test_moss_is_led_in_pictures_of_twice_the_size(micro_folder: Path) -> None:
    size = ModelConfig(height=FINE * MICRO.height, width=FINE * MICRO.width)
    trial = led_walks.led_trial(0, Action(forward=1.0), 2, size)
    moss = LedMoss(load_runtime(micro_folder), size.height)
    pictures = list(moss.lead(trial.picture(0), poses_of(trial.states)))
    assert [picture.shape for picture in pictures] == [(64, 128, 3)] * 3


def test_a_missing_network_is_named(micro_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = shutil.copytree(micro_folder, tmp_path / "weights")
    (weights / "see.onnx").unlink()
    arguments = ["--weights", str(weights), "--out", str(tmp_path / "out")]
    assert led_walks.main(arguments) == 1
    assert "see.onnx" in capsys.readouterr().err


def test_a_led_walk_begins_at_the_origin_and_goes_where_it_was_told() -> None:
    ahead, aside = (
        poses_of(led_walks.led_trial(0, action, 16, MICRO).states)
        for action in (Action(forward=1.0), Action(strafe=1.0))
    )
    assert ahead[0] == aside[0] == Pose()
    assert ahead[-1].z > 0.5 > abs(ahead[-1].x)
    assert aside[-1].x > 0.5 > abs(aside[-1].z)


@pytest.mark.parametrize("away_s", [1, 4])
def test_a_way_away_and_back_ends_where_it_was_left(away_s: int) -> None:
    trial, leaving = led_walks.there_and_back(0, away_s, MICRO)
    assert trial.states[leaving] == trial.states[-1]
    assert len(trial.states) - 1 - leaving == 30 * away_s
    assert max(abs(state.yaw - trial.states[-1].yaw) for state in trial.states[leaving:]) > 2.0


def test_the_figures_are_reproducible() -> None:
    player = EnginePlayer(PanEngine(), HALF_VIEW)
    first, again = (asdict(Evaluation(player, MICRO, TINY, workers=n).run()) for n in (1, 2))
    assert first == again


def test_a_page_without_a_place_for_the_table_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing here", encoding="utf-8")
    with pytest.raises(ValueError, match="no place"):
        put_into_page(page, tmp_path, "test/pan")
    assert page.read_text(encoding="utf-8") == "nothing here"


def test_a_film_and_a_strip_of_a_walk_into_a_picture(tmp_path: Path) -> None:
    seed, out, strip = tmp_path / "seed.png", tmp_path / "walk.webp", tmp_path / "strip.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 120, 3)).astype(np.uint8)).save(seed)
    given = ["terrarium/diorama", "--seed", str(seed), "--out", str(out), "--strip", str(strip)]
    assert film.main([*given, "--fps", "6", "--width", "64"]) == 0
    with Image.open(out) as moving:
        assert moving.size == (64, 36)
        whole = getattr(moving, "n_frames", 1)
    assert whole > 40
    with Image.open(strip) as still:
        assert still.width > 6 * 64
    assert film.main([*given, "--fps", "6", "--width", "64", "--seconds", "2"]) == 0
    with Image.open(out) as short:
        assert getattr(short, "n_frames", 1) < whole / 3


def test_a_film_of_a_picture_that_is_not_there(tmp_path: Path) -> None:
    given = ["terrarium/diorama", "--seed", str(tmp_path / "none.png"), "--out", str(tmp_path / "a.webp")]
    assert film.main(given) == 1
