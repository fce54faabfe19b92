"""A walk among keyframes with tiny networks: exact replay, branches, and what motion is told."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from training.export import export_scene
from world_model.certainty import CertainSeer
from world_model.config import MICRO
from world_model.keyframes import KeyframeKeeper
from world_model.layer_renderer import LayerRenderer
from world_model.layers import picture_sized
from world_model.motion_step import WalkerIntent
from world_model.runtime import Runtime, load_runtime
from world_model.scene_net import SceneNet
from world_model.scene_source import SceneSource
from world_model.walker import Walker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor
    from pathlib import Path

H, W = MICRO.height, MICRO.width
PICTURE = np.random.default_rng(0).integers(0, 256, (H, W, 3), dtype=np.uint8)
INTENTS = [WalkerIntent(forward=1.0, turn=0.03 * (n % 3), run=True, jump=n == 9) for n in range(40)]


@pytest.fixture(scope="module")
def runtime(micro_folder: Path) -> Runtime:
    return load_runtime(micro_folder)


@pytest.fixture(scope="module")
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def walker(runtime: Runtime, threads: Executor | None = None) -> Walker:
    keeper = KeyframeKeeper(MICRO, CertainSeer(MICRO, SceneSource(runtime)), LayerRenderer(MICRO))
    return Walker(runtime, keeper, PICTURE, threads)


def test_the_same_inputs_give_the_same_bits_with_threads_and_without(runtime: Runtime, threads: Executor) -> None:
    alone, beside, again = (
        [walking.step(intent).tobytes() for intent in INTENTS]
        for walking in (walker(runtime), walker(runtime, threads), walker(runtime, threads))
    )
    assert alone == beside == again


def test_a_state_is_a_snapshot(runtime: Runtime, threads: Executor) -> None:
    """Restored in another walker, and again in its own after going elsewhere, with a keyframe under way."""
    walking = walker(runtime, threads)
    steps = itertools.count()
    while walking.state.keyframes.order is None:
        walking.step(INTENTS[next(steps)])
    rest_from = next(steps)
    kept = walking.state
    rest = [walking.step(intent).tobytes() for intent in INTENTS[rest_from:]]
    assert walking.state.keyframes.remembered
    restored = walker(runtime)
    for again in (restored, walking):
        again.state = kept
        for _ in range(5):
            again.step(WalkerIntent(strafe=-1.0))
        again.state = kept
        assert [again.step(intent).tobytes() for intent in INTENTS[rest_from:]] == rest


def test_another_picture_begins_anew_where_the_walker_stands(runtime: Runtime) -> None:
    walking = walker(runtime)
    for intent in INTENTS:
        walking.step(intent)
    pose, other = walking.state.motion.pose, np.full((H, W, 3), 90, dtype=np.uint8)
    walking.continue_from(other)
    keyframes = walking.state.keyframes
    assert (walking.state.motion.pose, keyframes.current.pose, keyframes.home_pose) == (pose, pose, pose)
    assert (keyframes.remembered, keyframes.order) == ((), None)
    assert int(np.abs(walking.step(WalkerIntent()).astype(np.int16) - 90).max()) <= 2


def test_a_turn_is_obeyed_exactly(runtime: Runtime) -> None:
    walking = walker(runtime)
    for _ in range(10):
        walking.step(WalkerIntent(turn=0.1, look_up=0.01))
    assert walking.state.motion.pose.yaw == pytest.approx(1.0)
    assert walking.state.motion.pose.slope == pytest.approx(np.tan(0.1))


def test_a_network_that_is_very_sure_gives_finite_layers(tmp_path: Path) -> None:
    """An exported graph may overflow where torch does not."""
    network = SceneNet(MICRO)
    with torch.no_grad():
        network.alpha_out.weight.mul_(1e5)
    export_scene(network, tmp_path)
    layers = SceneSource(load_runtime(tmp_path, ("see",))).see(picture_sized(PICTURE), 0.0)
    assert np.isfinite(layers.relief).all()
    assert set(np.unique(layers.alpha[1:])) >= {0, 255}
