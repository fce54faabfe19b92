"""The card of engines whose answers are known: one that pans a picture, a slow one, a frozen one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from services.world_engine.world_engine import ControlPayload, WorldSnapshot, WorldSpec
from training import evaluate
from training.evaluation.engine_card import CardPlan, Course, EngineFigures, judge, mean_control
from training.evaluation.engine_page import EngineCardPage
from training.evaluation.engines import fitted

if TYPE_CHECKING:
    from pathlib import Path

    from services.world_engine.world_engine import Frames, Picture

H, W = 48, 84
PLAN = CardPlan(control_s=4.0, idle_s=1.0, away_s=(1.0, 2.0), play_frames=250)
SPEC = WorldSpec("test/pan", "Pan", H, W, 2, 20, "00")
SEED = (
    np.random.default_rng(0).integers(30, 220, (H // 4, W // 4, 3)).repeat(4, axis=0).repeat(4, axis=1).astype(np.uint8)
)


@dataclass
class PanWorld:
    """Shows the seed, moved by a tenth of the mouse's way, `delay` passes late, in two frames a pass."""

    seed: Picture
    delay: int
    reach: float
    waiting: list[float] = field(default_factory=list[float])
    place: float = 0.0

    def step(self, control: ControlPayload) -> Frames:
        self.waiting.append(self.reach * control.mouse_dx)
        if len(self.waiting) > self.delay:
            self.place += self.waiting.pop(0)
        return np.stack([np.roll(self.seed, -round(self.place), axis=1)] * 2)

    def continue_from(self, picture: Picture) -> None:
        self.seed = picture

    def snapshot(self) -> WorldSnapshot:
        return WorldSnapshot("test/pan", "00", bytes(100))

    def restore(self, snapshot: WorldSnapshot) -> None:
        del snapshot

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class PanEngine:
    delay: int = 0
    reach: float = 0.1
    spec: WorldSpec = SPEC

    def open_world(self, seed: Picture, *, rng_seed: int) -> PanWorld:
        del rng_seed
        return PanWorld(seed, self.delay, self.reach)

    def close(self) -> None:
        pass


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
    yaw = judged(PanEngine(reach=-0.1)).control["yaw"]
    assert yaw.sign == 0.0
    assert yaw.correlation == pytest.approx(-1.0, abs=0.02)


def test_a_frozen_engine_has_no_control_and_comes_back() -> None:
    found = judged(PanEngine(reach=0.0))
    assert found.control["yaw"].correlation is None
    assert found.idle_change == found.idle_drift == 0.0
    assert set(found.returned.values()) == {50.0}


def test_the_state_and_the_course_are_told() -> None:
    found = judged(PanEngine())
    assert found.state_bytes == 100
    assert [len(part) for part in (found.course.brightness, found.course.contrast, found.course.detail)] == [3, 3, 3]
    assert found.course.brightness == pytest.approx([1.0, 1.0, 1.0], abs=0.01)
    assert found.pass_ms[0] <= found.pass_ms[1]


def test_the_worst_window_is_the_farthest_from_one() -> None:
    assert Course([0.9, 1.2], [0.4, 2.0], [1.0, 1.0]).worst() == {"brightness": 1.2, "contrast": 0.4, "detail": 1.0}


def test_means_leave_out_what_has_no_figure() -> None:
    moving, frozen = judged(PanEngine()).control, judged(PanEngine(reach=0.0)).control
    assert mean_control([moving, frozen], "yaw").correlation == moving["yaw"].correlation
    assert mean_control([frozen], "yaw").gain is None


def test_a_page_has_table_figures_plot_and_strip(tmp_path: Path) -> None:
    table = EngineCardPage(PanEngine.spec, {"one": judged(PanEngine())}).write(tmp_path)
    assert (tmp_path / "card.md").read_text(encoding="utf-8") == table
    assert "100 ms (2 frames a pass)" in table
    figures = json.loads((tmp_path / "card.json").read_text(encoding="utf-8"))
    assert figures["pictures"]["one"]["returned"] == {"1.0": 50.0, "2.0": 50.0}
    for name in ("card.png", "card_strip.png"):
        with Image.open(tmp_path / name) as picture:
            assert picture.width > 4 * W


def test_pictures_are_fitted_to_the_engines_size() -> None:
    for height, width in ((100, 100), (30, 300), (H, W)):
        assert fitted(np.zeros((height, width, 3), dtype=np.uint8), PanEngine()).shape == (H, W, 3)


def test_an_unknown_engine_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main(["nobody/nothing", "--out", str(tmp_path)]) == 1
    assert "terrarium/diorama" in capsys.readouterr().err
