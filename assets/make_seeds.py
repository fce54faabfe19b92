"""Paints the shipped seed pictures and their index: python -m assets.make_seeds [slug ...]."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image

from assets.seed_painter import (
    beach_sunset,
    desert_mesas,
    forest_path,
    library_hall,
    misty_valley,
    neon_street,
    ringed_planet,
    snowy_village,
)
from assets.simulator_views import VIEWS, SimulatorView

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

SEEDS: Final = Path(__file__).parent / "seeds"


@dataclass(frozen=True, slots=True)
class Painting:
    """One seed: its file name without the suffix, its texts for people, and the function that paints it."""

    slug: str
    title: str
    description: str
    make: Callable[[], NDArray[np.uint8]]


PAINTINGS: Final = tuple(
    Painting(scene.__name__.rpartition(".")[2], scene.TITLE, scene.DESCRIPTION, scene.make)
    for scene in (
        misty_valley,
        forest_path,
        library_hall,
        neon_street,
        beach_sunset,
        desert_mesas,
        snowy_village,
        ringed_planet,
    )
)


def write_index() -> None:
    """Write `seeds.json`: one entry per picture, in the order of the gallery. Views of the simulator come last."""
    made = [*((painting, "make_seeds") for painting in PAINTINGS), *((view, "make_simulator_seeds") for view in VIEWS)]
    entries = [
        {
            "file": f"{seed.slug}.jpg",
            "title": seed.title,
            "description": seed.description,
            "licence": "Apache-2.0",
            "made_by": f"assets/{script}.py",
            **({"view_of": "simulator"} if isinstance(seed, SimulatorView) else {}),
        }
        for seed, script in made
    ]
    (SEEDS / "seeds.json").write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("slugs", nargs="*", help="paint only these")
    wanted = set(parser.parse_args().slugs)
    SEEDS.mkdir(exist_ok=True)
    for painting in PAINTINGS:
        if wanted and painting.slug not in wanted:
            continue
        path = SEEDS / f"{painting.slug}.jpg"
        Image.fromarray(painting.make()).save(path, quality=90, optimize=True)
        print(f"{path.name}: {path.stat().st_size // 1024} kB")
    write_index()


if __name__ == "__main__":
    main()
