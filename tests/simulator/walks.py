"""Small worlds, pictures and walks for the tests of the simulator."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.config import WorldConfig
from simulator.player import Action, PlayerState, advance, initial_state
from simulator.renderer import Renderer
from simulator.surroundings import Surroundings
from simulator.world import make_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SMALL = WorldConfig(height=64, width=112)


@dataclass
class Visit:
    """A player in a world, and the means to see and move."""

    around: Surroundings
    renderer: Renderer
    state: PlayerState

    def see(self) -> NDArray[np.uint8]:
        config = self.around.world.config
        out = np.empty((config.height, config.width, 3), dtype=np.uint8)
        self.renderer.draw(self.state, out)
        return out

    def depth(self) -> NDArray[np.float32]:
        config = self.around.world.config
        out = np.empty((config.height, config.width, 3), dtype=np.uint8)
        depth = np.empty((config.height, config.width), dtype=np.float32)
        self.renderer.draw(self.state, out, depth)
        return depth

    def act(self, action: Action, frames: int = 1) -> None:
        for _ in range(frames):
            self.state = advance(self.around, self.state, action)


def visit(seed: int, config: WorldConfig = SMALL) -> Visit:
    around = Surroundings(make_world(seed, config))
    return Visit(around, Renderer(around), initial_state(around))


def random_actions(seed: int, count: int) -> Iterator[Action]:
    """A restless walker: long runs, turns, jumps."""
    rng = np.random.default_rng(seed)
    action, left = Action(), 0
    for _ in range(count):
        if left == 0:
            left = int(rng.integers(5, 60))
            action = Action(
                forward=float(rng.choice([1.0, 1.0, 1.0, 0.0, -1.0])),
                strafe=float(rng.choice([0.0, 0.0, 1.0, -1.0])),
                run=bool(rng.random() < 0.7),
                jump=bool(rng.random() < 0.2),
                crouch=bool(rng.random() < 0.1),
                yaw=float(rng.normal(0.0, 0.03)),
                pitch=float(rng.normal(0.0, 0.005)),
            )
        left -= 1
        yield action


def walk_digest(seed: int, frames: int = 20) -> str:
    """Hash of the pictures and states of a walk; the same in every process of one machine."""
    player = visit(seed)
    digest = hashlib.sha256()
    for action in random_actions(seed, frames):
        player.act(action)
        digest.update(player.see().tobytes())
        digest.update(repr(player.state).encode())
    return digest.hexdigest()
