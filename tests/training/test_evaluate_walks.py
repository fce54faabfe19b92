"""The measurements on subjects whose figures are known: the truth itself, a frozen world, engines."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.world_engine.diorama.constants import HALF_FOV
from services.world_engine.diorama.engine import DioramaEngine
from simulator.player import Action
from tests.services.diorama import keys
from tests.training.pan_engine import SPEC
from training.evaluation.measures import MOST_PSNR, psnr
from training.evaluation.optics import Odometer
from training.evaluation.runs import TRUTH, drift_of, play_long, steps_ahead, turn_around
from training.evaluation.subjects import EnginePlayer, Still, control_of, size_of_trials
from training.evaluation.trials import Trial, course, full_turn, long_walk, recorded_walk
from training.evaluation.walks import ALL, likeness_of, mean_psnr, obedience_of, play_walk, turns_of
from training.policies import steady_turn
from training.recorder import Recipe, Recorder
from world_model.config import ModelConfig

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from training.evaluation.trials import Picture

pytestmark = pytest.mark.trial

SMALL = ModelConfig(height=64, width=96)
FULL = ModelConfig()
ODOMETER = Odometer(SMALL.height, SMALL.width, SMALL.focal)


class Truth:
    """A subject that shows what the simulator does."""

    name = "truth"

    def play(self, trial: Trial) -> Iterator[Picture]:
        yield from trial.pictures()


def test_a_walk_is_the_held_out_clip_of_its_number() -> None:
    trial = recorded_walk(FULL, 1, 5)
    frames = np.empty((6, FULL.height, FULL.width, 4), dtype=np.uint8)
    clip = Recorder(Recipe("heldout", 6)).record(1, frames)
    assert all(np.array_equal(ours, theirs[..., :3]) for ours, theirs in zip(trial.pictures(), frames, strict=True))
    assert trial.policy == clip.policy
    assert [action.yaw for action in trial.actions] == pytest.approx(clip.actions[1:, 5])


def test_the_truth_is_perfect_and_a_frozen_world_is_its_first_frame() -> None:
    trial = recorded_walk(SMALL, 4, 16)
    walk = play_walk(trial, (Truth(), Still()), ODOMETER)
    perfect, frozen = (likeness_of([walk], name, ALL, 16) for name in ("truth", Still.name))
    assert perfect is not None
    assert (perfect.walks, perfect.psnr) == (1, MOST_PSNR)
    assert (perfect.ssim, perfect.sharpness) == pytest.approx((1.0, 1.0))
    pictures = list(trial.pictures())
    assert frozen is not None
    assert frozen.psnr == psnr(pictures[0], pictures[16])
    assert likeness_of([walk], "truth", ALL, 64) is None
    assert mean_psnr([walk], "truth") == [MOST_PSNR] * 16


def test_turns_are_obeyed_by_the_truth_and_not_by_a_frozen_world() -> None:
    trial = full_turn(FULL, 8)
    walk = play_walk(trial, (Truth(), Still()), Odometer(FULL.height, FULL.width, FULL.focal))
    truth = obedience_of(*turns_of([walk], None))
    assert truth.correlation is not None
    assert truth.correlation > 0.9
    assert truth.gain == pytest.approx(1.0, abs=0.05)
    frozen = obedience_of(*turns_of([walk], Still.name))
    assert frozen.correlation is None
    assert frozen.gain == pytest.approx(0.0, abs=1e-6)


def still_trial(actions: Sequence[Action]) -> Trial:
    trial = full_turn(FULL, 0)
    return replace(trial, actions=tuple(actions), states=trial.states[:1] * (len(actions) + 1))


def test_the_diorama_turns_by_what_the_mouse_says() -> None:
    """At our own focal length and frame rate, although its camera and its clock are others."""
    turns = list(steady_turn(math.radians(40.0), 1.2))
    player = EnginePlayer(DioramaEngine(), HALF_FOV)
    pictures = list(player.play(still_trial([Action(yaw=yaw) for yaw in turns])))
    assert len(pictures) == len(turns) + 1
    assert {picture.shape for picture in pictures} == {(FULL.height, FULL.width, 3)}
    odometer = Odometer(FULL.height, FULL.width, FULL.focal)
    measured = sum(odometer.turn(before, after) for before, after in pairwise(pictures))
    assert measured == pytest.approx(sum(turns), rel=0.05)


def test_the_diorama_at_rest_shows_what_the_simulator_shows() -> None:
    """It was given the view of its own, wider camera."""
    first, *_, last = EnginePlayer(DioramaEngine(), HALF_FOV).play(still_trial([Action()] * 3))
    assert last.shape == first.shape
    assert psnr(last, first) > 27.0


def test_an_engine_of_our_camera_is_judged_at_its_own_size_and_any_other_at_ours() -> None:
    large = replace(SPEC, height=256, width=448)
    assert size_of_trials(large, 0.5 * FULL.fov) == ModelConfig(height=256, width=448)
    assert size_of_trials(large, HALF_FOV) == FULL
    assert size_of_trials(replace(large, height=252), 0.5 * FULL.fov) == FULL


def test_a_control_holds_the_keys_of_any_frame_and_sums_the_mouse_motion() -> None:
    control = control_of([Action(forward=1.0, run=True, yaw=0.022), Action(strafe=-1.0, yaw=0.022, pitch=0.011)])
    assert control.buttons == {keys.W, keys.A, keys.SHIFT}
    assert (control.mouse_dx, control.mouse_dy) == pytest.approx((20.0, -5.0))


@pytest.mark.parametrize("left", [False, True])
def test_a_full_turn_returns(left: bool) -> None:  # noqa: FBT001 - a parameter of the test
    found = turn_around(full_turn(SMALL, 0, left=left), ())[TRUTH]
    assert found.back == MOST_PSNR
    assert found.half_way < 30.0


def test_the_truth_does_not_drift_from_itself() -> None:
    trial = long_walk(SMALL, 0, 200)
    drift = drift_of([play_long(trial, (Truth(),))], "truth")
    assert drift.brightness == drift.contrast == drift.sharpness == [[1.0, 1.0]]


def test_steps_ahead_are_measured_in_the_metres_of_the_truth() -> None:
    trial = course(FULL, 0)
    steps = steps_ahead(trial, (Still(),), Odometer(FULL.height, FULL.width, FULL.focal))
    truth, frozen = (obedience_of(trial.ahead(), steps[name]) for name in (TRUTH, Still.name))
    assert truth.gain == pytest.approx(1.0)
    assert truth.correlation is not None
    assert truth.correlation > 0.9
    assert frozen.gain == pytest.approx(0.0, abs=1e-3)
