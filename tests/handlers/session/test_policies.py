"""The small policies of a session: quality, pacing, recovery, figures, and reading an id off a broken message."""

from __future__ import annotations

import pytest

from handlers.session.actor import Pacer, RecoveryBudget, RecoveryChance
from handlers.session.quality import QualityController
from handlers.session.receiver import sniff_request_id
from handlers.session.stats import Percentiles, SessionStats, percentiles
from handlers.session.stepped_pass import PassTimer
from runtime_config.current import Current
from runtime_config.runtime_config import JpegConfig, SessionLimits


def _post(quality: QualityController, passes: int, *, replaced_every: int | None = None) -> int:
    for number in range(1, passes + 1):
        quality.pass_posted(replaced_another=replaced_every is not None and number % replaced_every == 0)
    return quality.tuning.quality


def test_quality_falls_when_passes_are_replaced_and_rises_again_when_none_are() -> None:
    quality = QualityController(Current.fixed(JpegConfig(quality=85, lowest_quality=45)), frame_height=720)
    assert _post(quality, 16, replaced_every=2) == 75
    assert _post(quality, 16 * 3, replaced_every=2) == 45
    assert _post(quality, 16) == 45  # one calm window is not enough
    assert _post(quality, 16 * 3) == 50
    assert _post(quality, 16 * 100) == 85


def test_frames_are_left_out_once_the_quality_cannot_fall_and_come_back_before_it_rises() -> None:
    quality = QualityController(Current.fixed(JpegConfig(quality=85, lowest_quality=65)), frame_height=720)
    _post(quality, 16 * 2, replaced_every=2)
    assert (quality.tuning.quality, quality.one_of) == (65, 1)
    _post(quality, 16, replaced_every=2)
    assert quality.one_of == 2
    _post(quality, 16 * 20, replaced_every=2)
    assert quality.one_of == 8  # no fewer
    _post(quality, 16 * 4)
    assert (quality.tuning.quality, quality.one_of) == (65, 4)
    _post(quality, 16 * 4 * 3)
    assert (quality.tuning.quality, quality.one_of) == (70, 1)


def test_quality_stays_when_a_pass_is_replaced_now_and_then() -> None:
    quality = QualityController(Current.fixed(JpegConfig(quality=85)), frame_height=720)
    assert _post(quality, 320, replaced_every=16) == 85
    _post(quality, 16, replaced_every=1)
    assert _post(quality, 320, replaced_every=16) == 75


def test_small_pictures_get_finer_colour() -> None:
    config = JpegConfig()
    assert QualityController(Current.fixed(config), frame_height=720).tuning.subsampling == "4:2:0"
    small = QualityController(Current.fixed(config), frame_height=128).tuning
    assert (small.subsampling, small.quality) == ("4:4:4", 90)


def test_passes_keep_to_a_grid_and_a_late_one_starts_another() -> None:
    pacer = Pacer()
    assert pacer.wait_s(10.0) == 0
    pacer.started(10.0, 1.0)
    assert pacer.wait_s(10.4) == pytest.approx(0.6)
    pacer.started(11.1, 1.0)  # a little late: the grid stays
    assert pacer.wait_s(11.1) == pytest.approx(0.9)
    pacer.started(15.0, 1.0)  # far too late: nothing to catch up with
    assert pacer.wait_s(15.0) == pytest.approx(1.0)
    pacer.rest()
    assert pacer.wait_s(15.1) == 0


def test_the_interval_is_predicted_until_it_is_measured_and_rests_do_not_count() -> None:
    timer = PassTimer()
    timer.stepped(0.03)
    assert timer.interval_s(None) == 0.03
    assert timer.interval_s(1 / 15) == 1 / 15
    timer.started(1.0)
    timer.started(1.1)
    timer.rest()
    timer.started(100.0)
    assert timer.interval_s(None) == pytest.approx(0.1)


def test_recovery_is_bounded_and_good_play_fills_the_budget_again() -> None:
    budget = RecoveryBudget(SessionLimits(max_recoveries=2, recovery_reset_s=10))
    first, last = RecoveryChance(0.1, is_last=False), RecoveryChance(0.2, is_last=True)
    assert [budget.take(now) for now in (0.0, 1.0, 2.0)] == [first, last, None]
    assert budget.take(12.0) == first


def test_figures_are_of_the_last_seconds() -> None:
    stats = SessionStats()
    for second in range(20):
        stats.pass_sent(float(second), 4, 0.010 * (second % 10))
    figures = stats.figures(19.0)
    assert figures.frames_sent == 80
    assert figures.frames_per_second == 4.0
    assert figures.receipt_to_send_ms.p50 == 50
    assert stats.figures(100.0).frames_per_second == 0


def test_percentiles_of_nothing_are_null() -> None:
    assert percentiles([]) == Percentiles(p50=None, p95=None, p99=None)
    assert percentiles([7.04]) == Percentiles(p50=7.0, p95=7.0, p99=7.0)


@pytest.mark.parametrize(
    ("text", "req_id"),
    [
        ('{"req_id": "5"}', "5"),
        ('{"req_id": 5}', "5"),
        ('{"req_id": true}', None),
        ('{"req_id": ""}', None),
        ('{"req_id": "%s"}' % ("x" * 65), None),
        ('{"prompt": "\\"req_id\\": \\"9\\""}', None),
        ('["req_id", "5"]', None),
        ('{"type": "init", "req_id" : "abc", "mod', "abc"),
        ("", None),
        ('{"image": "' + "A" * 100_000 + '", "req_id": "late"', "late"),
    ],
)
def test_an_id_is_read_off_what_can_be_read(text: str, req_id: str | None) -> None:
    assert sniff_request_id(text) == req_id
