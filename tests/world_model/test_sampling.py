"""From noise to latents: the noise itself, and the sampler's steps."""

from __future__ import annotations

import numpy as np
import pytest

from world_model.noise import pass_noise
from world_model.sampler import SCHEDULES, sample


@pytest.mark.parametrize("steps", SCHEDULES)
def test_sampling_with_a_perfect_network_gives_its_answer(steps: int) -> None:
    answer, asked = np.array([0.25, -3.0, 7.0]), list[float]()

    def clean(noisy: np.ndarray, level: float, /) -> np.ndarray:
        asked.append(level)
        noise = np.array([1.0, 2.0, 3.0])
        assert noisy == pytest.approx((1.0 - level) * answer + level * noise)
        return answer

    assert sample(clean, np.array([1.0, 2.0, 3.0]), steps) == pytest.approx(answer)
    assert tuple(asked) == SCHEDULES[steps]


def test_schedules_begin_in_pure_noise_and_descend() -> None:
    assert set(SCHEDULES) == {1, 2, 4}
    for steps, levels in SCHEDULES.items():
        assert (len(levels), levels[0]) == (steps, 1.0)
        assert list(levels) == sorted(levels, reverse=True)
        assert levels[-1] > 0.0


@pytest.mark.parametrize("steps", [0, 3, -1, 8])
def test_other_numbers_of_steps_are_refused(steps: int) -> None:
    with pytest.raises(ValueError, match="1, 2 or 4"):
        sample(lambda noisy, _: noisy, np.zeros(1), steps)


def test_noise_is_a_function_of_seed_and_pass() -> None:
    shape = (4, 8, 8)
    once = pass_noise(7, 3, 2, shape)
    assert (once.shape, once.dtype) == ((2, *shape), np.dtype(np.float32))
    assert (once == pass_noise(7, 3, 2, shape)).all()
    for seed, number in ((8, 3), (7, 4), (7, 0), (-7, 3), (7 + 2**63, 3)):
        assert abs(float(np.corrcoef(once.ravel(), pass_noise(seed, number, 2, shape).ravel())[0, 1])) < 0.2


def test_noise_is_standard_normal_far_along_too() -> None:
    noise = pass_noise(1, 2**40, 1, (100_000,))
    assert abs(float(noise.mean())) < 0.02
    assert abs(float(noise.std()) - 1.0) < 0.02
