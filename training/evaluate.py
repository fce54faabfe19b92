"""The card of a world engine: `python -m training.evaluate ENGINE --out FOLDER`.

Plays pictures in the engine with that id by keys and mouse, as a person does: how it obeys, stays, comes back, lasts
and keeps up. There is no truth of a picture, and none is needed for that. Engines whose camera is known are played
beside the simulator as well, in worlds that no network was trained on.

What the figures mean: docs/evaluation.md.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image
from tqdm import tqdm

from training.evaluation.engine_card import QUICK_CARD, CardPlan, judge
from training.evaluation.engine_page import EngineCardPage
from training.evaluation.engines import NoEngineError, fitted, half_view_of, load_engine
from training.evaluation.evaluation import Evaluation
from training.evaluation.pace import measure_crowd
from training.evaluation.page import put_into_page
from training.evaluation.results import QUICK, Plan
from training.evaluation.subjects import EnginePlayer, size_of_trials

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.world_engine.world_engine import WorldEngine
    from training.evaluation.results import Results
    from training.evaluation.trials import Picture

_ROOT: Final = Path(__file__).parent.parent
_PAGE: Final = _ROOT / "docs" / "evaluation.md"
_PICTURES: Final = tuple(
    _ROOT / "assets" / "seeds" / f"{name}.jpg" for name in ("summer_grove", "misty_valley", "library_hall")
)


@dataclass(frozen=True, slots=True)
class Plans:
    """How much is played in pictures, and beside the simulator."""

    card: CardPlan
    truth: Plan
    workers: int  # walks beside the simulator that are played side by side


def write_card(
    engine: WorldEngine, pictures: Mapping[str, Picture], half_view: float | None, plans: Plans, folder: Path
) -> str:
    """Write an engine's card to `folder`; returns the table.

    `half_view` is half the angle of view of the engine's width, rad; None: there is no truth for it.
    """
    seeds = {name: fitted(picture, engine) for name, picture in pictures.items()}
    figures = {name: judge(engine, seed, plans.card) for name, seed in tqdm(seeds.items(), desc="pictures")}
    crowd = measure_crowd(engine, next(iter(seeds.values())), plans.card.crowd_frames)
    truth = None if half_view is None else _beside_the_truth(engine, half_view, plans, folder)
    return EngineCardPage(engine.spec, figures, crowd, truth).write(folder)


def _beside_the_truth(engine: WorldEngine, half_view: float, plans: Plans, folder: Path) -> Results:
    size = size_of_trials(engine.spec, half_view)
    evaluation = Evaluation(EnginePlayer(engine, half_view), size, plans.truth, workers=plans.workers)
    results = evaluation.run()
    folder.mkdir(parents=True, exist_ok=True)
    evaluation.draw(results, folder / "truth.png", folder / "truth_strip.png")
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("engine", help="id of the engine; settings, as of Moss's weights, are those of the environment")
    parser.add_argument("--seed", type=Path, nargs="+", default=_PICTURES, help="pictures that it is played in")
    parser.add_argument("--out", type=Path, required=True, help="folder for table, figures, plots and film strips")
    parser.add_argument("--workers", type=int, default=1, help="walks that are played side by side (default 1)")
    parser.add_argument("--quick", action="store_true", help="the first picture, and few walks: some two minutes")
    parser.add_argument("--docs", action="store_true", help="put table and pictures into docs/evaluation.md, too")
    given = parser.parse_args(arguments)
    if given.workers < 1:
        parser.error("--workers is at least 1")
    plans = Plans(QUICK_CARD if given.quick else CardPlan(), QUICK if given.quick else Plan(), given.workers)
    try:
        chosen = given.seed[:1] if given.quick else given.seed
        pictures = {path.stem: _read(path) for path in chosen}
        with closing(load_engine(given.engine)) as engine:
            text = write_card(engine, pictures, half_view_of(given.engine), plans, given.out)
    except (NoEngineError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(text)
    if given.docs:
        put_into_page(_PAGE, given.out, given.engine)
    return 0


def _read(path: Path) -> Picture:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


if __name__ == "__main__":
    sys.exit(main())
