"""A short film of a walk through a picture: `python -m training.evaluation.film --seed PICTURE --out walk.webp`."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from simulator.config import FPS
from simulator.player import Action
from training.evaluation.subjects import Moss
from training.pictures import save_contact_sheet
from training.policies import smooth_turn
from world_model.runtime import load_runtime
from world_model.weights import WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from training.evaluation.trials import Picture
    from world_model.config import ModelConfig

_WEIGHTS: Final = Path(__file__).parent.parent.parent / "assets" / "moss"
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


def seed_of(path: Path, size: ModelConfig) -> Picture:
    """The picture's middle, at the model's size."""
    with Image.open(path) as picture:
        whole = picture.convert("RGB")
    scale = min(whole.width / size.width, whole.height / size.height)
    width, height = scale * size.width, scale * size.height
    left, top = 0.5 * (whole.width - width), 0.5 * (whole.height - height)
    box = (left, top, left + width, top + height)
    return np.asarray(whole.resize((size.width, size.height), Image.Resampling.BOX, box=box), dtype=np.uint8)


def save_film(path: Path, pictures: Sequence[Picture], *, every: int, scale: int) -> None:
    """WebP or GIF, by the path's ending; each `every`-th frame, at the true pace."""
    frames = [Image.fromarray(picture) for picture in pictures[::every]]
    size = frames[0].width * scale, frames[0].height * scale
    frames = [frame.resize(size, Image.Resampling.BICUBIC) for frame in frames]
    path.parent.mkdir(parents=True, exist_ok=True)
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=round(1000 * every / FPS), loop=0)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.evaluation.film", description=__doc__)
    parser.add_argument("--weights", type=Path, default=_WEIGHTS, help="an exported model (default assets/moss)")
    parser.add_argument("--seed", type=Path, required=True, help="the picture to walk into")
    parser.add_argument("--out", type=Path, required=True, help="the film: .webp or .gif")
    parser.add_argument("--strip", type=Path, help="a PNG of some of its frames side by side")
    parser.add_argument("--every", type=int, default=2, help="keep each so many frames (default 2: 15 a second)")
    parser.add_argument("--scale", type=int, default=2, help="times the model's size (default 2)")
    given = parser.parse_args(arguments)
    if given.out.suffix not in (".webp", ".gif") or given.every < 1 or given.scale < 1:
        parser.error("--out ends in .webp or .gif; --every and --scale are at least 1")
    try:
        runtime = load_runtime(given.weights)
        seed = seed_of(given.seed, runtime.config)
    except (WeightsError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    pictures = list(Moss(runtime).play(seed, tuple(walk_through()), rng_seed=0))
    save_film(given.out, pictures, every=given.every, scale=given.scale)
    if given.strip is not None:
        shown = [round(part * (len(pictures) - 1) / (_STRIP_FRAMES - 1)) for part in range(_STRIP_FRAMES)]
        save_contact_sheet(given.strip, [[pictures[at] for at in shown]], scale=given.scale)
    sys.stdout.write(f"{len(pictures)} frames of {runtime.config.width}x{runtime.config.height} in {given.out}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
