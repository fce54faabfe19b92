"""Keeps the keyframes of a walk: draws each frame from the current one, and decides when another takes its place.

A keyframe is taken apart into soft layers once, by a network; the frames around it are drawn from those. For each
metre or twelve degrees the next keyframe is made of what is seen there: the layers so far, the keyframes that are
remembered where those show nothing, and what the panorama imagines where nobody has looked. Its colours come from the
picture that showed them first (`world_model.origins`). A short dissolve hides the change.

To make a keyframe takes longer than a frame. So it is *ordered* some frames ahead, for where the walk will have led by
then, and taken up at a frame that was settled with the order. All of it is decided by the poses alone, so the same walk
has the same frames, whenever and on whichever thread its keyframes are made.

A landscape goes on much as it begins. So whoever has walked far from home, the picture that the world began with, takes
it along: the next keyframe shows home around the walker, before too much is made up of what was made up, or too little
is left of a picture that is enlarged with every step. What was seen on the way there stays where it was seen. Where
home was is remembered long after those keyframes are forgotten: whoever comes by there again is at home again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import cv2
import numpy as np

from world_model.layer_renderer import LayerRenderer
from world_model.layers import FINE, layer_sized, picture_sized
from world_model.motion_step import PITCH_LIMIT
from world_model.origins import drawn_patch, followed, joined, own_origin, parted
from world_model.panorama import Look, Panorama, turn_between
from world_model.pose import Pose, relative_pose_between
from world_model.prepared_layers import PreparedLayers
from world_model.wide_view import WideView

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from world_model.certainty import Seer
    from world_model.config import ModelConfig
    from world_model.layer_renderer import WideFrame
    from world_model.layers import Floats, Layers, Mask
    from world_model.origins import Origin, Patch

Bytes = np.ndarray[Any, np.dtype[np.uint8]]

CAPACITY: Final = 11  # keyframes that are remembered besides the current one
DISSOLVE: Final = 8  # frames
LEAD: Final = 8  # frames from the order of a keyframe to its taking up, so that a dissolve has ended by then
_REACH_M: Final = 1.0
_REACH_TURN: Final = math.radians(12.0)
_REACH_SLOPE: Final = 0.2
_FAR_OUT: Final = 2.0  # strain from which a dissolve is cut short: the old keyframe shows too little
_AS_NEAR: Final = 0.5  # strain up to which a remembered keyframe is taken again
_MUCH_FARTHER: Final = 0.5  # strain more than that of a remembered keyframe; so much that they do not take turns
_HELPFUL_TURN: Final = math.radians(60.0)  # a remembered keyframe that looks farther aside shows nothing of the view
_HELPFUL_M: Final = 8.0
_HELPERS: Final = 3
HOME: Final = 0  # slot of the picture that the world began with, which is never forgotten
_HOME_REACH_M: Final = 15.0  # from where on there is more made up than seen
HOMES: Final = 64  # former places of home that are remembered
_MOST_ENLARGED: Final = 1.4  # times, of a keyframe's picture, beyond which home is taken along: the rest is blur
_NEWEST: Final = 0.4  # share of the newest frame in the pace by which a walk is foreseen
_FORESEEN_M: Final = 1.3  # farthest from the player that a keyframe is ordered for; running takes that long
_FORESEEN_TURN: Final = math.radians(30.0)
_FORESEEN_SLOPE: Final = 0.3


@dataclass(frozen=True, slots=True)
class Keyframe:
    layers: Layers
    pose: Pose
    slot: int  # no other keyframe that is kept has it
    origin: Origin
    home: Pose  # where home was taken along to, before this was seen


@dataclass(frozen=True, slots=True)
class Order:
    """A keyframe that is to be made. The current and the remembered keyframes stay what they are meanwhile."""

    pose: Pose  # that it is made for
    due: int  # number of the frame at which it is taken up


@dataclass(frozen=True, slots=True)
class KeyframeState:
    """Everything that the next frame depends on, besides the network and the pose. Nothing in it is written again."""

    home: Bytes  # [FINE * h, FINE * w, 3], the picture that the world began with
    current: Keyframe
    previous: Keyframe | None  # what a dissolve comes from, one of the remembered ones
    dissolved: int  # frames of the dissolve that were shown
    remembered: tuple[Keyframe, ...]  # oldest first
    frame: int  # number of the next frame
    pose: Pose  # of the last frame
    pace: Pose  # how much of each a frame changes, lately
    order: Order | None = None
    homes: tuple[Pose, ...] = ()  # where home was before it was where it is now; oldest first, `HOMES` at most
    prepared: tuple[PreparedLayers, ...] = ()  # of what the last frame was drawn from; what is missing is made anew

    @property
    def home_pose(self) -> Pose:
        """Where home is now."""
        return self.current.home


class _Seen(NamedTuple):
    """What is known of a new keyframe."""

    patch: Patch  # of the size of its picture
    around: Patch  # of the size of its wide picture
    hints: Patch  # the same, and what was imagined there before


class KeyframeKeeper:
    """Has no state but the network; any number of threads may call."""

    def __init__(self, config: ModelConfig, seer: Seer, renderer: LayerRenderer) -> None:
        """`renderer` draws what is shown, of any size."""
        self._seer, self._renderer, self._config = seer, renderer, config
        self._tracer = LayerRenderer(config, FINE * config.height)
        self._wide_tracer = LayerRenderer(config, wide=True)
        self._panorama, self._view = Panorama(config), WideView(config)

    def begin(self, picture: Bytes, pose: Pose) -> KeyframeState:
        """Stand in `picture`, uint8 [h, w, 3] of the model's size, or better of `FINE` times that."""
        height, width = self._config.height, self._config.width
        if picture.shape[0] == height:
            picture = picture_sized(picture)
        origin = own_origin(HOME, height, width)
        look = Look(0.0, pose.slope)
        known = self._panorama.wide_ahead(picture, pose.slope, look)
        imagined = self._panorama.imagined(known, picture, pose.slope, look)
        wide = self._view.around(layer_sized(picture), imagined.wide)
        current = Keyframe(replace(self._seer.see(picture, pose.slope), wide=wide), pose, HOME, origin, pose)
        return KeyframeState(picture, current, None, 0, (), 0, pose, Pose())

    def frame(
        self,
        state: KeyframeState,
        pose: Pose,
        made: Callable[[KeyframeState], Keyframe] | None = None,
        *,
        above: float = 0.0,
    ) -> tuple[Bytes, KeyframeState]:
        """What is seen from `above` metres over `pose`, uint8 [h, w, 3], and the state after it.

        `above` is of a jump, or below 0 of a crouch. Keyframes are made for `pose` itself all the same, from which the
        ground is as far below as ever.
        `made` gives the keyframe that a state has ordered, at the frame at which it is due; by default it is made then.
        """
        state = replace(state, pose=pose, pace=_pace(state, pose))
        state = self._ordered(self._recalled(self._taken_up(state, made or self.made)))
        shown = [self.prepared(state, one) for one in (state.current, state.previous) if one is not None]
        state = replace(state, frame=state.frame + 1, prepared=tuple(shown))
        eye = replace(pose, y=pose.y + above)
        picture = self._draw(state.current, shown[0], eye)
        if state.previous is None:
            return picture, state
        share = (state.dissolved + 1) / (DISSOLVE + 1)
        before = self._draw(state.previous, shown[1], eye)
        blended: Bytes = np.asarray(cv2.addWeighted(picture, share, before, 1.0 - share, 0.0), dtype=np.uint8)
        if state.dissolved + 1 == DISSOLVE:
            return blended, replace(state, previous=None, dissolved=0)
        return blended, replace(state, dissolved=state.dissolved + 1)

    def prepared(self, state: KeyframeState, keyframe: Keyframe) -> PreparedLayers:
        """A keyframe as it is drawn from: the state has those of the last frame."""
        kept = (one for one in state.prepared if one.layers is keyframe.layers)
        return next(kept, None) or PreparedLayers.of(self._config, keyframe.layers)

    def made(self, state: KeyframeState) -> Keyframe:
        """The keyframe that the state has ordered, of what is seen from there.

        Raises:
            ValueError: nothing is ordered.
        """
        if state.order is None:
            raise ValueError("No keyframe is ordered.")
        pose, kept = state.order.pose, (*state.remembered, state.current)
        slot = min(set(range(1, CAPACITY + 3)) - {old.slot for old in kept})
        pictures = {HOME: state.home} | {old.slot: old.layers.picture for old in kept}
        at_home = _is_former_home(state, pose) or _leaves_home(state, pose)
        seen = self._home_from(state, pose) if at_home else self._seen(state, pose, pictures)
        patch, wide = self._completed(state, pose, seen)
        layers = self._seer.see(patch.picture, pose.slope, doubt=state.current.layers.doubt)
        home = replace(pose, yaw=state.home_pose.yaw, slope=state.home_pose.slope) if at_home else state.home_pose
        return Keyframe(replace(layers, wide=wide), pose, slot, patch.origin(slot), home)

    def _taken_up(self, state: KeyframeState, made: Callable[[KeyframeState], Keyframe]) -> KeyframeState:
        """The state with the keyframe that is due now, unless the walk has gone elsewhere."""
        if state.order is None or state.frame < state.order.due:
            return state
        following = made(state)
        state = replace(state, order=None)
        if strain_between(following.pose, state.pose) >= strain_between(state.current.pose, state.pose):
            return state
        return _changed_to(following, state)

    def _recalled(self, state: KeyframeState) -> KeyframeState:
        """The state with a keyframe that is remembered from here, where the current one is too far away, or much
        farther: who comes back to a place sees again what is known of it."""
        near = _nearest(state.remembered, state.pose)
        if near is None:
            return state
        strain, of_near = (strain_between(one.pose, state.pose) for one in (state.current, near))
        is_too_far = strain > (1.0 if state.previous is None else _FAR_OUT) and of_near <= _AS_NEAR
        is_much_farther = state.previous is None and strain - of_near >= _MUCH_FARTHER
        return replace(_changed_to(near, state), order=None) if is_too_far or is_much_farther else state

    def _ordered(self, state: KeyframeState) -> KeyframeState:
        """The state with an order, where the walk leads beyond the reach of what there is."""
        if state.order is not None:
            return state
        ahead = foreseen(state.pose, state.pace)
        if strain_between(state.current.pose, ahead) <= 1.0:
            return state
        near = _nearest(state.remembered, ahead)
        if near is not None and strain_between(near.pose, ahead) <= _AS_NEAR:
            return state
        return replace(state, order=Order(_by_a_former_home(state, ahead), state.frame + LEAD))

    def _seen(self, state: KeyframeState, pose: Pose, pictures: Mapping[int, Bytes]) -> _Seen:
        """What the current and the remembered keyframes show."""
        current = self.prepared(state, state.current)
        patch = self._seen_from(state.current, current, pose, pictures)
        shown = self._shown_around(state.current, current, pose)
        around = _wide_patch(shown.picture, shown.mask)
        for old in _helpers(state, pose):
            ready = self.prepared(state, old)
            if not patch.complete:
                patch = joined(patch, self._seen_from(old, ready, pose, pictures, patch.missing))
            other = self._shown_around(old, ready, pose, around.missing)
            around = joined(around, _wide_patch(other.picture, other.mask))
        # What was imagined around the current keyframe was shown, so the same should be imagined again.
        return _Seen(patch, around, joined(around, _wide_patch(shown.picture, shown.wide_mask)))

    def _home_from(self, state: KeyframeState, pose: Pose) -> _Seen:
        """What is seen where home was taken along."""
        look = Look(turn_between(state.home_pose.yaw, pose.yaw), pose.slope)
        around = self._panorama.wide_ahead(state.home, state.home_pose.slope, look)
        return _Seen(self._panorama.ahead(state.home, state.home_pose.slope, look), around, around)

    def _completed(self, state: KeyframeState, pose: Pose, seen: _Seen) -> tuple[Patch, Bytes]:
        """The picture of a new keyframe, and its wide picture: seen, remembered, imagined."""
        look = Look(turn_between(state.home_pose.yaw, pose.yaw), pose.slope)
        imagined = self._panorama.imagined(seen.hints, state.home, state.home_pose.slope, look)
        patch = seen.patch
        if not patch.complete:
            picture = self._panorama.picture(imagined)
            patch = joined(parted(patch, picture), drawn_patch(picture))
        wide = joined(seen.around, drawn_patch(imagined.wide)).picture
        return patch, self._view.around(layer_sized(patch.picture), wide)

    def _seen_from(
        self,
        keyframe: Keyframe,
        prepared: PreparedLayers,
        pose: Pose,
        pictures: Mapping[int, Bytes],
        wanted: Mask | None = None,
    ) -> Patch:
        frame = self._tracer.trace(prepared, relative_pose_between(keyframe.pose, pose), wanted)
        return followed(frame, keyframe.origin, pictures)

    def _shown_around(
        self, keyframe: Keyframe, prepared: PreparedLayers, pose: Pose, wanted: Mask | None = None
    ) -> WideFrame:
        return self._wide_tracer.around(prepared, relative_pose_between(keyframe.pose, pose), wanted)

    def _draw(self, keyframe: Keyframe, prepared: PreparedLayers, pose: Pose) -> Bytes:
        return self._renderer.render(prepared, relative_pose_between(keyframe.pose, pose))


def strain_between(before: Pose, after: Pose) -> float:
    """How far a pose is from a keyframe's, relative to a keyframe's reach: at most 1 within it."""
    return max(
        math.dist((before.x, before.y, before.z), (after.x, after.y, after.z)) / _REACH_M,
        abs(turn_between(before.yaw, after.yaw)) / _REACH_TURN,
        abs(after.slope - before.slope) / _REACH_SLOPE,
    )


def foreseen(pose: Pose, pace: Pose) -> Pose:
    """Where the walk will have led when a keyframe that is ordered now is taken up."""
    metres = LEAD * math.hypot(pace.x, pace.y, pace.z)
    frames = LEAD * min(1.0, _FORESEEN_M / metres) if metres else 0.0
    slope = pose.slope + _within(LEAD * pace.slope, _FORESEEN_SLOPE)
    return Pose(
        x=pose.x + frames * pace.x,
        y=pose.y + frames * pace.y,
        z=pose.z + frames * pace.z,
        yaw=math.remainder(pose.yaw + _within(LEAD * pace.yaw, _FORESEEN_TURN), 2.0 * math.pi),
        slope=_within(slope, math.tan(PITCH_LIMIT)),
    )


def _wide_patch(picture: Bytes, mask: Floats) -> Patch:
    return replace(drawn_patch(picture), mask=mask)


def _pace(state: KeyframeState, pose: Pose) -> Pose:
    """How much of each a frame changes, with the one that leads to `pose`; the newest frames count most."""
    last, pace = state.pose, state.pace

    def mixed(newest: float, before: float) -> float:
        return before + _NEWEST * (newest - before)

    return Pose(
        x=mixed(pose.x - last.x, pace.x),
        y=mixed(pose.y - last.y, pace.y),
        z=mixed(pose.z - last.z, pace.z),
        yaw=mixed(turn_between(last.yaw, pose.yaw), pace.yaw),
        slope=mixed(pose.slope - last.slope, pace.slope),
    )


def _changed_to(following: Keyframe, state: KeyframeState) -> KeyframeState:
    """The state at the beginning of the dissolve to another keyframe."""
    others = tuple(old for old in state.remembered if old is not following)
    kept = _least_useful_forgotten((*others, state.current), following, state.pose)
    homes = state.homes
    if following.home != state.home_pose:
        homes = (*(home for home in homes if not _same_place(home, following.home)), state.home_pose)[-HOMES:]
    return replace(state, current=kept[-1], previous=kept[-2], dissolved=0, remembered=kept[:-1], homes=homes)


def _leaves_home(state: KeyframeState, pose: Pose) -> bool:
    """Whether a keyframe there shows home anew, which comes along, and not what the current one shows."""
    if _distance(state.home_pose, pose) > _HOME_REACH_M:
        return True
    walks_on = _distance(state.current.pose, pose) > 0.5 * _REACH_M  # who only looks around sees the same things
    return walks_on and state.current.origin.enlargement > _MOST_ENLARGED


def _by_a_former_home(state: KeyframeState, pose: Pose) -> Pose:
    """A pose moved to where home once was, if that is within reach and home is not nearer now.

    Its look and its height stay: how high a walker stands is known less well than where.
    """
    nearest = min((state.home_pose, *state.homes), key=lambda home: _distance(home, replace(pose, y=home.y)))
    if nearest is state.home_pose or _distance(nearest, replace(pose, y=nearest.y)) > _REACH_M:
        return pose
    return replace(pose, x=nearest.x, z=nearest.z)


def _is_former_home(state: KeyframeState, pose: Pose) -> bool:
    return any(_same_place(home, pose) for home in state.homes)


def _same_place(a: Pose, b: Pose) -> bool:
    """Whatever the heights."""
    return (a.x, a.z) == (b.x, b.z)


def _nearest(remembered: tuple[Keyframe, ...], pose: Pose) -> Keyframe | None:
    return min(remembered, key=lambda old: strain_between(old.pose, pose), default=None)


def _helpers(state: KeyframeState, pose: Pose) -> list[Keyframe]:
    """The remembered keyframes that may show what the current one does not, the nearest first."""
    near = [
        old
        for old in state.remembered
        if old.home == state.home_pose  # what was seen before home came along lies elsewhere
        and abs(turn_between(old.pose.yaw, pose.yaw)) < _HELPFUL_TURN
        and _distance(old.pose, pose) < _HELPFUL_M
    ]
    return sorted(near, key=lambda old: strain_between(old.pose, pose))[:_HELPERS]


def _least_useful_forgotten(remembered: tuple[Keyframe, ...], current: Keyframe, pose: Pose) -> tuple[Keyframe, ...]:
    """At most `CAPACITY` remembered keyframes, and the current one as the last.

    The farthest place is the least likely to be seen again from here; of equals the oldest is forgotten.
    """
    if len(remembered) <= CAPACITY:
        return (*remembered, current)
    farthest = max(range(len(remembered) - 1), key=lambda n: (_distance(remembered[n].pose, pose), -n))
    gone = remembered[farthest].slot
    kept = (*remembered[:farthest], *remembered[farthest + 1 :], current)
    if gone == HOME:
        return kept
    return tuple(replace(old, origin=old.origin.rebased(gone, old.slot)) for old in kept)


def _distance(a: Pose, b: Pose) -> float:
    return math.dist((a.x, a.y, a.z), (b.x, b.y, b.z))


def _within(value: float, limit: float) -> float:
    return max(-limit, min(limit, value))
