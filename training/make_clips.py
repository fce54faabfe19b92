"""Writes a split of clips: `python -m training.make_clips --out DIR --split train --clips 1600 --workers 4`.

A run that was interrupted goes on where it stopped. What a clip shows depends on the split, its number and the options,
not on the workers.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import platform
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from tqdm import tqdm

import simulator
from simulator.biomes import BIOMES
from simulator.config import FPS
from training.clips import (
    ACTION_FIELDS,
    CLIPS_PER_SHARD,
    STATE_FIELDS,
    ClipFolderError,
    ShardWriter,
    shard_paths,
    shards_in,
)
from training.policies import POLICIES
from training.recorder import Recipe, Recorder

if TYPE_CHECKING:
    from collections.abc import Sequence

MANIFEST: Final = "manifest.json"
_FORMAT: Final = 1


def make_clips(folder: Path, recipe: Recipe, clips: int, workers: int) -> int:
    """Write what is missing of `clips` clips; returns how many clips that was.

    Raises:
        ClipFolderError: the folder holds clips that were made differently.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write_manifest(folder, recipe, clips)
    missing = _missing_shards(folder, clips)
    total = sum(len(_clips_of(shard, clips)) for shard in missing)
    with (
        tqdm(total=total, unit="clip", desc=recipe.split, disable=total == 0) as progress,
        ProcessPoolExecutor(max(1, workers), mp_context=multiprocessing.get_context("spawn")) as pool,
    ):
        futures = [pool.submit(write_shard, folder, recipe, shard, clips) for shard in missing]
        try:
            for future in as_completed(futures):
                progress.update(future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return total


def write_shard(folder: Path, recipe: Recipe, shard: int, clips: int) -> int:
    """Record one shard of a split of `clips` clips; returns how many are in it."""
    numbers = _clips_of(shard, clips)
    shape = (recipe.frames, recipe.config.height, recipe.config.width)
    writer = ShardWriter(folder, shard, clips=len(numbers), frame_shape=shape)
    recorder = Recorder(recipe)
    for number in numbers:
        writer.add(recorder.record(number, writer.room()))
    writer.close()
    return len(numbers)


def _clips_of(shard: int, clips: int) -> range:
    return range(shard * CLIPS_PER_SHARD, min(clips, (shard + 1) * CLIPS_PER_SHARD))


def _missing_shards(folder: Path, clips: int) -> list[int]:
    """Also a last shard that a run for fewer clips left with less than it now holds."""
    there = set(shards_in(folder))
    return [
        shard
        for shard in range((clips + CLIPS_PER_SHARD - 1) // CLIPS_PER_SHARD)
        if shard not in there or _clips_in(folder, shard) < len(_clips_of(shard, clips))
    ]


def _clips_in(folder: Path, shard: int) -> int:
    with np.load(shard_paths(folder, shard)[1]) as rest:
        return len(rest["seeds"])


def _write_manifest(folder: Path, recipe: Recipe, clips: int) -> None:
    """Describe the folder; one that was made by another recipe is left as it is."""
    path = folder / MANIFEST
    made_by: dict[str, Any] = {
        "format": _FORMAT,
        "split": recipe.split,
        "frames": recipe.frames,
        "fps": FPS,
        "biomes": list(recipe.biomes),
        "config": asdict(recipe.config),
        "simulator": _digest_of_the_simulator(),
    }
    if path.exists():
        before: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        differing = [name for name, value in made_by.items() if before.get(name) != value]
        if differing:
            raise ClipFolderError(
                f"{folder} holds clips that differ in: {', '.join(differing)}. Choose another folder, or empty it."
            )
        clips = max(clips, int(before["clips"]))
    text = json.dumps(
        {
            **made_by,
            "clips": clips,
            "seeds": sorted({recipe.seed_of(clip) for clip in range(clips)}),
            "channels": ["red", "green", "blue", "disparity"],
            "states": STATE_FIELDS,
            "actions": ACTION_FIELDS,
            "policies": {name: share for name, (share, _) in POLICIES.items()},
            "versions": {"python": platform.python_version(), "numpy": version("numpy"), "numba": version("numba")},
        },
        indent=1,
    )
    partial = path.with_suffix(".partial")
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(path)


def _digest_of_the_simulator() -> str:
    """Changes with the simulator's source: clips of two simulators do not belong into one folder."""
    digest = hashlib.sha256()
    for source in sorted(Path(simulator.__file__ or "").parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _parse(arguments: Sequence[str] | None) -> tuple[Path, Recipe, int, int]:
    parser = argparse.ArgumentParser(prog="python -m training.make_clips", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder; the split gets a folder of its name in it")
    parser.add_argument("--split", choices=("train", "heldout"), required=True)
    parser.add_argument("--clips", type=int, required=True)
    parser.add_argument("--workers", type=int, default=1, help="processes (default 1)")
    parser.add_argument("--frames", type=int, default=96, help="in a clip, at 30 Hz (default 96)")
    parser.add_argument("--biomes", default="", help="some of: " + ",".join(biome.name for biome in BIOMES))
    chosen = parser.parse_args(arguments)
    biomes = tuple(name for name in chosen.biomes.split(",") if name)
    unknown = set(biomes) - {biome.name for biome in BIOMES}
    if unknown:
        parser.error(f"there is no biome {', '.join(sorted(unknown))}")
    if chosen.clips < 1 or chosen.workers < 1 or chosen.frames < 2:
        parser.error("--clips and --workers are at least 1, --frames at least 2")
    return chosen.out / chosen.split, Recipe(chosen.split, chosen.frames, biomes), chosen.clips, chosen.workers


def main(arguments: Sequence[str] | None = None) -> int:
    folder, recipe, clips, workers = _parse(arguments)
    try:
        made = make_clips(folder, recipe, clips, workers)
    except ClipFolderError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; the same command goes on from here.\n")
        return 130
    sys.stdout.write(f"{made} clips written to {folder}, {clips} are there.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
