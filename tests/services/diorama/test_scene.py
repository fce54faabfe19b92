"""What is read from a picture: its horizon, and whether walls stand at its sides."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from services.world_engine.diorama._horizon import find_horizon
from services.world_engine.diorama._scene import build_scene
from tests.services.diorama.pictures import awkward, landscape

SEEDS = Path(__file__).parents[3] / "assets" / "seeds"


def shipped(slug: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    with Image.open(SEEDS / f"{slug}.jpg") as image:
        return np.asarray(image.convert("RGB"))


def test_a_clear_horizon_is_found() -> None:
    assert abs(find_horizon(landscape()) - 375) < 12


def test_any_picture_has_a_horizon_near_its_middle() -> None:
    for name, picture in awkward().items():
        assert 0.35 * 720 <= find_horizon(picture) <= 0.65 * 720, name


def test_open_land_has_no_walls_and_a_hall_has() -> None:
    assert not build_scene(landscape()).walls.stand
    assert not build_scene(shipped("desert_mesas")).walls.stand
    hall = build_scene(shipped("library_hall")).walls
    assert 2.5 < 1 / hall.left < 5.5
    assert 2.5 < 1 / hall.right < 5.5


def test_shipped_seeds_are_complete() -> None:
    entries: list[dict[str, str]] = json.loads((SEEDS / "seeds.json").read_text(encoding="utf-8"))
    assert len(entries) >= 6
    for entry in entries:
        assert {"file", "title", "description", "licence", "made_by"} <= set(entry)
        path = SEEDS / entry["file"]
        assert path.stat().st_size < 400_000
        with Image.open(path) as image:
            assert image.size == (1280, 720)
