"""Clips as they are written, resumed and read."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from simulator.config import FPS, WorldConfig
from simulator.player import advance
from simulator.renderer import Renderer
from simulator.surroundings import Surroundings
from simulator.world import make_world
from training.clips import ACTION_FIELDS, STATE_FIELDS, ClipFolderError, ClipStore, disparity_of, shards_in
from training.make_clips import MANIFEST, main, make_clips, write_shard
from training.recorder import CLIPS_PER_WORLD, FIRST_HELDOUT_SEED, HELDOUT_SEEDS, Recipe, Recorder, open_start
from training.starts import start_for

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.player import PlayerState
    from training.clips import Clip

pytestmark = pytest.mark.trial

TINY = Recipe("train", frames=12, config=WorldConfig(height=32, width=56, supersample=1))
YAW = STATE_FIELDS.index("yaw")
SHAPE = (TINY.frames, TINY.config.height, TINY.config.width)


def recorded(number: int, recipe: Recipe = TINY) -> Clip:
    return Recorder(recipe).record(number, np.empty((*SHAPE, 4), dtype=np.uint8))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shard of 16 clips and one of 4."""
    made = tmp_path_factory.mktemp("clips")
    for shard in range(2):
        write_shard(made, TINY, shard, 20)
    return made


def test_a_store_has_the_form_that_the_trainer_reads(folder: Path) -> None:
    store = ClipStore(folder)
    assert (len(store), store.length) == (20, TINY.frames)
    assert (store.states.shape, store.states.dtype) == ((20, 12, 11), np.dtype(np.float32))
    assert (store.actions.shape, store.actions.dtype) == ((20, 12, 7), np.dtype(np.float32))
    assert (store.poses.shape, store.eye.shape) == ((20, 12, 5), (20, 12))
    assert (store.seeds.shape, store.seeds.dtype) == ((20,), np.dtype(np.int64))
    assert len(store.biomes) == len(store.policies) == 20
    frames = np.load(folder / "shard_00001_frames.npy", mmap_mode="r")
    assert (frames.shape, frames.dtype) == ((4, *SHAPE, 4), np.dtype(np.uint8))


def test_a_clip_reads_back_as_it_was_recorded(folder: Path) -> None:
    store = ClipStore(folder)
    for number in (0, 5, 17):
        read, made = store[number], recorded(number)
        assert isinstance(read.frames, np.memmap)
        assert not read.frames.flags.writeable
        for name in ("frames", "states", "eye", "actions"):
            assert (getattr(read, name) == getattr(made, name)).all(), name
        assert (read.seed, read.biome, read.policy) == (made.seed, made.biome, made.policy)
        assert (read.poses == store.poses[number]).all()


def test_a_store_travels_to_a_worker_without_its_frames(folder: Path) -> None:
    store = ClipStore(folder)
    packed = pickle.dumps(store)
    assert len(packed) < 0.2 * store.frames(0).nbytes * len(store)
    assert (pickle.loads(packed).frames(3) == store.frames(3)).all()


def test_actions_lead_from_state_to_state() -> None:
    recorder = Recorder(TINY)
    for walk in (recorder.walk(number) for number in range(6)):
        for before, action, after in zip(walk.states, walk.actions[1:], walk.states[1:], strict=False):
            assert advance(walk.around, before, action) == after


def test_rows_are_relative_and_yaw_adds_up(folder: Path) -> None:
    for clip in (ClipStore(folder)[number] for number in range(20)):
        assert not clip.actions[0].any()
        assert (clip.states[0, :2] == 0.0).all()
        assert np.abs(np.diff(clip.states[:, YAW]) - clip.actions[1:, ACTION_FIELDS.index("yaw")]).max() < 1e-5
        speeds = np.hypot(np.diff(clip.states[:, 0]), np.diff(clip.states[:, 1])) * FPS
        assert speeds == pytest.approx(np.hypot(clip.states[1:, 3], clip.states[1:, 4]), abs=2e-3)


def test_frames_show_what_the_simulator_draws(folder: Path) -> None:
    """Drawn with grids that came another way, and in the middle of the walk."""
    clip, walk = ClipStore(folder)[1], Recorder(TINY).walk(1)
    around = Surroundings(make_world(clip.seed, TINY.config))
    assert around.world.biome == clip.biome
    picture, depth = np.empty((32, 56, 3), dtype=np.uint8), np.empty((32, 56), dtype=np.float32)
    Renderer(around).draw(walk.states[7], picture, depth)
    assert (clip.frames[7, ..., :3] == picture).all()
    assert (clip.frames[7, ..., 3] == disparity_of(depth)).all()


def test_no_clip_begins_inside_a_tree() -> None:
    """In this world two of forty draws of a start do."""
    around = Surroundings(make_world(1, replace(TINY.config, biome="taiga")))
    picture, depth = np.empty((32, 56, 3), dtype=np.uint8), np.empty((32, 56), dtype=np.float32)

    def swallowed(state: PlayerState) -> bool:
        Renderer(around).draw(state, picture, depth)
        return bool((depth < 1.5).mean() > 0.5)

    assert sum(swallowed(start_for("goal_walk", around, np.random.default_rng(n))) for n in range(40)) > 0
    assert not any(swallowed(open_start(around, "goal_walk", np.random.default_rng(n))) for n in range(40))


def test_disparity_counts_down_to_the_sky() -> None:
    depth = np.array([[0.0, 1.0, 4.0, 100.0, np.inf]], dtype=np.float32)
    assert disparity_of(depth).tolist() == [[255, 128, 51, 3, 0]]


def test_heldout_worlds_are_not_trained_on() -> None:
    held = replace(TINY, split="heldout")
    assert {held.seed_of(clip) for clip in range(5000)} == set(HELDOUT_SEEDS)
    assert min(HELDOUT_SEEDS) >= FIRST_HELDOUT_SEED
    assert TINY.seed_of(CLIPS_PER_WORLD * FIRST_HELDOUT_SEED - 1) < FIRST_HELDOUT_SEED
    with pytest.raises(ValueError, match="training worlds"):
        TINY.seed_of(CLIPS_PER_WORLD * FIRST_HELDOUT_SEED)


def test_named_biomes_are_the_only_ones() -> None:
    recipe = replace(TINY, biomes=("desert", "heath"))
    assert {recorded(4 * world, recipe).biome for world in range(8)} == {"desert", "heath"}


def test_the_number_of_workers_changes_nothing_and_a_run_is_resumed(folder: Path, tmp_path: Path) -> None:
    """Two processes write the same files as one. Finished shards are kept, and a short last shard is completed."""
    assert make_clips(tmp_path, TINY, 18, workers=2) == 18
    kept = (tmp_path / "shard_00000_frames.npy").stat()
    (tmp_path / "shard_00001_frames.partial").write_bytes(b"left by an interrupted run")
    assert make_clips(tmp_path, TINY, 20, workers=1) == 4
    assert (tmp_path / "shard_00000_frames.npy").stat() == kept
    assert make_clips(tmp_path, TINY, 20, workers=1) == 0
    for shard in range(2):
        name = f"shard_{shard:05}_frames.npy"
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    assert not list(tmp_path.glob("*.partial"))
    manifest = json.loads((tmp_path / MANIFEST).read_text(encoding="utf-8"))
    assert (manifest["split"], manifest["frames"], manifest["clips"]) == ("train", TINY.frames, 20)
    assert manifest["seeds"] == [0, 1, 2, 3, 4]


def test_an_unfinished_shard_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / "shard_00000_frames.npy").write_bytes(b"")
    assert shards_in(tmp_path) == []
    with pytest.raises(ClipFolderError, match="make_clips"):
        ClipStore(tmp_path)


def test_clips_of_two_recipes_do_not_mix(tmp_path: Path) -> None:
    assert make_clips(tmp_path, TINY, 1, workers=1) == 1
    with pytest.raises(ClipFolderError, match="frames"):
        make_clips(tmp_path, replace(TINY, frames=13), 1, workers=1)


def test_the_command_refuses_what_it_cannot_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in (["--biomes", "moon"], ["--clips", "0"], ["--frames", "1"]):
        with pytest.raises(SystemExit):
            main(["--out", str(tmp_path), "--split", "train", "--clips", "1", *wrong])
    assert "moon" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_command_says_why_a_folder_is_not_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / MANIFEST).write_text('{"format": 0, "clips": 1}', encoding="utf-8")
    assert main(["--out", str(tmp_path), "--split", "train", "--clips", "1"]) == 2
    assert "differ" in capsys.readouterr().err
