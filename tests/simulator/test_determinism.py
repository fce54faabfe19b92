"""The same seed and inputs give the same bits: again, in other processes, beside other worlds, from any cache."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from simulator.renderer import Renderer
from simulator.surroundings import Surroundings
from simulator.world import make_world
from tests.simulator.walks import SMALL, random_actions, visit, walk_digest

PROJECT = Path(__file__).resolve().parent.parent.parent


def test_a_walk_is_the_same_again_and_others_differ() -> None:
    assert walk_digest(3) == walk_digest(3)
    assert walk_digest(3) != walk_digest(4)


def test_a_walk_is_the_same_in_another_process() -> None:
    code = "from tests.simulator.walks import walk_digest; print(walk_digest(5))"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == walk_digest(5)


def test_worlds_side_by_side_do_not_disturb_each_other() -> None:
    seeds = (6, 7, 6, 8)
    alone = [walk_digest(seed) for seed in seeds]
    with ThreadPoolExecutor(len(seeds)) as pool:
        assert list(pool.map(walk_digest, seeds)) == alone


def test_what_was_visited_before_changes_nothing() -> None:
    player = visit(9)
    for action in random_actions(9, 40):
        player.act(action)
    fresh = Surroundings(player.around.world)
    travelled = player.around
    travelled.follow(900.0, -700.0)
    seen = player.see()
    out = np.empty_like(seen)
    Renderer(fresh).draw(player.state, out)
    assert (out == seen).all()
    for grid, other in zip(fresh.ground, travelled.ground, strict=True):
        assert (grid == other).all()


def test_the_far_edge_of_a_world_is_no_special_place() -> None:
    player = visit(2)
    around = player.around
    around.follow(4.0e6, -3.0e6)
    assert all(np.isfinite(grid).all() for grid in around.ground)


def test_a_world_is_a_plain_value() -> None:
    assert make_world(1, SMALL) == make_world(1, SMALL)
    assert make_world(-1, SMALL).relief != make_world(1, SMALL).relief
