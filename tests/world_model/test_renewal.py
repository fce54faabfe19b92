"""When a generated view has degenerated."""

from __future__ import annotations

import numpy as np
import pytest

from world_model.memory import Pose
from world_model.renewal import has_come_apart

HEIGHT, WIDTH = 32, 64


def view_of(grey: np.ndarray) -> np.ndarray:
    """In grey, at one and the same distance."""
    colours = np.broadcast_to(np.clip(grey, 0, 255).astype(np.uint8), (3, HEIGHT, WIDTH))
    return np.concatenate([colours, np.full((1, HEIGHT, WIDTH), 40, dtype=np.uint8)])


def a_landscape() -> np.ndarray:
    """A light sky over a ground with furrows."""
    row, column = np.mgrid[:HEIGHT, :WIDTH]
    return np.where(row < HEIGHT // 2, 200.0, 90.0 + 30.0 * np.sin(0.7 * column))


def splinters() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH)).astype(float)


HOME = view_of(a_landscape())
FLAT = view_of(np.full((HEIGHT, WIDTH), a_landscape().mean()))


def fog() -> np.ndarray:
    """As much detail and light as home has, and no more than ripples."""
    column = np.arange(WIDTH)
    return a_landscape().mean() + 10.0 * np.where(column // 2 % 2, 1.0, -1.0) * np.ones((HEIGHT, 1))


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(FLAT, id="flat"),
        pytest.param(view_of(splinters()), id="noisy"),
        pytest.param(view_of(0.5 * a_landscape()), id="dark"),
        pytest.param(view_of(255.0 - 0.1 * a_landscape()), id="light"),
        pytest.param(view_of(fog()), id="of no contrast"),
    ],
)
def test_a_degenerate_view_is_recognised(view: np.ndarray) -> None:
    assert has_come_apart(view, Pose(), HOME)
    assert has_come_apart(view, Pose(slope=-0.2), HOME)
    for steep in (0.3, -0.3):
        assert not has_come_apart(view, Pose(slope=steep), HOME)


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(HOME, id="home"),
        pytest.param(np.ascontiguousarray(HOME[:, :, ::-1]), id="mirrored"),
        pytest.param(view_of(0.7 * a_landscape()), id="at dusk"),
        pytest.param(np.roll(HOME, 5, axis=1), id="from higher up"),
    ],
)
def test_another_look_at_home_is_sound(view: np.ndarray) -> None:
    assert not has_come_apart(view, Pose(), HOME)


@pytest.mark.parametrize("home", [FLAT, np.zeros_like(FLAT), view_of(splinters())])
def test_home_is_sound_whatever_it_is(home: np.ndarray) -> None:
    assert not has_come_apart(home, Pose(), home)


def test_disparity_is_not_looked_at() -> None:
    near = HOME.copy()
    near[3] = splinters()
    assert not has_come_apart(near, Pose(), HOME)
