"""Compare pictures alone: `python -m training.evaluation.led_walks --out FOLDER`.

Moss is led along the simulator's own path, forward and sideways past things that stand near, so that what is
compared is what they make of a place and not where they think the keys lead. Writes a table and a contact sheet.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from tqdm import tqdm

from simulator.player import Action, advance
from simulator.renderer import Renderer
from simulator.surroundings import Surroundings
from simulator.world import make_world
from training.evaluation.measures import fragments, laplacian_energy, psnr, ssim
from training.evaluation.subjects import Diorama, keeper_of
from training.evaluation.trials import Trial, picture_config
from training.pictures import save_contact_sheet
from training.recorder import FIRST_HELDOUT_SEED, open_start
from training.samples import relative_poses_between
from world_model.pose import Pose
from world_model.runtime import load_runtime
from world_model.weights import WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from training.evaluation.trials import Picture
    from world_model.config import ModelConfig
    from world_model.keyframes import KeyframeKeeper
    from world_model.runtime import Runtime

HORIZONS: Final = (1, 8, 16, 32)
WORLDS: Final = 9
_SHOWN: Final = (0, 8, 16, 32)
_WEIGHTS: Final = Path(__file__).parents[2] / "assets" / "moss"
_FORWARD: Final = Action(forward=1.0)
_ASIDE: Final = Action(strafe=1.0)
_LONG_M: Final = 2.0  # that a walk has to lead, or something barred it
_NEAR_M: Final = (2.5, 9.0)  # where something has to stand
_NEAR_SHARE: Final = 0.06  # of the picture
_TRIES: Final = 40


@dataclass(frozen=True, slots=True)
class Row:
    """Means over the walks of one kind."""

    psnr: float  # dB
    ssim: float
    fragments: float  # more than the truth has
    sharpness: float  # Laplacian energy, of the truth's


def led_trial(world: int, action: Action, frames: int, size: ModelConfig) -> Trial:
    """A walk past something near in a held-out world, one action all along."""
    around = Surroundings(make_world(FIRST_HELDOUT_SEED + world, picture_config(size)))
    rng = np.random.default_rng([world, 0x1ED])
    trial: Trial | None = None
    for _ in range(_TRIES):
        states = [replace(open_start(around, "goal_walk", rng), pitch=0.0)]
        for _ in range(frames):
            states.append(advance(around, states[-1], action))
        trial = Trial(world, "goal_walk", around, tuple(states), (action,) * frames)
        far = np.hypot(states[-1].x - states[0].x, states[-1].z - states[0].z) > _LONG_M * frames / HORIZONS[-1]
        if far and _something_is_near(trial, size):
            return trial
    assert trial is not None
    return trial


def _something_is_near(trial: Trial, size: ModelConfig) -> bool:
    picture = np.empty((size.height, size.width, 3), dtype=np.uint8)
    depth, land = (np.empty((size.height, size.width), dtype=np.float32) for _ in range(2))
    renderer = Renderer(trial.around)
    renderer.draw(trial.states[0], picture, depth)
    renderer.draw(trial.states[0], picture, land, nearest_m=np.inf)
    near = (depth < land) & (depth > _NEAR_M[0]) & (depth < _NEAR_M[1])
    return float(near.mean()) > _NEAR_SHARE and not bool(((depth < land) & (depth < _NEAR_M[0])).any())


def poses_of(trial: Trial) -> list[Pose]:
    """From the first state on, which is at the origin and looks level and straight ahead."""
    rows = np.array([(state.x, state.eye, state.z, state.yaw, state.pitch) for state in trial.states])
    relative_poses: list[list[float]] = (
        relative_poses_between(np.repeat(rows[:1], len(rows), axis=0), rows).numpy().tolist()
    )
    return [Pose(*moved[:4], slope=moved[5]) for moved in relative_poses]


def moss_pictures(keeper: KeyframeKeeper, first: Picture, poses: Sequence[Pose]) -> list[Picture]:
    state, pictures = keeper.begin(first, poses[0]), [first]
    for pose in poses[1:]:
        picture, state = keeper.frame(state, pose)
        pictures.append(picture)
    return pictures


def compare(moss: Runtime, out: Path, *, worlds: int) -> str:
    """Write `led_walks.md` and `led_walks.png` to `out`; returns the table."""
    size = moss.config
    keeper, diorama = keeper_of(moss), Diorama(size)
    found: dict[tuple[str, str], list[Mapping[int, Row]]] = {}
    sheet: list[list[Picture]] = []
    for kind, action in (("forward", _FORWARD), ("strafe", _ASIDE)):
        for world in tqdm(range(worlds), desc=kind):
            trial = led_trial(world, action, HORIZONS[-1], size)
            poses, truth = poses_of(trial), list(trial.pictures())
            made = {
                "Moss": moss_pictures(keeper, truth[0], poses),
                "diorama, its own path": list(diorama.play(truth[0], trial.actions, rng_seed=0)),
            }
            sheet += [[pictures[at] for at in _SHOWN] for pictures in (truth, *made.values())]
            for name, pictures in made.items():
                found.setdefault((kind, name), []).append({at: _row(pictures[at], truth[at]) for at in HORIZONS})
    out.mkdir(parents=True, exist_ok=True)
    save_contact_sheet(out / "led_walks.png", sheet)
    table = _table(found)
    (out / "led_walks.md").write_text(table, encoding="utf-8")
    return table


def _row(picture: Picture, truth: Picture) -> Row:
    return Row(
        psnr=psnr(picture, truth),
        ssim=ssim(picture, truth),
        fragments=fragments(picture) - fragments(truth),
        sharpness=laplacian_energy(picture) / max(laplacian_energy(truth), 1e-6),
    )


def _table(found: Mapping[tuple[str, str], Sequence[Mapping[int, Row]]]) -> str:
    """Means over walks: PSNR in dB / SSIM / torn fragments above the truth's / Laplacian energy of the truth's."""
    lines = [
        "| walk | model | " + " | ".join(f"{at} frames" for at in HORIZONS) + " |",
        "| --- | --- |" + " --- |" * len(HORIZONS),
    ]
    for (kind, name), walks in found.items():
        cells: list[str] = []
        for at in HORIZONS:
            rows = [walk[at] for walk in walks]
            means = [float(np.mean([getattr(row, key) for row in rows])) for key in Row.__dataclass_fields__]
            cells.append("{:.1f} / {:.3f} / {:+.0f} / {:.2f}".format(*means))
        lines.append(f"| {kind} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluation.led_walks", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--weights", type=Path, default=_WEIGHTS, help="folder of Moss's weights")
    parser.add_argument("--out", type=Path, required=True, help="folder for table and contact sheet")
    parser.add_argument("--worlds", type=int, default=WORLDS, help="two walks in each (default 9)")
    given = parser.parse_args(arguments)
    try:
        moss = load_runtime(given.weights)
    except WeightsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(compare(moss, given.out, worlds=given.worlds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
