"""Judge a world model: `python -m training.evaluate [ENGINE] --out FOLDER`.

With the id of an engine (`terrarium/diorama`), plays pictures in it by keys and mouse, as a person does, and writes its
card: how it obeys, stays, comes back, lasts and keeps up. There is no truth of a picture, and none is needed for that.

Without one, judges the weights of the built-in world against the simulator: plays walks in worlds that it was not
trained on, beside the simulator and two baselines, and writes a table (Markdown and JSON), a plot and a film strip.

What the figures mean: docs/evaluation.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image
from tqdm import tqdm

from training.evaluation.engine_card import QUICK_CARD, CardPlan, judge
from training.evaluation.engine_page import EngineCardPage
from training.evaluation.engines import NoEngineError, fitted, load_engine
from training.evaluation.evaluation import Evaluation
from training.evaluation.page import put_into_page
from training.evaluation.report import render
from training.evaluation.results import QUICK, Plan
from training.evaluation.subjects import Diorama, Still
from world_model.runtime import load_runtime
from world_model.weights import WeightsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.evaluation.trials import Picture
    from world_model.runtime import Runtime

_ROOT: Final = Path(__file__).parent.parent
_WEIGHTS: Final = _ROOT / "assets" / "moss"
_PAGE: Final = _ROOT / "docs" / "evaluation.md"
_PICTURES: Final = tuple(
    _ROOT / "assets" / "seeds" / f"{name}.jpg" for name in ("summer_grove", "misty_valley", "library_hall")
)


def evaluate(runtime: Runtime, plan: Plan, folder: Path, *, workers: int) -> str:
    """Write table, plot and strip to `folder`; returns the table."""
    folder.mkdir(parents=True, exist_ok=True)
    evaluation = Evaluation(runtime, plan, (Diorama(runtime.config), Still()), workers=workers)
    results = evaluation.run()
    table = render(results)
    (folder / "evaluation.md").write_text(table, encoding="utf-8")
    (folder / "evaluation.json").write_text(json.dumps(asdict(results), indent=1) + "\n", encoding="utf-8")
    evaluation.draw(results, folder)
    return table


def judge_engine(model_id: str, pictures: Sequence[Path], plan: CardPlan, folder: Path) -> str:
    """Write an engine's card of these pictures to `folder`; returns the table.

    Raises:
        NoEngineError: there is no such engine, or it cannot be loaded here.
        OSError: a picture cannot be read.
    """
    seeds: dict[str, Picture] = {}
    for path in pictures:
        with Image.open(path) as picture:
            seeds[path.stem] = np.asarray(picture.convert("RGB"))
    engine = load_engine(model_id)
    try:
        figures = {name: judge(engine, fitted(seed, engine), plan) for name, seed in tqdm(seeds.items())}
        return EngineCardPage(engine.spec, figures).write(folder)
    finally:
        engine.close()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("engine", nargs="?", help="id of an engine, whose card is written; none: judge Moss's weights")
    parser.add_argument("--seed", type=Path, nargs="+", default=_PICTURES, help="pictures that an engine is played in")
    parser.add_argument("--weights", type=Path, default=_WEIGHTS, help="an exported model (default assets/moss)")
    parser.add_argument("--out", type=Path, required=True, help="folder for table, plot and film strip")
    parser.add_argument("--workers", type=int, default=2, help="walks that are played side by side (default 2)")
    parser.add_argument("--quick", action="store_true", help="a few walks: some minutes, and rough figures")
    parser.add_argument("--docs", action="store_true", help="put table and pictures into docs/evaluation.md, too")
    given = parser.parse_args(arguments)
    if given.workers < 1:
        parser.error("--workers is at least 1")
    if given.engine is not None:
        return _card(given.engine, given.seed, QUICK_CARD if given.quick else CardPlan(), given.out)
    try:
        runtime = load_runtime(given.weights)
    except WeightsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    plan = QUICK if given.quick else Plan()
    table = evaluate(runtime, plan, given.out, workers=given.workers)
    sys.stdout.write(table)
    if given.docs:
        put_into_page(_PAGE, given.out)
    return 0


def _card(model_id: str, pictures: Sequence[Path], plan: CardPlan, folder: Path) -> int:
    try:
        table = judge_engine(model_id, pictures, plan, folder)
    except (NoEngineError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
