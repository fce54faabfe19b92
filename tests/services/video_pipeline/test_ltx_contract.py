"""The real pipeline keeps the contract of the fake, with a tiny model."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from tests.services.video_pipeline import contract
from tests.services.video_pipeline.rig import pipeline_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.video_pipeline.video_pipeline import FastVideoPipeline

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("diffusers") is None, reason="the extra models is not installed"),
    pytest.mark.xdist_group("torch"),
    pytest.mark.trial,
]


@pytest.mark.parametrize(
    "check",
    [
        contract.check_a_film_is_made_and_made_again,
        contract.check_what_cannot_be_made_is_refused,
        contract.check_cancelling_stops_and_leaves_nothing,
        contract.check_unloading_ends_the_order_and_the_next_one_loads_again,
    ],
)
def test_contract(check: Callable[[FastVideoPipeline, Path], None], model: Path, tmp_path: Path) -> None:
    with pipeline_of(model) as pipeline:
        check(pipeline, tmp_path)
