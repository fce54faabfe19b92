"""Picture files that nobody would choose, as a person may still send them, through every built-in engine."""

from __future__ import annotations

import io
from contextlib import closing
from typing import TYPE_CHECKING, Final

import numpy as np
import pytest
from PIL import Image

from services.picture_decoder.pillow_picture_decoder import PillowPictureDecoder
from services.world_engine.contract import sample_controls
from services.world_engine.plugins.guard import check_frames
from tests.replay.elsewhere import entries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from services.world_engine.world_engine import Picture, WorldEngine

_SLOW: Final = (pytest.param(name, marks=pytest.mark.trial) for name in ("still", "stroll", "moss", "simulator"))
# Engines that show the picture itself: of a black one everything is black.
_SHOWING: Final = ("terrarium/diorama", "terrarium/still", "terrarium/stroll")


def _noise(width: int, height: int) -> Picture:
    return np.random.default_rng(5).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _slope(width: int, height: int) -> Picture:
    """Lighter from the lower left to the upper right."""
    y, x = np.mgrid[0:height, 0:width]
    return np.repeat(((x / width + 1 - y / height) * 120)[..., None], 3, axis=2).astype(np.uint8)


_PICTURES: Final = {
    "one pixel": np.full((1, 1, 3), (200, 40, 90), np.uint8),
    "black": np.zeros((360, 640, 3), np.uint8),
    "noise": _noise(640, 360),
    "panorama": _slope(1600, 400),
    "portrait": _slope(300, 800),
}


@pytest.fixture(name="engine", params=("diorama", *_SLOW), scope="module")
def fixture_engine(request: pytest.FixtureRequest) -> Iterator[WorldEngine]:
    """Moss has the weights of a tiny model."""
    weights: Path | None = request.getfixturevalue("micro_folder") if request.param == "moss" else None
    engine = entries(weights)[request.param].load("none", lambda _: None)
    yield engine
    engine.close()


@pytest.mark.parametrize("name", _PICTURES)
def test_every_picture_is_a_world_to_walk_in_and_come_back_to(engine: WorldEngine, name: str) -> None:
    file = io.BytesIO()
    Image.fromarray(_PICTURES[name]).save(file, "PNG")
    decoder = PillowPictureDecoder()
    spec = engine.spec
    picture = decoder.decode(file.getvalue(), width=spec.width, height=spec.height)
    decoder.close()
    controls = sample_controls(3, 6)
    with closing(engine.open_world(picture, rng_seed=1)) as world:
        start = world.snapshot()
        walked = [world.step(control).copy() for control in controls]
        for frames in walked:
            check_frames(frames, spec)
            if name == "black" and spec.model_id in _SHOWING:
                assert frames.max() <= 2
        world.restore(start)
        for control, frames in zip(controls, walked, strict=True):
            np.testing.assert_array_equal(world.step(control), frames)
