"""A walk among the things of a picture: they stand upright, come nearer and are left behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.frame_encoder.frame_sizes import scaled
from services.torch_worker.process_torch_worker import ProcessTorchWorker
from services.world_engine.depth.depth import DepthFailedError
from services.world_engine.depth.depth_anything_files import DepthAnythingFiles
from services.world_engine.diorama._cut import COLUMNS, NOTHING, ROWS, STEP, Cut, cut_things
from services.world_engine.diorama._things import take_apart
from services.world_engine.diorama.engine import DioramaEngine, DioramaWorld, stroll
from services.world_engine.diorama.entry import Stroll
from services.world_engine.engine_card import ModelLoadError
from services.world_engine.world_engine import SceneNotTakenError, SnapshotMismatchError
from tests.fakes.fake_depth import BrokenDepth, FakeDepth
from tests.services.diorama import keys
from tests.services.diorama.controls import ADVENTURE, hold, press, turn
from tests.services.diorama.parkland import AHEAD, HORIZON, MIDDLE, parkland, tree, true_depth
from tests.services.diorama.pictures import awkward, psnr

if TYPE_CHECKING:
    from services.world_engine.world_engine import Picture

STROLL = Stroll(DepthAnythingFiles(Path("nowhere")), ProcessTorchWorker)
SURE, UNSURE = DioramaEngine(stroll(FakeDepth(true_depth()), "true")), DioramaEngine(stroll(FakeDepth(), "true"))


def strolling(engine: DioramaEngine = SURE) -> DioramaWorld:
    return engine.open_world(parkland(), rng_seed=0)


def elsewhere() -> Picture:
    """A picture that is not the parkland."""
    return np.ascontiguousarray(parkland()[:, ::-1])


def dark(picture: Picture) -> np.ndarray:
    """The pixels of the tree: nothing else is as dark."""
    return picture.max(axis=2) < 110


# --------------------------------------------------------------------------------------------------------------- cut


def test_the_tree_is_cut_out_where_it_is() -> None:
    cut = cut_things(parkland(), FakeDepth(true_depth()).estimate(parkland()))
    found, true = cut.labels == 1, tree()[STEP // 2 :: STEP, STEP // 2 :: STEP]
    assert cut.count == 1
    assert (found & true).sum() > 0.95 * (found | true).sum()


def test_a_coarse_and_blurred_depth_gives_the_same_outline() -> None:
    rough = true_depth()[4::24, 4::24]
    cut = cut_things(parkland(), FakeDepth(rough).estimate(parkland()))
    found, true = cut.labels == 1, tree()[STEP // 2 :: STEP, STEP // 2 :: STEP]
    assert (found & true).sum() > 0.9 * (found | true).sum()


@pytest.mark.parametrize("name", awkward())
def test_nothing_is_cut_out_of_what_is_no_open_country(name: str) -> None:
    near = FakeDepth(np.full((9, 16), 0.5, dtype=np.float32))
    picture = awkward()[name]
    assert cut_things(picture, near.estimate(picture)).count == 0


def test_nothing_is_cut_out_without_a_sure_depth() -> None:
    sure = FakeDepth(true_depth()).estimate(parkland())
    assert cut_things(parkland(), replace(sure, is_sure=False)) is NOTHING


def test_a_cut_is_small_and_comes_back() -> None:
    cut = cut_things(parkland(), FakeDepth(true_depth()).estimate(parkland()))
    packed = cut.pack()
    assert len(packed) < 1000
    assert np.array_equal(Cut.unpack(packed).labels, cut.labels)


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"no cut",
        NOTHING.pack()[:-3],
        Cut(np.zeros((ROWS, COLUMNS + 1), dtype=np.uint8)).pack(),
        Cut(np.full((ROWS, COLUMNS), 200, dtype=np.uint8)).pack(),
    ],
    ids=["nothing", "no cut", "cut off", "too large", "an unknown label"],
)
def test_damaged_cuts_are_refused(packed: bytes) -> None:
    with pytest.raises(SnapshotMismatchError):
        Cut.unpack(packed)


def test_behind_the_tree_the_landscape_goes_on() -> None:
    cut = cut_things(parkland(), FakeDepth(true_depth()).estimate(parkland()))
    background, things = take_apart(parkland(), cut, HORIZON)
    assert not dark(background).any()
    assert psnr(background[:300, 400:600], np.full((300, 200, 3), (170, 200, 235), dtype=np.uint8)) > 40.0
    assert things.sprites[0].ahead == pytest.approx(AHEAD, rel=0.05)


# -------------------------------------------------------------------------------------------------------------- play


def test_it_begins_with_the_picture() -> None:
    assert psnr(strolling().step(press())[0], parkland()) > 38.0


def test_the_tree_comes_nearer_stays_upright_and_is_left_behind() -> None:
    world = strolling()
    before = dark(world.step(press())[0]).sum()
    near = dark(hold(world, press(keys.W), 45)[3])  # some 6 metres
    assert near.sum() > 2 * before
    trunk = [np.flatnonzero(near[row]).mean() for row in range(420, 620, 20)]
    assert max(trunk) - min(trunk) < 4.0, "the trunk bends"
    passed = hold(world, press(keys.W, keys.SHIFT), 15)[3]
    assert dark(passed)[:, MIDDLE - 100 : MIDDLE + 100].sum() < 0.1 * before
    behind = turn(world, np.pi, passes=10)[3]
    assert dark(behind).sum() > before, "it is gone once it was passed"


def test_the_meadow_and_the_sky_do_not_show_the_tree_twice() -> None:
    world = strolling()
    for _ in range(4):
        frame = hold(world, press(keys.W), 5)[3]
        columns = np.flatnonzero(dark(frame)[450:640].any(axis=0))
        assert columns.max() - columns.min() < 150, "a ghost of the trunk lies on the meadow"


def test_without_a_sure_depth_it_is_the_diorama() -> None:
    plain = DioramaEngine().open_world(parkland(), rng_seed=0)
    unsure = strolling(UNSURE)
    for control in ADVENTURE[:3]:
        assert np.array_equal(plain.step(control), unsure.step(control))


def test_it_goes_on_exactly_from_a_snapshot_even_where_depth_is_told_otherwise() -> None:
    world = strolling()
    for control in ADVENTURE[:3]:
        world.step(control)
    kept = world.snapshot()
    expected = world.step(ADVENTURE[3])
    for engine in (SURE, UNSURE):
        other = strolling(engine)
        other.restore(kept)
        assert np.array_equal(other.step(ADVENTURE[3]), expected)


def failing(*, answers: int) -> DioramaEngine:
    """Its depth network fails after so many pictures, and is sure of each before; the spare one is sure of none."""
    deep = stroll(BrokenDepth(true_depth(), answers=answers), "deep")
    return DioramaEngine(deep, spare=stroll(FakeDepth(), "spare"))


def test_where_the_depth_fails_new_pictures_open_by_the_spare_one_and_say_so() -> None:
    engine = failing(answers=1)
    deep, before = engine.spec, strolling(engine)
    after = engine.open_world(elsewhere(), rng_seed=0)
    assert engine.spec.weights_hash != deep.weights_hash
    assert before.snapshot().weights_hash == deep.weights_hash
    assert after.snapshot().weights_hash == engine.spec.weights_hash
    with pytest.raises(SnapshotMismatchError, match="weights"):
        after.restore(before.snapshot())


def test_a_world_of_a_depth_that_has_failed_refuses_a_new_picture_and_is_played_on() -> None:
    world, twin = strolling(failing(answers=1)), strolling()
    with pytest.raises(SceneNotTakenError, match="broken"):
        world.continue_from(elsewhere())
    for _ in range(2):
        assert np.array_equal(world.step(press(keys.W)), twin.step(press(keys.W)))
    kept = world.snapshot()
    world.step(press(keys.W))
    world.restore(kept)
    assert np.array_equal(world.step(press()), twin.step(press()))


def test_a_picture_that_was_seen_before_the_depth_failed_keeps_its_cut() -> None:
    engine = failing(answers=2)
    world = strolling(engine)
    world.continue_from(elsewhere())
    world.step(press(keys.W))
    kept = world.snapshot()
    engine.open_world(parkland()[::-1].copy(), rng_seed=0)  # it fails here
    again = strolling(engine)
    again.continue_from(elsewhere())
    again.restore(kept)
    assert np.array_equal(again.step(press(keys.W)), world.step(press(keys.W)))


def test_what_the_engine_holds_is_given_back_when_it_is_closed() -> None:
    released = list[bool]()
    DioramaEngine(release=lambda: released.append(True)).close()
    assert released == [True]


def test_without_a_spare_depth_the_fault_is_told() -> None:
    with pytest.raises(DepthFailedError, match="broken"):
        strolling(DioramaEngine(stroll(BrokenDepth(), "deep")))


def test_a_damaged_snapshot_leaves_the_world_as_it_was() -> None:
    world = strolling()
    kept = world.snapshot()
    with pytest.raises(SnapshotMismatchError):
        world.restore(replace(kept, state=bytes(kept.state)[:-2]))
    assert world.snapshot() == kept


def test_the_diorama_takes_no_cut() -> None:
    plain = DioramaEngine().open_world(parkland(), rng_seed=0)
    kept = plain.snapshot()
    with pytest.raises(SnapshotMismatchError):
        plain.restore(replace(kept, state=bytes(kept.state) + NOTHING.pack()))


def test_the_engine_is_loaded_with_the_shipped_depth_network() -> None:
    engine = STROLL.load("none", lambda _: None)
    assert engine.spec.model_id == STROLL.card.model_id
    engine.close()


def test_an_unknown_quantisation_is_refused() -> None:
    with pytest.raises(ModelLoadError):
        STROLL.load("int4", lambda _: None)


def test_things_stand_in_small_frames_where_they_stand_in_large_ones() -> None:
    world, bare = strolling(), strolling(UNSURE)
    large, without = (hold(one, press(keys.W), 20)[-1:] for one in (world, bare))
    small = world.draw(width=224, height=128, only_last=True)[0]
    assert psnr(scaled(large, width=224, height=128)[0], small) > 28.0
    assert psnr(scaled(without, width=224, height=128)[0], small) < 22.0
