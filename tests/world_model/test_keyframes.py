"""The keyframes of a walk: decided by the poses alone, remembered, and never a cut."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from world_model.config import MICRO, ModelConfig
from world_model.keyframes import (
    CAPACITY,
    DISSOLVE,
    HOMES,
    LEAD,
    Keyframe,
    KeyframeKeeper,
    KeyframeState,
    Order,
    foreseen,
    strain_between,
)
from world_model.layer_renderer import LayerRenderer
from world_model.layers import FINE, HIDDEN, LAYERS, Bytes, Layers, layer_sized
from world_model.panorama import Look, Panorama
from world_model.pose import Pose
from world_model.wide_view import WideView

H, W = MICRO.height, MICRO.width
PICTURE = np.repeat(np.arange(W, dtype=np.uint8)[None, :, None] * 3 + 20, H, axis=0) + np.arange(3, dtype=np.uint8)
HOME = Pose()


class FlatSeer:
    """Sees a painted wall three metres away in everything, and counts how often it looks."""

    def __init__(self, config: ModelConfig = MICRO) -> None:
        self.config = config
        self.seen: list[Bytes] = []
        self.doubts: list[float | None] = []

    def see(self, picture: Bytes, slope: float, *, doubt: float | None = None) -> Layers:
        self.seen.append(picture)
        self.doubts.append(doubt)
        height, width = self.config.height, self.config.width
        alpha = np.zeros((LAYERS, height, width), dtype=np.uint8)
        alpha[[0, 8]] = 255
        hidden = (np.zeros((height, width, 3), dtype=np.uint8),) * HIDDEN
        relief = np.full((LAYERS, height // 8, width // 8), 1 / 3, dtype=np.float32)
        return Layers(alpha, hidden, picture, WideView(self.config).mirrored(layer_sized(picture)), relief, slope)


def keeper(seer: FlatSeer | None = None) -> KeyframeKeeper:
    return KeyframeKeeper(MICRO, seer or FlatSeer(), LayerRenderer(MICRO))


def walked(kept: KeyframeKeeper, state: KeyframeState, poses: list[Pose]) -> tuple[list[Bytes], KeyframeState]:
    pictures: list[Bytes] = []
    for pose in poses:
        picture, state = kept.frame(state, pose)
        pictures.append(picture)
    return pictures, state


def arrived(pose: Pose) -> list[Pose]:
    """Frames at a place until its keyframe is there and shown alone: foreseen, made for the place itself, dissolved."""
    return [pose] * (2 * LEAD + DISSOLVE + 8)


def sideways(metres: float, frames: int) -> list[Pose]:
    return [Pose(x=metres * (n + 1) / frames) for n in range(frames)]


def turning(angle: float, frames: int) -> list[Pose]:
    return [Pose(yaw=angle * (n + 1) / frames) for n in range(frames)]


def test_a_walker_that_stands_still_sees_the_picture() -> None:
    seer = FlatSeer()
    kept = keeper(seer)
    pictures, _ = walked(kept, kept.begin(PICTURE, HOME), [HOME] * 5)
    assert all(int(np.abs(picture.astype(np.int16) - PICTURE).max()) <= 2 for picture in pictures)
    assert len(seer.seen) == 1


@pytest.mark.parametrize(("poses", "looks"), [(sideways(0.7, 30), 1), (sideways(2.2, 66), 3), (turning(0.5, 60), 3)])
def test_a_keyframe_is_made_each_metre_and_each_twelve_degrees(poses: list[Pose], looks: int) -> None:
    seer = FlatSeer()
    kept = keeper(seer)
    walked(kept, kept.begin(PICTURE, HOME), poses)
    assert len(seer.seen) == looks
    assert seer.doubts == [None] + [0.0] * (looks - 1)  # only what somebody brought is doubted anew


def test_the_same_walk_has_the_same_frames_wherever_it_is_taken_up() -> None:
    """Snapshot, restore and branch: a state is a value."""
    kept, poses = keeper(), [*sideways(1.5, 40), *(Pose(x=1.5, yaw=0.01 * n) for n in range(40))]
    whole, _ = walked(kept, kept.begin(PICTURE, HOME), poses)
    _, middle = walked(kept, kept.begin(PICTURE, HOME), poses[:33])
    for branch in (keeper(), kept):
        rest, _ = walked(branch, middle, poses[33:])
        assert [picture.tobytes() for picture in rest] == [picture.tobytes() for picture in whole[33:]]


def test_what_is_kept_prepared_is_what_is_shown() -> None:
    """Of no more keyframes than a dissolve has; and frames are the same where nothing was kept."""
    kept = keeper()
    state = kept.begin(PICTURE, HOME)
    for pose in (*sideways(2.2, 66), *turning(0.5, 30)):
        bare, _ = kept.frame(replace(state, prepared=()), pose)
        picture, after = kept.frame(state, pose)
        assert picture.tobytes() == bare.tobytes()
        assert after.prepared[0].layers is after.current.layers
        shown = {id(after.current.layers)} | {
            id(one.layers) for one in (state.current, state.previous) if one is not None
        }
        assert {id(one.layers) for one in after.prepared} <= shown
        assert len(after.prepared) <= 2
        state = after


def test_a_change_of_keyframe_is_a_dissolve() -> None:
    """No frame differs from the one before by more than the walk itself explains."""
    kept = keeper()
    pictures, state = walked(kept, kept.begin(PICTURE, HOME), sideways(1.4, 42))
    assert len(state.remembered) == 1
    changes = [
        float(np.abs(b[:, 8:-16].astype(np.int16) - a[:, 8:-16]).mean()) for a, b in itertools.pairwise(pictures)
    ]
    assert max(changes) < 3.0 * float(np.median(changes)) + 1.0


def test_a_dissolve_ends() -> None:
    kept = keeper()
    _, state = walked(kept, kept.begin(PICTURE, HOME), sideways(0.9, 27))
    shown = 0
    for _ in range(LEAD + DISSOLVE):
        _, state = kept.frame(state, Pose(x=1.0))
        shown += state.previous is not None
    assert shown == DISSOLVE - 1  # after its last frame a dissolve is over
    assert state.current.pose.x > 0.9


def test_a_keyframe_is_ordered_for_where_the_walk_leads_and_taken_up_there() -> None:
    kept, poses = keeper(), sideways(1.5, 45)
    pictures, state = walked(kept, kept.begin(PICTURE, HOME), poses)
    del pictures
    assert state.current.pose.x == pytest.approx(1.0, abs=0.04)
    state = kept.begin(PICTURE, HOME)
    ordered = 0
    for number, pose in enumerate(poses):
        _, state = kept.frame(state, pose)
        if state.order is not None and not ordered:
            ordered = number
            assert state.order.due == number + LEAD
            assert state.order.pose.x == pytest.approx(poses[number + LEAD].x, abs=0.02)
        assert state.current.pose == HOME or number >= ordered + LEAD
    assert ordered


def test_what_is_ordered_is_made_elsewhere_and_asked_for_when_it_is_due() -> None:
    """Between order and use nothing changes that it is made from, so any moment between them will do."""
    kept, poses = keeper(), [*sideways(3.0, 60), *turning(1.0, 20)]
    whole, _ = walked(kept, kept.begin(PICTURE, HOME), poses)
    ready: dict[Order, Keyframe] = {}

    def made(state: KeyframeState) -> Keyframe:
        assert state.order is not None
        assert state.frame == state.order.due
        return ready.pop(state.order)

    state, seen = kept.begin(PICTURE, HOME), list[bytes]()
    for pose in poses:
        picture, state = kept.frame(state, pose, made)
        if state.order is not None and state.order not in ready:
            ready[state.order] = kept.made(state)
        seen.append(picture.tobytes())
    assert seen == [picture.tobytes() for picture in whole]


def test_what_the_walk_has_turned_away_from_is_not_taken_up() -> None:
    seer = FlatSeer()
    kept = keeper(seer)
    _, state = walked(kept, kept.begin(PICTURE, HOME), [Pose(yaw=0.15), *[HOME] * (2 * LEAD)])
    assert len(seer.seen) == 2
    assert state.current.pose == HOME
    assert not state.remembered


def test_nothing_is_made_that_nobody_ordered() -> None:
    kept = keeper()
    with pytest.raises(ValueError, match="ordered"):
        kept.made(kept.begin(PICTURE, HOME))


def test_no_keyframe_is_ordered_farther_away_than_it_can_be_drawn() -> None:
    """However far the mouse was thrown in one frame."""
    ahead = foreseen(HOME, Pose(x=9.0, yaw=2.0, slope=1.0))
    assert 1.0 < ahead.x < 1.5
    assert math.radians(20.0) < ahead.yaw < math.radians(40.0)
    assert 0.1 < ahead.slope < 0.5
    assert foreseen(HOME, Pose()) == HOME


def test_a_walker_that_returns_takes_the_old_keyframe_again() -> None:
    seer = FlatSeer()
    kept = keeper(seer)
    there = sideways(1.6, 40)
    pictures, state = walked(kept, kept.begin(PICTURE, HOME), [*there, *reversed(there), *[HOME] * (DISSOLVE + 1)])
    assert len(seer.seen) == 2
    assert state.current.pose == HOME
    assert int(np.abs(pictures[-1].astype(np.int16) - PICTURE).max()) <= 2


@pytest.mark.parametrize(("back_to", "shown"), [(0.2, 0.0), (0.6, 1.0)])
def test_who_comes_back_sees_the_old_keyframe_once_it_is_much_nearer(back_to: float, shown: float) -> None:
    """Though the new one is still within reach."""
    seer = FlatSeer()
    kept = keeper(seer)
    begun = kept.begin(PICTURE, HOME)
    old, new = begun.current, replace(begun.current, pose=Pose(x=1.0), slot=1)
    state = replace(begun, current=new, remembered=(old,), pose=new.pose)
    _, state = walked(kept, state, [*(Pose(x=1.0 - 0.05 * n) for n in range(round(20 * (1.0 - back_to)) + 1))])
    _, state = walked(kept, state, [state.pose] * (2 * LEAD + DISSOLVE))
    assert state.current.pose == Pose(x=shown)
    assert len(seer.seen) == 1


def test_after_a_sudden_turn_the_view_is_made_for_where_it_ended() -> None:
    kept = keeper()
    _, state = walked(kept, kept.begin(PICTURE, HOME), [Pose(yaw=0.3), Pose(yaw=1.3), *arrived(Pose(yaw=2.3))])
    assert strain_between(state.current.pose, Pose(yaw=2.3)) < 1.0


def far_walk(keyframes: int) -> list[Pose]:
    return [pose for n in range(1, keyframes + 1) for pose in arrived(Pose(x=1.05 * n))]


def test_no_more_is_remembered_than_fits() -> None:
    kept = keeper()
    _, state = walked(kept, kept.begin(PICTURE, HOME), far_walk(CAPACITY + 1))
    assert len(state.remembered) == CAPACITY
    assert state.remembered[0].pose.x > 0.0  # the farthest went first


def test_what_was_seen_first_hand_stays_sharp_from_keyframe_to_keyframe() -> None:
    """Around a hexagon before a wall of fine stripes: six keyframes on, they are as deep as after the first."""
    stripes = np.full((FINE * H, FINE * W, 3), 90, dtype=np.uint8)
    stripes[:, ::4] = stripes[:, 1::4] = 160
    seer = FlatSeer()
    kept = keeper(seer)
    corners = [(0.52, 0.9), (1.04, 0.0), (0.52, -0.9), (-0.52, -0.9), (-1.04, 0.0), (-0.52, 0.9)]
    poses = [pose for x, z in corners for pose in arrived(Pose(x=x, z=z))]
    walked(kept, kept.begin(stripes, HOME), poses)
    assert len(seer.seen) >= 7
    inner = [seen[16:-16, 40:-40, 0].astype(np.float32) for seen in (seer.seen[1], seer.seen[-1])]
    first, last = (float(np.abs(np.diff(part, n=2, axis=1)).mean()) for part in inner)
    assert last > 0.7 * first


def test_origins_name_pictures_that_are_kept() -> None:
    """Also after the keyframes that they came from were forgotten; and no two keyframes share a slot."""
    kept = keeper()
    state = kept.begin(PICTURE, HOME)
    for n in range(1, 3 * CAPACITY * LEAD):
        _, state = kept.frame(state, Pose(x=0.1 * n, yaw=0.4 * math.sin(0.2 * n)))
        keyframes = (*state.remembered, state.current)
        slots = [keyframe.slot for keyframe in keyframes]
        assert len(set(slots)) == len(slots)
        for keyframe in keyframes:
            assert set(np.unique(keyframe.origin.slot)) <= {0, *slots}


def test_a_world_stays_under_twenty_one_megabytes() -> None:
    """By what a keyframe of the size of play holds, its home, what it remembers, and the two that are drawn."""
    height, width = ModelConfig().height, ModelConfig().width
    hidden = HIDDEN - 1  # two layers share one
    layers = LAYERS * height * width + hidden * height * width * 3 + LAYERS * (height // 8) * (width // 8) * 4
    wide = math.prod(WideView(ModelConfig()).shape) * 3
    prepared = LAYERS * height * width * 4 + hidden * height * width * 4 + FINE**2 * wide
    picture, origin = FINE * height * FINE * width * 3, height * width * 5
    kept = keeper()
    _, state = walked(kept, kept.begin(PICTURE, HOME), far_walk(CAPACITY + 1)[:-DISSOLVE])
    assert len(state.remembered) + 1 == CAPACITY + 1
    assert state.previous is None or any(state.previous is old for old in state.remembered)
    assert (CAPACITY + 1) * (layers + picture + origin + wide) + picture < 16 * 2**20
    assert 2 * prepared < 5 * 2**20


def test_unseen_parts_come_from_the_panorama() -> None:
    """After a turn by the width of the view, the new keyframe is what the panorama has there."""
    kept = keeper()
    _, state = walked(kept, kept.begin(PICTURE, HOME), arrived(Pose(yaw=MICRO.fov)))
    assert strain_between(state.current.pose, Pose(yaw=MICRO.fov)) < 1.0
    panorama, look = Panorama(MICRO), Look(state.current.pose.yaw, 0.0)
    nothing = panorama.wide_ahead(state.home, 0.0, Look(math.pi, 0.0))
    wanted = panorama.picture(panorama.imagined(nothing, state.home, 0.0, look))
    made = state.current.layers.picture[:, 40:].astype(np.int16)
    mirrored = state.home[:, ::-1]
    difference, to_mirrored = (float(np.abs(made - other[:, 40:]).mean()) for other in (wanted, mirrored))
    assert difference < min(12.0, 0.5 * to_mirrored)  # it takes on the light of what is known


def test_around_a_keyframe_is_what_others_show_there() -> None:
    """After a turn, home is beyond its left edge; and the picture itself is in the middle."""
    config = ModelConfig(height=64, width=128)
    kept, view = KeyframeKeeper(config, FlatSeer(config), LayerRenderer(config)), WideView(config)
    home = np.random.default_rng(4).integers(60, 200, (16, 32, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    _, state = walked(kept, kept.begin(home, HOME), arrived(Pose(yaw=math.radians(14.0))))
    wide = state.current.layers.wide
    np.testing.assert_array_equal(wide[view.inner], layer_sized(state.current.layers.picture))
    shown = Panorama(config).wide_ahead(home, 0.0, Look(state.current.pose.yaw, 0.0))
    known = cv2.erode(shown.mask, np.ones((9, 15), dtype=np.uint8)) > 0.0
    known[:, view.across.inner.start :] = False
    assert int(known.sum()) > 100
    assert float(np.abs(wide.astype(np.int16) - shown.picture)[known].mean()) < 6.0


def far_aside(frames: int) -> list[Pose]:
    """Steps of 0.3 m along what is seen, which grows no larger by that."""
    return [Pose(x=0.3 * n, yaw=0.1) for n in range(1, frames)]


def ahead(metres: float, yaw: float = 0.0) -> list[Pose]:
    """Steps of 0.1 m towards the wall."""
    return [Pose(z=0.1 * n, yaw=yaw) for n in range(1, round(10 * metres) + 1)]


@pytest.mark.parametrize(("walk", "homes"), [(far_aside(120), 3), (ahead(6.0, yaw=0.1), 3)])
def test_home_comes_along_on_a_long_walk_and_before_things_are_blurred(walk: list[Pose], homes: int) -> None:
    """Again and again: in the midst of it the picture is as it was at first."""
    kept = keeper()
    state, found = kept.begin(PICTURE, HOME), {HOME}
    for pose in walk:
        before = state
        _, state = kept.frame(state, pose)
        if state.home_pose not in found:
            found.add(state.home_pose)
            assert state.home_pose == replace(state.current.pose, yaw=0.0)
            assert state.previous is not None
            shown = state.current.layers.picture.astype(np.int16)
            seen = Panorama(MICRO).ahead(state.home, 0.0, Look(0.1, 0.0))
            known = cv2.erode(seen.mask, np.ones((9, 89), dtype=np.uint8)) > 0.0
            assert float(np.abs(shown - seen.picture)[known].mean()) < 2.0
            assert before.order is not None
    assert len(found) == homes


def test_whoever_only_looks_around_stays_where_home_is() -> None:
    """However large things have become there."""
    kept = keeper()
    walk = ahead(1.2)
    _, state = walked(kept, kept.begin(PICTURE, HOME), [*walk, *arrived(walk[-1])])
    assert state.home_pose == HOME
    assert state.current.origin.enlargement > 1.4
    turned = [replace(walk[-1], yaw=turn.yaw) for turn in turning(math.pi, 90)]
    _, state = walked(kept, state, turned)
    assert state.home_pose == HOME
    assert len(state.remembered) > 8


def test_what_was_seen_before_home_came_along_is_there_on_return() -> None:
    kept, walk = keeper(), ahead(3.0)
    begun = kept.begin(PICTURE, HOME)
    _, away = walked(kept, begun, walk)
    assert away.home_pose != HOME
    pictures, back = walked(kept, away, [*walk[::-1], *arrived(HOME)])
    assert back.home_pose == HOME
    assert int(np.abs(pictures[-1].astype(np.int16) - PICTURE).max()) <= 2


def test_who_returns_from_far_away_is_at_home_again() -> None:
    """Long after what was seen there was forgotten."""
    kept, walk = keeper(), ahead(30.0)
    _, away = walked(kept, kept.begin(PICTURE, HOME), walk)
    assert HOME in away.homes
    assert all(old.pose.z > 1.0 for old in away.remembered)
    pictures, back = walked(kept, away, [*walk[::-1], *arrived(HOME)])
    assert back.home_pose == HOME
    assert HOME not in back.homes
    assert int(np.abs(pictures[-1].astype(np.int16) - PICTURE).max()) <= 2


def test_a_home_that_is_passed_by_is_as_high_as_the_walker_is_now() -> None:
    kept = keeper()
    _, state = walked(kept, kept.begin(PICTURE, HOME), ahead(30.0))
    near = Pose(x=0.5, y=-0.4, z=0.3, yaw=0.2)
    _, state = walked(kept, state, arrived(near))
    assert (state.current.pose.x, state.current.pose.z) == (0.0, 0.0)
    assert state.current.pose.y == pytest.approx(-0.4, abs=0.01)
    assert state.current.pose.yaw == pytest.approx(0.2, abs=0.01)


def test_few_former_places_of_home_are_remembered() -> None:
    kept = keeper()
    many = tuple(Pose(x=float(100 * n)) for n in range(1, HOMES + 1))
    _, state = walked(kept, replace(kept.begin(PICTURE, HOME), homes=many), ahead(20.0))
    assert len(state.homes) == HOMES
    assert HOME in state.homes
    assert many[0] not in state.homes


def test_what_was_seen_before_home_came_along_fills_no_gaps_after_it() -> None:
    """It lies elsewhere, so that it would not fit."""
    kept = keeper()
    _, state = walked(kept, kept.begin(PICTURE, HOME), ahead(3.0))
    assert state.home_pose != HOME
    state = replace(state, order=Order(replace(state.current.pose, yaw=0.6), state.frame))
    alone = replace(state, remembered=tuple(old for old in state.remembered if old.home == state.home_pose))
    mixed = replace(state, remembered=tuple(replace(old, home=state.home_pose) for old in state.remembered))
    made, wanted, wrong = (kept.made(each).layers for each in (state, alone, mixed))
    np.testing.assert_array_equal(made.picture, wanted.picture)
    np.testing.assert_array_equal(made.wide, wanted.wide)
    assert not np.array_equal(wrong.wide, wanted.wide)


def test_strain_is_one_at_the_reach() -> None:
    for reached in (Pose(x=1.0), Pose(yaw=math.radians(12.0)), Pose(slope=0.2)):
        assert strain_between(HOME, reached) == pytest.approx(1.0)
    assert strain_between(replace(HOME, yaw=3.1), replace(HOME, yaw=-3.1)) < 0.5
