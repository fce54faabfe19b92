"""The whole evaluation of a tiny model: what is written, and that it can be had again."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from simulator.player import Action
from training import evaluate
from training.evaluation import film, led_walks
from training.evaluation.evaluation import Evaluation
from training.evaluation.page import BEGIN, END, put_into_page
from training.evaluation.results import Plan
from training.evaluation.subjects import Still
from world_model.config import MICRO
from world_model.pose import Pose
from world_model.runtime import load_runtime

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.trial

TINY = Plan(
    walks=2,
    walk_frames=4,
    long_walks=1,
    long_walk_frames=16,
    courses=1,
    rests=1,
    rest_frames=4,
    plays=1,
    play_frames=8,
    turns=1,
    paced_frames=8,
)


def test_an_evaluation_writes_table_figures_and_pictures(micro_folder: Path, tmp_path: Path) -> None:
    table = evaluate.evaluate(load_runtime(micro_folder), TINY, tmp_path, workers=2)
    assert (tmp_path / "evaluation.md").read_text(encoding="utf-8") == table
    figures = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    assert figures["subjects"] == ["Moss", "diorama", "last frame"]
    assert figures["likeness"]["Moss"]["all"]["4"]["walks"] == 2
    assert figures["likeness"]["Moss"]["all"]["16"]["walks"] == 1
    assert len(figures["drift"]["diorama"]["sharpness"]) == 1
    assert figures["stillness"]["simulator"] == {"each_frame": 0.0, "from_the_first": 0.0}
    for name in ("evaluation.png", "evaluation_strip.png"):
        with Image.open(tmp_path / name) as picture:
            assert picture.width > 100
    page = tmp_path / "page.md"
    page.write_text(f"# Before\n\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    put_into_page(page, tmp_path)
    put_into_page(page, tmp_path)
    text = page.read_text(encoding="utf-8")
    assert text.count(table) == 1
    assert "old" not in text
    assert text.endswith(f"{END}\nafter\n")
    assert (tmp_path / "images" / "evaluation.png").exists()


def test_models_are_led_along_the_true_path(micro_folder: Path, tmp_path: Path) -> None:
    table = led_walks.compare(load_runtime(micro_folder), tmp_path / "out", worlds=1)
    assert (tmp_path / "out" / "led_walks.md").read_text(encoding="utf-8") == table
    assert [line.split("|")[1:3] for line in table.splitlines()[2:]] == [
        [f" {kind} ", f" {name} "] for kind in ("forward", "strafe") for name in ("Moss", "diorama, its own path")
    ]
    with Image.open(tmp_path / "out" / "led_walks.png") as sheet:
        assert sheet.height > 6 * 32


def test_a_led_walk_begins_at_the_origin_and_goes_where_it_was_told() -> None:
    ahead, aside = (
        led_walks.poses_of(led_walks.led_trial(0, action, 16, MICRO))
        for action in (Action(forward=1.0), Action(strafe=1.0))
    )
    assert ahead[0] == aside[0] == Pose()
    assert ahead[-1].z > 0.5 > abs(ahead[-1].x)
    assert aside[-1].x > 0.5 > abs(aside[-1].z)


def test_the_figures_are_reproducible(micro_folder: Path) -> None:
    runtime = load_runtime(micro_folder)
    first, again = (asdict(Evaluation(runtime, TINY, [Still()], workers=n).run()) for n in (1, 2))
    for timed in ("pace", "conditions"):
        del first[timed], again[timed]
    assert first == again


def test_a_page_without_a_place_for_the_table_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing here", encoding="utf-8")
    with pytest.raises(ValueError, match="no place"):
        put_into_page(page, tmp_path)
    assert page.read_text(encoding="utf-8") == "nothing here"


def test_missing_weights_are_said_to_be_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main(["--weights", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 1
    assert "missing" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_film_and_a_strip_of_a_walk_into_a_picture(micro_folder: Path, tmp_path: Path) -> None:
    seed, out, strip = tmp_path / "seed.png", tmp_path / "walk.webp", tmp_path / "strip.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 120, 3)).astype(np.uint8)).save(seed)
    given = ["--weights", str(micro_folder), "--seed", str(seed), "--out", str(out), "--strip", str(strip)]
    assert film.main([*given, "--every", "4", "--scale", "1"]) == 0
    with Image.open(out) as moving:
        assert moving.size == (64, 32)
        assert getattr(moving, "n_frames", 1) > 40
    with Image.open(strip) as still:
        assert still.width > 6 * 64


def test_a_film_of_a_picture_that_is_not_there(micro_folder: Path, tmp_path: Path) -> None:
    given = ["--weights", str(micro_folder), "--seed", str(tmp_path / "none.png"), "--out", str(tmp_path / "a.webp")]
    assert film.main(given) == 1
