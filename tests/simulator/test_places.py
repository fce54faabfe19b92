"""Rooms and streets: what is drawn, what a peel leaves out, and where one can walk."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from simulator._boxes import Floor, Lighting
from simulator._surfaces import PLASTER, SURFACES
from simulator.config import WorldConfig
from simulator.peeling import draw_peeled
from simulator.place_renderer import PlaceRenderer
from simulator.places import Box, make_place, start_in
from simulator.places import advance_in as advance
from simulator.player import Action, PlayerState
from simulator.rooms import make_room
from simulator.streets import make_street
from simulator.world import make_world

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.places import Place
    from simulator.world import World

pytestmark = pytest.mark.xdist_group("simulator")  # what is compiled on first use is compiled once, by one worker

WORLD = make_world(1, WorldConfig(height=32, width=64, supersample=1))
EYE = PlayerState(x=0.0, z=0.0, feet=0.0)  # 1.62 m above the floor, looks along z
RED, GREY = (0.8, 0.02, 0.02), (0.4, 0.4, 0.4)
PEELS = (0.0, 14.0, 40.0, math.inf)


def place_with(*boxes: Box, indoors: float = 1.0) -> Place:
    floor = Floor(PLASTER, GREY, GREY, 1.0, 0)
    return make_place(WORLD, boxes, (), floor, Lighting(indoors, (0.8, 0.8, 0.8)), half_x=3.0, half_z=3.0)


def drawn(place: Place, state: PlayerState = EYE) -> tuple[np.ndarray, np.ndarray]:
    picture, depth = np.empty((32, 64, 3), dtype=np.uint8), np.empty((32, 64), dtype=np.float32)
    PlaceRenderer(place).draw(state, picture, depth)
    return picture, depth


def test_a_wall_is_as_far_away_as_it_stands() -> None:
    picture, depth = drawn(place_with(Box(0.0, 6.0, 50.0, 1.0, 0.0, 9.0, RED, RED)))
    aside = (np.arange(64) + 0.5 - 32.0) / (32.0 / math.tan(math.radians(36.0)))
    np.testing.assert_allclose(depth[10], 5.0 * np.hypot(1.0, aside), rtol=1e-5)
    assert int(picture[10, 32, 0]) > 3 * int(picture[10, 32, 1])


def test_a_turned_box_shows_its_nearest_edge() -> None:
    """A square that stands on its corner is nearer by the half diagonal, and recedes to both sides."""
    _, depth = drawn(place_with(Box(0.0, 6.0, 1.0, 1.0, 0.0, 9.0, RED, RED, turn=0.25 * math.pi)))
    assert depth[10, 31:33].min() == pytest.approx(6.0 - math.sqrt(2.0), rel=0.02)
    assert depth[10, 26] > depth[10, 31] + 0.2


def test_tops_and_undersides_are_seen() -> None:
    """From a table one sees the top, from a ceiling the underside, each where its level meets the ray."""
    table = Box(0.0, 4.0, 5.0, 3.0, 0.6, 0.8, RED, RED)
    ceiling = Box(0.0, 4.0, 5.0, 3.0, 2.6, 2.8, RED, RED)
    for box, row, rise in ((table, 26, 0.8 - 1.62), (ceiling, 5, 2.6 - 1.62)):
        _, depth = drawn(place_with(box))
        slope = (16.0 - row - 0.5) / (32.0 / math.tan(math.radians(36.0)))
        length = math.hypot(1.0, 0.5 / (32.0 / math.tan(math.radians(36.0))))
        assert depth[row, 32] == pytest.approx(rise / slope * length, rel=1e-3)


def test_near_boxes_hide_far_ones_in_any_order() -> None:
    near, far = Box(0.0, 3.0, 0.5, 0.2, 0.0, 3.0, RED, RED), Box(0.0, 8.0, 4.0, 0.2, 0.0, 3.0, GREY, GREY)
    (one, one_depth), (other, other_depth) = drawn(place_with(near, far)), drawn(place_with(far, near))
    np.testing.assert_array_equal(one_depth, other_depth)
    np.testing.assert_allclose(one.astype(int), other, atol=5)  # stains of the plaster lie elsewhere


@pytest.mark.parametrize("surface", range(SURFACES))
def test_every_surface_has_a_colour_of_its_own(surface: int) -> None:
    """Each is drawn, and none is the plain one."""
    made, plain = (
        drawn(place_with(Box(0.0, 6.0, 50.0, 1.0, 0.0, 9.0, RED, GREY, kind, 0.5)))[0] for kind in (surface, PLASTER)
    )
    assert made.max() > 0
    assert surface == PLASTER or (made != plain).any()


def test_peels_keep_the_shell_of_a_room_and_leave_out_what_is_near() -> None:
    wall = Box(0.0, 6.0, 50.0, 1.0, 0.0, 9.0, GREY, GREY, is_shell=True)
    chair = Box(0.0, 3.0, 0.5, 0.5, 0.0, 3.0, RED, RED)
    view = draw_peeled(PlaceRenderer(place_with(wall, chair)), EYE, PEELS)
    assert view.depths[0, 10, 32] < 2.6
    assert view.depths[1, 10, 32] == pytest.approx(5.0, rel=1e-3)
    assert np.isinf(view.depths[-1, 10, 32])
    assert np.isfinite(view.depths[-1, 30, 32])


@pytest.mark.parametrize("make", [make_room, make_street])
def test_each_peel_looks_farther(make: Callable[[World, np.random.Generator], Place]) -> None:
    place = make(WORLD, np.random.default_rng(3))
    state = start_in(place, np.random.default_rng(4))
    view = draw_peeled(PlaceRenderer(place), state, PEELS)
    for nearer, farther in itertools.pairwise(view.depths):
        assert (farther >= nearer).all()
    same = view.depths[0] == view.depths[1]
    np.testing.assert_array_equal(view.pictures[0][same], view.pictures[1][same])


@pytest.mark.parametrize("make", [make_room, make_street])
def test_a_place_is_a_function_of_its_random_numbers(make: Callable[[World, np.random.Generator], Place]) -> None:
    one, same, other = (make(WORLD, np.random.default_rng(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.boxes, same.boxes)
    assert one.boxes.shape != other.boxes.shape or (one.boxes != other.boxes).any()


def test_rooms_are_closed_and_streets_are_not() -> None:
    for seed in range(4):
        room, street = (make(WORLD, np.random.default_rng(seed)) for make in (make_room, make_street))
        assert room.is_closed
        assert not street.is_closed
        state, renderer = start_in(room, np.random.default_rng(seed)), PlaceRenderer(room)
        picture, depth = np.empty((32, 64, 3), dtype=np.uint8), np.empty((32, 64), dtype=np.float32)
        for yaw in np.linspace(-3.0, 3.0, 7):
            renderer.draw(replace(state, yaw=float(yaw)), picture, depth)
            assert np.isfinite(depth[12:]).all()


def test_walls_bar_the_way_and_beams_do_not() -> None:
    wall = Box(0.0, 3.0, 5.0, 0.5, 0.0, 3.0, GREY, GREY)
    beam, rug = replace(wall, low=2.2), replace(wall, high=0.02)
    for box, is_barred in ((wall, True), (beam, False), (rug, False)):
        place, state = place_with(box), EYE
        for _ in range(90):
            state = advance(place, state, Action(forward=1.0))
        assert (state.z < 2.5) == is_barred
        assert state.feet == 0.0


def test_who_walks_into_a_wall_at_an_angle_slides_along_it() -> None:
    place, state = place_with(Box(0.0, 3.0, 50.0, 0.5, 0.0, 3.0, GREY, GREY)), replace(EYE, yaw=0.6)
    for _ in range(150):
        state = advance(place, state, Action(forward=1.0))
    assert state.z < 2.5
    assert state.x > 4.0
