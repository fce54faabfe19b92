"""Which pictures are taken for close-ups where the network of the picture check looks at them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from runtime_config.constants import PICTURE_CHECK_DIR, SHIPPED_SEEDS_DIR
from services.image_classifier.bundled_image_classifier import BundledImageClassifier, shipped_model
from services.picture_views.network_picture_views import FILE_NAME, CloseUpWeights, NetworkPictureViews, read_weights
from services.picture_views.picture_views import CLOSE_UP
from services.picture_views.sign_picture_views import SignPictureViews
from tests.services.diorama.pictures import awkward, checkerboard, landscape, page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from services.world_engine.world_engine import Picture


@pytest.fixture(scope="module")
def views() -> Iterator[NetworkPictureViews]:
    network = BundledImageClassifier(shipped_model(PICTURE_CHECK_DIR))
    yield NetworkPictureViews(network, read_weights(PICTURE_CHECK_DIR), SignPictureViews())
    network.close()


def face() -> Picture:
    """A large thing before a blurred wall."""
    y, x = np.mgrid[0:720, 0:1280].astype(np.float64)
    head = ((x - 640) / 300) ** 2 + ((y - 400) / 380) ** 2 < 1
    wall = np.broadcast_to(np.array([120.0, 110.0, 100.0]), (720, 1280, 3)) + 0.02 * x[..., None]
    return np.where(head[..., None], np.array([205.0, 150.0, 125.0]), wall).astype(np.uint8)


def test_the_shipped_places_are_places(views: NetworkPictureViews) -> None:
    for path in sorted(SHIPPED_SEEDS_DIR.glob("*.jpg")):
        with Image.open(path) as image:
            assert views.view_of(np.asarray(image.convert("RGB"))) is None, path.name


def test_pages_boards_and_faces_are_close_ups(views: NetworkPictureViews) -> None:
    assert [views.view_of(picture) for picture in (page(), checkerboard(), face())] == [CLOSE_UP] * 3


def test_what_is_judged_is_what_a_world_shows(views: NetworkPictureViews) -> None:
    tall = np.concatenate([page(), landscape(), page()])
    assert views.view_of(tall) == views.view_of(landscape())


def test_any_picture_is_judged(views: NetworkPictureViews) -> None:
    shapes = [(1, 1), (1, 500), (500, 1), (7, 3)]
    pictures = [*awkward().values(), *(np.full((*shape, 3), 90, dtype=np.uint8) for shape in shapes)]
    assert {views.view_of(picture) for picture in pictures} <= {None, CLOSE_UP}


def test_signs_tell_where_the_network_is_missing(tmp_path: Path) -> None:
    network = BundledImageClassifier(replace(shipped_model(PICTURE_CHECK_DIR), path=tmp_path / "none.onnx"))
    views, signs = NetworkPictureViews(network, read_weights(PICTURE_CHECK_DIR), SignPictureViews()), SignPictureViews()
    for picture in (landscape(), page(), checkerboard()):
        assert views.view_of(picture) == signs.view_of(picture)


def test_signs_tell_where_the_weights_are_of_another_network() -> None:
    network = BundledImageClassifier(shipped_model(PICTURE_CHECK_DIR))
    weights = CloseUpWeights(np.zeros(3), np.zeros(3), offset=0.0, limit=1.0)
    assert NetworkPictureViews(network, weights, SignPictureViews()).view_of(landscape()) is None
    network.close()


@pytest.mark.parametrize("text", ["", "{}", '{"features": "no", "signs": [], "offset": 0, "limit": 0}'])
def test_damaged_weights_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    with pytest.raises((ValueError, KeyError)):
        read_weights(tmp_path)


def test_the_weights_are_those_of_the_list() -> None:
    plain = json.loads((PICTURE_CHECK_DIR / FILE_NAME).read_text(encoding="utf-8"))
    assert (len(plain["features"]), len(plain["signs"])) == (1792, 3)
