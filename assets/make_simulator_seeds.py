"""Renders the shipped views of simulated worlds and the index: python -m assets.make_simulator_seeds [slug ...].

Unlike `assets.make_seeds`, it needs numba (the extra `simulator`).
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from assets.make_seeds import SEEDS, write_index
from assets.seed_painter.canvas import HEIGHT, WIDTH
from assets.simulator_views import VIEWS, SimulatorView
from simulator.config import WorldConfig
from simulator.player import initial_state
from simulator.renderer import Renderer
from simulator.surroundings import Surroundings
from simulator.world import make_world

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CONFIG: Final = WorldConfig(height=HEIGHT, width=WIDTH, supersample=4)


def render(view: SimulatorView) -> NDArray[np.uint8]:
    """The first view of a player who enters the world there: uint8 [HEIGHT, WIDTH, 3]."""
    around = Surroundings(make_world(view.world_seed, _CONFIG))
    picture = np.empty((HEIGHT, WIDTH, 3), dtype=np.uint8)
    Renderer(around).draw(initial_state(around, view.near_x, view.near_z), picture)
    return picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("slugs", nargs="*", help="render only these")
    wanted = set(parser.parse_args().slugs)
    for view in VIEWS:
        if wanted and view.slug not in wanted:
            continue
        path = SEEDS / f"{view.slug}.jpg"
        Image.fromarray(render(view)).save(path, quality=92, optimize=True)
        print(f"{path.name}: {path.stat().st_size // 1024} kB")
    write_index()


if __name__ == "__main__":
    main()
