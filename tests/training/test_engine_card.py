"""The card of engines whose answers are known: one that pans a picture, a slow one, a frozen one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tests.training.pan_engine import SPEC, H, PanEngine, PanWorld, W
from training import evaluate
from training.evaluation.engine_card import CardPlan, EngineFigures, judge, mean_control
from training.evaluation.engine_page import EngineCardPage
from training.evaluation.engines import fitted
from training.evaluation.pace import Crowd, measure_crowd

if TYPE_CHECKING:
    from pathlib import Path

    from services.world_engine.world_engine import ControlPayload, Frames, Picture

PLAN = CardPlan(control_s=2.0, idle_s=0.5, away_s=(1.0, 2.0), play_frames=150)
SEED = (
    np.random.default_rng(0).integers(30, 220, (H // 4, W // 4, 3)).repeat(4, axis=0).repeat(4, axis=1).astype(np.uint8)
)


class OwnPlaceWorld(PanWorld):
    """Shows a place of its own, as a world that only takes its kind from the picture; steps ahead wear it out."""

    def step(self, control: ControlPayload) -> Frames:
        self.seed = self.seed // 2 if control.buttons else self.seed
        return super().step(control)


@dataclass(frozen=True)
class OwnPlaceEngine(PanEngine):
    def open_world(self, seed: Picture, *, rng_seed: int) -> PanWorld:
        del rng_seed
        return OwnPlaceWorld(seed // 2, self.delay, self.reach, self.spec.frames_per_pass)


@cache
def judged(engine: PanEngine) -> EngineFigures:
    return judge(engine, SEED, PLAN)


def test_what_obeys_at_once_has_the_sign_and_the_correlation() -> None:
    yaw = judged(PanEngine()).control["yaw"]
    assert yaw.sign == 1.0
    assert yaw.correlation == pytest.approx(1.0, abs=0.02)
    assert yaw.delay_frames == 0
    assert yaw.gain is not None
    assert yaw.gain > 0.0


def test_delay_is_told_in_frames() -> None:
    assert judged(PanEngine(delay=2)).control["yaw"].delay_frames == 4


def test_what_turns_the_wrong_way_is_told() -> None:
    yaw = judged(PanEngine(reach=-0.2)).control["yaw"]
    assert yaw.sign == 0.0
    assert yaw.correlation == pytest.approx(-1.0, abs=0.02)


def test_a_frozen_engine_has_no_control_and_comes_back() -> None:
    found = judged(PanEngine(reach=0.0))
    assert found.control["yaw"].correlation is None
    assert found.idle_change == found.idle_drift == 0.0
    assert set(found.returned.turned.values()) == set(found.returned.walked.values()) == {50.0}


def test_the_state_and_the_course_are_told() -> None:
    found = judged(PanEngine())
    assert found.state_bytes == 100
    course = found.course
    assert [len(part) for part in (course.brightness, course.contrast, course.detail, course.fragments)] == [2] * 4
    assert course.brightness == pytest.approx([1.0, 1.0], abs=0.01)
    assert found.pass_ms[0] <= found.pass_ms[1]


def test_what_turns_back_is_where_it_was_and_what_wears_out_is_not() -> None:
    assert set(judged(PanEngine()).returned.turned.values()) == {50.0}
    assert max(judged(OwnPlaceEngine()).returned.walked.values()) < 20.0


def test_long_play_is_held_against_what_the_world_began_with_and_not_against_the_picture() -> None:
    """The picture itself is twice as bright as the first frame; then the world goes dark."""
    assert judged(OwnPlaceEngine()).course.brightness[-1] == pytest.approx(0.0, abs=0.01)
    begun = judged(OwnPlaceEngine()).shown[0]
    assert begun.mean() == pytest.approx(0.5 * SEED.mean(), rel=0.02)


def test_a_crowd_has_as_many_worlds_as_the_engine_has_room_for() -> None:
    crowd = measure_crowd(PanEngine(), SEED, 4)
    assert crowd.worlds == SPEC.max_worlds
    assert crowd.frames_per_s > 0.0


def test_means_leave_out_what_has_no_figure() -> None:
    moving, frozen = judged(PanEngine()).control, judged(PanEngine(reach=0.0)).control
    assert mean_control([moving, frozen], "yaw").correlation == moving["yaw"].correlation
    assert mean_control([frozen], "yaw").gain is None


def test_a_page_has_table_figures_plot_and_strip(tmp_path: Path) -> None:
    table = EngineCardPage(SPEC, {"one": judged(PanEngine())}, Crowd(3, 20.0), None).write(tmp_path)
    assert (tmp_path / "card.md").read_text(encoding="utf-8") == table
    assert "67 ms (2 frames a pass)" in table
    assert "| 3 worlds on 2 threads | 20.0 frames/s each |" in table
    figures = json.loads((tmp_path / "card.json").read_text(encoding="utf-8"))
    assert figures["pictures"]["one"]["returned"]["turned"] == {"1.0": 50.0, "2.0": 50.0}
    assert figures["beside_the_truth"] is None
    for name in ("card.png", "card_strip.png"):
        with Image.open(tmp_path / name) as picture:
            assert picture.width > 4 * W


def test_pictures_are_fitted_to_the_engines_size() -> None:
    for height, width in ((100, 100), (30, 300), (H, W)):
        assert fitted(np.zeros((height, width, 3), dtype=np.uint8), PanEngine()).shape == (H, W, 3)


def test_an_unknown_engine_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main(["nobody/nothing", "--out", str(tmp_path)]) == 1
    assert "terrarium/diorama" in capsys.readouterr().err
