"""Writes views of walks: `python -m training.scenes.make_views --out DIR --split train --walks 2000 --workers 4`.

A run that was interrupted goes on where it stopped. What a walk shows depends on the split and its number, not on the
workers.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from simulator.config import WorldConfig
from simulator.peeling import draw_peeled
from simulator.place_renderer import PlaceRenderer
from simulator.renderer import Renderer
from training.recorder import Recipe, Recorder
from training.scenes.labels import focal_of, inverse_depths_of, layers_of
from training.scenes.places import place_walk
from training.scenes.views import FRAMES_APART, SOURCE_EVERY, VIEWS, WalkViews, shards_in, write_shard
from world_model.layers import PEELS_M

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulator.peeling import ViewRenderer
    from simulator.player import PlayerState
    from training.recorder import Split

WALKS_PER_SHARD: Final = 16
SHARDS_PER_PLACES: Final = 4  # one of so many shards is of rooms and streets


def record_walk(recorder: Recorder, walk: int, config: WorldConfig) -> WalkViews:
    """The walk of that number through a landscape, a function of it and the recorder's recipe alone."""
    played = recorder.walk(walk)
    return _views_of(Renderer(played.around), played.states, config, is_closed=False)


def record_place_walk(split: Split, walk: int, config: WorldConfig) -> WalkViews:
    """The walk of that number through a room or a street."""
    place, states = place_walk(split, walk, VIEWS * FRAMES_APART, config)
    return _views_of(PlaceRenderer(place), states, config, is_closed=place.is_closed)


def _views_of(
    renderer: ViewRenderer, walked: Sequence[PlayerState], config: WorldConfig, *, is_closed: bool
) -> WalkViews:
    states = walked[::FRAMES_APART]
    picture = np.empty((config.height, config.width, 3), dtype=np.uint8)
    focal = focal_of(config.width, config.fov_deg)
    pictures: list[NDArray[np.uint8]] = []
    peeled: list[NDArray[np.uint8]] = []
    layers: list[NDArray[np.uint8]] = []
    inverse_depths: list[NDArray[np.float16]] = []
    for view, state in enumerate(states):
        if view % SOURCE_EVERY:
            renderer.draw(state, picture)
            pictures.append(picture.copy())
            continue
        drawn = draw_peeled(renderer, state, (*PEELS_M, math.inf))
        pictures.append(drawn.pictures[0])
        peeled.append(drawn.pictures[1:-1])
        layers.append(layers_of(drawn.depths[:-1], drawn.depths[-1], is_closed=is_closed))
        inverse_depths.append(inverse_depths_of(drawn.depths[:-1], focal))
    x, z = states[0].x, states[0].z
    poses = [(state.x - x, state.eye, state.z - z, state.yaw, state.pitch) for state in states]
    return WalkViews(
        pictures=np.stack(pictures),
        peeled=np.stack(peeled),
        layers=np.stack(layers),
        inverse_depths=np.stack(inverse_depths),
        poses=np.array(poses, dtype=np.float32),
    )


def make_shard(folder: Path, split: Split, shard: int, config: WorldConfig) -> None:
    """Record and write one shard."""
    numbers = range(shard * WALKS_PER_SHARD, (shard + 1) * WALKS_PER_SHARD)
    if shard % SHARDS_PER_PLACES == SHARDS_PER_PLACES - 1:
        write_shard(folder, shard, [record_place_walk(split, number, config) for number in numbers])
        return
    recorder = Recorder(Recipe(split, frames=VIEWS * FRAMES_APART, config=config))
    write_shard(folder, shard, [record_walk(recorder, number, config) for number in numbers])


def make_views(
    folder: Path,
    split: Split,
    walks: int,
    *,
    workers: int = 1,
    deadline: float = math.inf,
    config: WorldConfig | None = None,
) -> int:
    """Write what is missing of `walks` walks, rounded up to whole shards; returns how many shards were written.

    No shard is begun after `deadline`, by `time.monotonic`.
    """
    config = config or WorldConfig()
    folder.mkdir(parents=True, exist_ok=True)
    there = set(shards_in(folder))
    missing = [shard for shard in range(-(-walks // WALKS_PER_SHARD)) if shard not in there]
    if workers <= 1:
        written = 0
        for shard in missing:
            if time.monotonic() > deadline:
                break
            make_shard(folder, split, shard, config)
            written += 1
        return written
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = [pool.submit(make_shard, folder, split, shard, config) for shard in missing]
        try:
            for future in as_completed(futures, timeout=None if deadline == math.inf else deadline - time.monotonic()):
                future.result()
        except TimeoutError:
            pool.shutdown(wait=True, cancel_futures=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return sum(future.done() and not future.cancelled() for future in futures)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m training.scenes.make_views", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--out", type=Path, required=True, help="folder; the split gets a folder of its name in it")
    parser.add_argument("--split", choices=("train", "heldout"), required=True)
    parser.add_argument("--walks", type=int, required=True)
    parser.add_argument("--workers", type=int, default=1, help="processes (default 1)")
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no shard after so long")
    given = parser.parse_args(arguments)
    if given.walks < 1 or given.workers < 1:
        parser.error("--walks and --workers are at least 1")
    folder = given.out / given.split
    deadline = time.monotonic() + 60.0 * given.minutes
    written = make_views(folder, given.split, given.walks, workers=given.workers, deadline=deadline)
    sys.stdout.write(f"{written} shards written to {folder}, {len(shards_in(folder))} are there.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
