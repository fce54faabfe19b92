"""A short film of a walk through a picture: `python -m training.evaluation.film ENGINE --seed PICTURE --out FILM`."""

from __future__ import annotations

import argparse
import math
import sys
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from simulator.config import FPS
from simulator.player import Action
from training.evaluation.engines import NoEngineError, fitted, load_engine
from training.evaluation.subjects import control_of
from training.pictures import save_contact_sheet
from training.policies import smooth_turn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.world_engine.world_engine import WorldEngine
    from training.evaluation.trials import Picture

_STRIP_FRAMES: Final = 6
_QUICKEST: Final = 2.0  # rad/s, of a turn of the head


def walk_through() -> Iterator[Action]:
    """Ahead, a look to the right and back, on, and round to the left: some nine seconds."""
    yield from (Action(forward=1.0) for _ in range(60))
    for angle in (70.0, -70.0):
        yield from (Action(yaw=yaw) for yaw in smooth_turn(math.radians(angle), _QUICKEST))
    yield from (Action(forward=1.0, run=True) for _ in range(45))
    yield from (Action(forward=1.0, yaw=yaw) for yaw in smooth_turn(math.radians(-120.0), _QUICKEST))
    yield from (Action(forward=1.0) for _ in range(30))


def walked(engine: WorldEngine, seed: Picture, actions: Sequence[Action]) -> list[Picture]:
    """`seed`, and every frame of the passes in which a person does this, one action each 1/30 s."""
    per_pass = engine.spec.pass_interval_s * FPS
    pictures = [seed]
    with closing(engine.open_world(seed, rng_seed=0)) as world:
        for number in range(math.ceil(len(actions) / per_pass)):
            taken = actions[round(number * per_pass) : round((number + 1) * per_pass)]
            pictures += [frame.copy() for frame in world.step(control_of(taken))]
    return pictures


def save_film(path: Path, pictures: Sequence[Picture], fps: float, *, width: int) -> None:
    """WebP or GIF, by the path's ending."""
    frames = [Image.fromarray(picture) for picture in pictures]
    size = width, round(width * frames[0].height / frames[0].width)
    frames = [frame.resize(size, Image.Resampling.BICUBIC) for frame in frames]
    path.parent.mkdir(parents=True, exist_ok=True)
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=round(1000 / fps), loop=0)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.evaluation.film", description=__doc__)
    parser.add_argument("engine", help="id of the engine; its settings are those of the environment")
    parser.add_argument("--seed", type=Path, required=True, help="the picture to walk into")
    parser.add_argument("--out", type=Path, required=True, help="the film: .webp or .gif")
    parser.add_argument("--strip", type=Path, help="a PNG of some of its frames side by side")
    parser.add_argument("--seconds", type=float, default=9.0, help="how long the walk is (default 9)")
    parser.add_argument("--fps", type=int, default=15, help="frames a second of the film, at most the engine's")
    parser.add_argument("--width", type=int, default=448, help="of the film, pixels (default 448)")
    given = parser.parse_args(arguments)
    if given.out.suffix not in (".webp", ".gif") or given.fps < 1 or given.width < 1:
        parser.error("--out ends in .webp or .gif; --fps and --width are at least 1")
    if not 0.0 < given.seconds < math.inf:
        parser.error("--seconds is more than 0, and has an end")
    try:
        with Image.open(given.seed) as picture:
            whole = np.asarray(picture.convert("RGB"))
        with closing(load_engine(given.engine)) as engine:
            actions = islice(cycle(walk_through()), round(FPS * given.seconds))
            pictures = walked(engine, fitted(whole, engine), tuple(actions))
            every = max(1, engine.spec.fps // given.fps)
            fps = engine.spec.fps / every
    except (NoEngineError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    save_film(given.out, pictures[::every], fps, width=given.width)
    if given.strip is not None:
        shown = [round(part * (len(pictures) - 1) / (_STRIP_FRAMES - 1)) for part in range(_STRIP_FRAMES)]
        save_contact_sheet(given.strip, [[pictures[at] for at in shown]])
    sys.stdout.write(f"{len(pictures[::every])} frames in {given.out}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
