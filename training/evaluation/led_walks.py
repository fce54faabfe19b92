"""Compare pictures alone: `python -m training.evaluation.led_walks --out FOLDER`.

Moss is led along the simulator's own path, ahead and aside past things that stand near, and away from a place and
back, so that what is compared is what it makes of a place and not where it thinks the keys lead. Writes a table, its
figures, and a contact sheet.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from tqdm import tqdm

from simulator.config import FPS
from simulator.player import Action, advance
from simulator.renderer import Renderer
from simulator.surroundings import Surroundings
from simulator.world import make_world
from training.evaluation.flip import flip
from training.evaluation.led import LedMoss, poses_of
from training.evaluation.measures import fragments, laplacian_energy, psnr, ssim
from training.evaluation.trials import Trial, picture_config
from training.pictures import save_contact_sheet
from training.recorder import FIRST_HELDOUT_SEED, open_start
from world_model.layers import FINE
from world_model.runtime import load_runtime
from world_model.weights import WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from simulator.player import PlayerState
    from training.evaluation.led import Led
    from training.evaluation.trials import Picture
    from world_model.config import ModelConfig

_WEIGHTS: Final = Path(__file__).parents[2] / "assets" / "moss"
_KINDS: Final = (("forward", Action(forward=1.0)), ("strafe", Action(strafe=1.0)))
_FRAMES: Final = 32
_HORIZONS: Final = (1, 8, 16, _FRAMES)
_LONG: Final = 300  # frames
_SHOWN: Final = (0, 8, 16, 32)
_PACE_M: Final = 2.0 / 32.0  # a frame, that a walk has to lead, or something barred it
_NEAR_M: Final = (2.5, 9.0)  # where something has to stand
_NEAR_SHARE: Final = 0.06  # of the picture
_TRIES: Final = 40
_BEFORE_LEAVING: Final = 60  # frames ahead, so that some of what is left was never in the first picture
_TURN_AWAY: Final = math.radians(120.0)  # more than is seen at a time
_TURN_FRAMES: Final = FPS // 2


@dataclass(frozen=True, slots=True)
class LedPlan:
    worlds: int = 9  # two walks in each
    long_worlds: int = 9
    return_worlds: int = 5
    away_s: tuple[int, ...] = (1, 4, 16, 64)


QUICK_LED: Final = LedPlan(worlds=3, long_worlds=1, return_worlds=2, away_s=(1, 4))


@dataclass(frozen=True, slots=True)
class Likeness:
    """A picture against the truth, or means of such."""

    psnr: float  # dB
    ssim: float
    flip: float  # 0 to 1
    fragments: float  # more than the truth has
    sharpness: float  # Laplacian energy, of the truth's


@dataclass(frozen=True, slots=True)
class LedFigures:
    """By model, and by walk and frames after the first picture, or by seconds away."""

    likeness: dict[str, dict[str, dict[int, Likeness]]]
    returned: dict[str, dict[int, float]]  # dB against what was there


def led_trial(world: int, action: Action, frames: int, size: ModelConfig) -> Trial:
    """A walk past something near in a held-out world, one action all along."""
    around = Surroundings(make_world(FIRST_HELDOUT_SEED + world, picture_config(size)))
    rng = np.random.default_rng([world, 0x1ED])
    trial: Trial | None = None
    for _ in range(_TRIES):
        start = replace(open_start(around, "goal_walk", rng), pitch=0.0)
        trial = Trial(world, "goal_walk", around, _walked(around, start, [action] * frames), (action,) * frames)
        last = trial.states[-1]
        far = math.hypot(last.x - start.x, last.z - start.z) > _PACE_M * frames
        if far and _something_is_near(trial, size):
            return trial
    assert trial is not None
    return trial


def there_and_back(world: int, away_s: int, size: ModelConfig) -> tuple[Trial, int]:
    """Ahead for two seconds; then a turn away, a walk that way, and all of it back. Also the frame of leaving, whose
    place the last frame is of."""
    begun = led_trial(world, _KINDS[0][1], _BEFORE_LEAVING, size)
    turn = [Action(yaw=_TURN_AWAY / _TURN_FRAMES)] * _TURN_FRAMES
    walk = [Action(forward=1.0)] * (away_s * FPS // 2 - _TURN_FRAMES)
    leaving = _walked(begun.around, begun.states[-1], [*turn, *walk])
    states = (*begun.states, *leaving[1:], *leaving[-2::-1])
    return replace(begun, states=states), _BEFORE_LEAVING


def _walked(around: Surroundings, start: PlayerState, actions: Iterable[Action]) -> tuple[PlayerState, ...]:
    states = [start]
    for action in actions:
        states.append(advance(around, states[-1], action))
    return tuple(states)


def _something_is_near(trial: Trial, size: ModelConfig) -> bool:
    picture = np.empty((size.height, size.width, 3), dtype=np.uint8)
    depth, land = (np.empty((size.height, size.width), dtype=np.float32) for _ in range(2))
    renderer = Renderer(trial.around)
    renderer.draw(trial.states[0], picture, depth)
    renderer.draw(trial.states[0], picture, land, nearest_m=np.inf)
    near = (depth < land) & (depth > _NEAR_M[0]) & (depth < _NEAR_M[1])
    return float(near.mean()) > _NEAR_SHARE and not bool(((depth < land) & (depth < _NEAR_M[0])).any())


def compare(subjects: Sequence[Led], size: ModelConfig, plan: LedPlan, out: Path, *, workers: int) -> str:
    """Lead the subjects along walks in pictures of `size`, and write `led_walks.md`, `.json` and `.png` to `out`;
    returns the table."""
    likeness: dict[str, dict[str, dict[int, Likeness]]] = {}
    sheet: list[list[Picture]] = []
    labels: list[list[str]] = []
    for kind, action in _KINDS:

        def walk(
            number: int, action: Action = action
        ) -> tuple[dict[str, dict[int, Likeness]], dict[str, list[Picture]]]:
            return _short_walk(led_trial(number, action, _FRAMES, size), subjects)

        def long_walk(number: int, action: Action = action) -> dict[str, dict[int, Likeness]]:
            return _likeness(led_trial(number, action, _LONG, size), subjects, (_LONG,))

        with ThreadPoolExecutor(workers) as pool:
            short = list(tqdm(pool.map(walk, range(plan.worlds)), total=plan.worlds, desc=kind))
            long = list(tqdm(pool.map(long_walk, range(plan.long_worlds)), total=plan.long_worlds, desc=f"{kind}, far"))
        likeness[kind] = {
            subject.name: _means([found[subject.name] for found, _ in short])
            | _means([found[subject.name] for found in long])
            for subject in subjects
        }
        for _, shown in short:
            for name, pictures in shown.items():
                sheet.append(pictures)
                labels.append([f"{kind}: {name}", *(f"frame {at}" for at in _SHOWN[1:])])
    figures = LedFigures(likeness, _returned(subjects, size, plan, workers))
    out.mkdir(parents=True, exist_ok=True)
    save_contact_sheet(out / "led_walks.png", sheet, labels)
    (out / "led_walks.json").write_text(json.dumps(asdict(figures), indent=1) + "\n", encoding="utf-8")
    table = render(figures)
    (out / "led_walks.md").write_text(table, encoding="utf-8")
    return table


def _short_walk(
    trial: Trial, subjects: Sequence[Led]
) -> tuple[dict[str, dict[int, Likeness]], dict[str, list[Picture]]]:
    """Likeness at the horizons, and what is shown of it."""
    truth, poses = list(trial.pictures()), poses_of(trial.states)
    made = {subject.name: list(subject.lead(truth[0], poses)) for subject in subjects}
    found = {name: {at: _compared(pictures[at], truth[at]) for at in _HORIZONS} for name, pictures in made.items()}
    shown = {name: [pictures[at] for at in _SHOWN] for name, pictures in {"truth": truth, **made}.items()}
    return found, shown


def _likeness(trial: Trial, subjects: Sequence[Led], horizons: Sequence[int]) -> dict[str, dict[int, Likeness]]:
    first, truth = trial.picture(0), {at: trial.picture(at) for at in horizons}
    poses = poses_of(trial.states)
    return {
        subject.name: {
            at: _compared(picture, truth[at]) for at, picture in enumerate(subject.lead(first, poses)) if at in horizons
        }
        for subject in subjects
    }


def _returned(subjects: Sequence[Led], size: ModelConfig, plan: LedPlan, workers: int) -> dict[str, dict[int, float]]:
    def walk(which: tuple[int, int]) -> dict[str, float]:
        trial, leaving = there_and_back(*which, size)
        poses, first = poses_of(trial.states), trial.picture(0)
        found: dict[str, float] = {}
        for subject in subjects:
            left = last = first
            for at, picture in enumerate(subject.lead(first, poses)):
                left, last = picture if at == leaving else left, picture
            found[subject.name] = psnr(last, left)
        return found

    walks = [(world, away) for away in plan.away_s for world in range(plan.return_worlds)]
    with ThreadPoolExecutor(workers) as pool:
        found = list(zip(walks, tqdm(pool.map(walk, walks), total=len(walks), desc="return"), strict=True))
    return {
        subject.name: {
            away: float(np.mean([each[subject.name] for (_, at), each in found if at == away])) for away in plan.away_s
        }
        for subject in subjects
    }


def _compared(picture: Picture, truth: Picture) -> Likeness:
    return Likeness(
        psnr=psnr(picture, truth),
        ssim=ssim(picture, truth),
        flip=flip(picture, truth),
        fragments=fragments(picture) - fragments(truth),
        sharpness=laplacian_energy(picture) / max(laplacian_energy(truth), 1e-6),
    )


def _means(walks: Sequence[Mapping[int, Likeness]]) -> dict[int, Likeness]:
    names = Likeness.__dataclass_fields__
    return {
        at: Likeness(**{name: float(np.mean([getattr(walk[at], name) for walk in walks])) for name in names})
        for at in walks[0]
    }


def render(figures: LedFigures) -> str:
    """Two tables in Markdown."""
    horizons = (*_HORIZONS, _LONG)
    lines = ["| walk | model | | " + " | ".join(map(str, horizons)) + " |", "| --- | --- | --- |" + " --- |" * 5]
    for kind, models in figures.likeness.items():
        for model, found in models.items():
            for label, form, name in (
                ("PSNR, dB", ".1f", "psnr"),
                ("SSIM", ".3f", "ssim"),
                ("FLIP", ".3f", "flip"),
                ("torn fragments", "+.0f", "fragments"),
                ("sharpness", ".2f", "sharpness"),
            ):
                cells = [format(getattr(found[at], name), form) if at in found else "-" for at in horizons]
                lines.append(f"| {kind} | {model} | {label} | " + " | ".join(cells) + " |")
    away = list(next(iter(figures.returned.values())))
    lines += ["", "| return, PSNR in dB, after seconds away | " + " | ".join(map(str, away)) + " |"]
    lines.append("| --- |" + " --- |" * len(away))
    for model, found in figures.returned.items():
        lines.append(f"| {model} | " + " | ".join(f"{found[at]:.1f}" for at in away) + " |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluation.led_walks", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--weights", type=Path, default=_WEIGHTS, help="folder of Moss's weights")
    parser.add_argument("--out", type=Path, required=True, help="folder for table, figures and contact sheet")
    parser.add_argument("--fine", action="store_true", help="pictures of twice the size")
    parser.add_argument("--quick", action="store_true", help="a few walks: about a minute, and rough figures")
    parser.add_argument("--workers", type=int, default=1, help="walks that are made side by side (default 1)")
    given = parser.parse_args(arguments)
    if given.workers < 1:
        parser.error("--workers is at least 1")
    try:
        moss = load_runtime(given.weights)
    except WeightsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    config = moss.config
    height = config.height * (FINE if given.fine else 1)
    size = replace(config, height=height, width=height * config.width // config.height)
    plan = QUICK_LED if given.quick else LedPlan()
    sys.stdout.write(compare((LedMoss(moss, height),), size, plan, given.out, workers=given.workers))
    return 0


if __name__ == "__main__":
    sys.exit(main())
