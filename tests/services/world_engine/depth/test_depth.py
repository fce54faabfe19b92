"""Every depth estimator keeps the contract, and Moss's says where it can be relied on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from runtime_config.constants import MOSS_DIR, SHIPPED_SEEDS_DIR
from services.world_engine.depth.depth_anything import DepthAnything
from services.world_engine.depth.first_sure import FirstSure
from services.world_engine.depth.moss_depth import MossDepth
from services.world_engine.diorama.depths import CAMERA
from tests.fakes.fake_depth import FakeDepth
from tests.fakes.fake_depth_worker import FakeDepthWorker
from tests.services.diorama.pictures import awkward
from world_model.runtime import load_runtime

if TYPE_CHECKING:
    from services.world_engine.depth.depth import DepthEstimator
    from services.world_engine.world_engine import Picture


@pytest.fixture(name="moss", scope="module")
def fixture_moss() -> MossDepth:
    return MossDepth(load_runtime(MOSS_DIR, ("start",)))


@pytest.fixture(name="estimator", params=["moss", "fake", "unsure fake", "depth anything", "first sure"])
def fixture_estimator(request: pytest.FixtureRequest, moss: MossDepth) -> DepthEstimator:
    fakes: dict[str, DepthEstimator] = {
        "fake": FakeDepth(np.full((9, 16), 0.1, dtype=np.float32)),
        "unsure fake": FakeDepth(),
        "depth anything": DepthAnything(FakeDepthWorker(lambda seen: seen.mean(axis=2)), CAMERA),
        "first sure": FirstSure(moss, FakeDepth()),
    }
    return fakes.get(request.param, moss)


def seed(name: str) -> Picture:
    with Image.open(SHIPPED_SEEDS_DIR / name) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("shape", [(720, 1280), (1, 1), (40, 9), (90, 360)])
def test_a_map_of_any_picture_is_finite_and_the_same_each_time(
    estimator: DepthEstimator, shape: tuple[int, int]
) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    first, second = estimator.estimate(picture), estimator.estimate(picture)
    assert first.inverse_depth.dtype == np.float32
    assert first.inverse_depth.ndim == 2
    assert np.isfinite(first.inverse_depth).all()
    assert (first.inverse_depth >= 0.0).all()
    assert np.array_equal(first.inverse_depth, second.inverse_depth)
    assert (first.doubt, first.is_sure) == (second.doubt, second.is_sure)


@pytest.mark.parametrize("name", ["summer_grove", "savanna_gold", "blossom_hill", "winter_track"])
def test_moss_is_sure_of_open_country(moss: MossDepth, name: str) -> None:
    found = moss.estimate(seed(f"{name}.jpg"))
    assert found.is_sure
    assert found.inverse_depth[-1].mean() > 4 * found.inverse_depth[len(found.inverse_depth) * 5 // 8].mean()


@pytest.mark.parametrize("name", ["library_hall", "neon_street", "forest_path", "ringed_planet", "desert_mesas"])
def test_moss_is_not_sure_of_what_it_never_learnt(moss: MossDepth, name: str) -> None:
    assert not moss.estimate(seed(f"{name}.jpg")).is_sure


def test_moss_says_something_of_awkward_pictures(moss: MossDepth) -> None:
    for name, picture in awkward().items():
        found = moss.estimate(picture)
        assert np.isfinite(found.doubt), name
