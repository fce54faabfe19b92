"""The fake keeps the contract, so that what is tested with it holds with the real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.fake_video_pipeline import FakeVideoPipeline
from tests.services.video_pipeline import contract

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.video_pipeline.video_pipeline import FastVideoPipeline


@pytest.mark.parametrize(
    "check",
    [
        contract.check_a_film_is_made_and_made_again,
        contract.check_what_cannot_be_made_is_refused,
        contract.check_cancelling_stops_and_leaves_nothing,
        contract.check_unloading_ends_the_order_and_the_next_one_loads_again,
    ],
)
def test_contract(check: Callable[[FastVideoPipeline, Path], None], tmp_path: Path) -> None:
    check(FakeVideoPipeline(), tmp_path)
