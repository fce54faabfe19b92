"""The path: what led to a moment, through branches, within bounds."""

from __future__ import annotations

from concurrent.futures import Future

import numpy as np
import pytest

from error_types import DomainError
from handlers.session.path import Checkpoint, KeptMoment, MomentShelf, PathSegment, RewindTrack, WorldPath
from handlers.session.world import CopiedScene, copy_path
from services.input_log.columns import InputColumns, PassInput
from services.world_engine.world_engine import ControlPayload, Picture, WorldSnapshot
from services.world_files.world_file import Prompted


def scene(number: int = 0) -> Picture:
    return np.full((2, 2, 3), number, dtype=np.uint8)


def snapshot(number: int, size: int = 4) -> WorldSnapshot:
    return WorldSnapshot("fake/world", "f00d", number.to_bytes(size, "little"))


def given(number: int) -> PassInput:
    return PassInput(ControlPayload(frozenset({number % 5}), float(number), 0.0), float(number), 0.0)


def world_path(max_passes: int = 1000, max_base_bytes: int | None = None) -> WorldPath:
    return WorldPath(PathSegment(None, 0, scene()), max_passes, max_base_bytes)


def bases(played: WorldPath) -> list[int]:
    """After how many passes the world is kept, where it is."""
    return [segment.passes_before for segment, _ in played.moment.path() if segment.base is not None]


def play(played: WorldPath, *numbers: int) -> None:
    for number in numbers:
        if played.stepped(given(number)):
            digest: Future[str] = Future()
            digest.set_result(f"{number:064x}")
            played.checked(digest)
        if played.base_due:
            played.rebase(snapshot(played.passes))


def told(played: WorldPath) -> list[int]:
    return [round(passed.ts) for passed in copy_path(played.moment).inputs]


def test_columns_keep_the_very_numbers() -> None:
    columns, other = InputColumns(), InputColumns()
    inputs = [PassInput(ControlPayload(frozenset({n, 9}), 0.1 + n, -1 / 3), n / 7, 1e-300) for n in range(20)]
    for one in inputs:
        columns.append(one)
    other.append(inputs[7])
    other.extend(columns, 0, 15)
    assert list(other) == [inputs[7], *inputs[:15]]
    assert (len(other), other[3]) == (16, inputs[2])


def test_a_return_leaves_out_what_came_after() -> None:
    played = world_path()
    play(played, 1, 2, 3)
    moment = played.moment
    play(played, 4, 5)
    later = played.moment
    played.branch(moment)
    play(played, 6)
    assert (told(played), played.passes) == ([1, 2, 3, 6], 4)
    played.branch(later)
    play(played, 7)
    assert told(played) == [1, 2, 3, 4, 5, 7]
    assert [round(passed.ts) for passed in copy_path(moment).inputs] == [1, 2, 3]


def test_a_thousand_returns_stay_cheap() -> None:
    played = world_path()
    play(played, 1)
    for number in range(1000):
        moment = played.moment
        play(played, 900)
        played.branch(moment)
        play(played, number)
    assert told(played) == [1, *range(1000)]
    assert len(played.moment.path()) < 100


def test_checks_follow_the_path() -> None:
    played = world_path()
    play(played, *range(1, 101))
    moment = played.moment
    play(played, *range(101, 150))
    assert [at for at, _ in copy_path(played.moment).checks] == [64, 128]
    played.branch(moment)
    assert [at for at, _ in copy_path(played.moment).checks] == [64]
    play(played, *range(201, 229))
    assert [(at, int(done.result(), 16)) for at, done in copy_path(played.moment).checks] == [(64, 64), (128, 228)]


def test_another_scene_is_part_of_the_path() -> None:
    played = world_path()
    before = played.moment
    play(played, 1)
    played.continued_from(scene(7), snapshot(1), "make it night")
    play(played, 2)
    path = copy_path(played.moment)
    (change,) = path.changes
    assert isinstance(change, CopiedScene)
    assert (change.passes, change.scene[0, 0, 0], change.prompt) == (1, 7, "make it night")
    assert played.scene[0, 0, 0] == 7
    played.branch(before)
    assert played.scene[0, 0, 0] == 0
    assert copy_path(played.moment).changes == ()


def test_words_are_part_of_the_path_and_go_with_a_return() -> None:
    played = world_path()
    play(played, 1)
    before = played.moment
    played.reworded("fog", snapshot(1))
    played.reworded("rain", snapshot(1))  # no pass was played in the fog
    play(played, 2)
    under_rain = played.moment
    played.continued_from(scene(7), snapshot(2))
    played.reworded("", snapshot(2))
    play(played, 3)
    changes = copy_path(played.moment).changes
    assert [change.words for change in changes if isinstance(change, Prompted)] == ["rain", ""]
    assert [change.passes for change in changes] == [1, 2, 2]
    assert played.words == ""
    played.branch(under_rain)
    play(played, 4)
    assert played.words == "rain"
    assert copy_path(played.moment).changes == (Prompted(1, "rain"),)
    played.branch(before)
    assert played.words == ""
    assert copy_path(played.moment).changes == ()


def test_a_path_that_has_forgotten_its_beginning_says_the_words_again() -> None:
    """They may have been said in the part that is gone."""
    played = world_path(max_passes=100)
    play(played, 1)
    played.reworded("rain", snapshot(1))
    play(played, *range(2, 500))
    path = copy_path(played.moment)
    assert path.changes == (Prompted(path.first_pass, "rain"),)
    assert path.first_pass > 1


def test_beyond_its_bound_a_journal_begins_at_a_checkpoint() -> None:
    played = world_path(max_passes=100)
    play(played, *range(1, 1001))
    path = copy_path(played.moment)
    assert 50 <= len(path.inputs) <= 150
    assert path.base is not None
    assert path.base == snapshot(path.first_pass)
    assert (path.first_pass + len(path.inputs), played.passes) == (1000, 1000)
    assert told(played) == list(range(path.first_pass + 1, 1001))


def test_what_was_forgotten_can_still_be_returned_to() -> None:
    """A kept moment holds on to its own path."""
    played = world_path(max_passes=100)
    play(played, *range(1, 31))
    moment = played.moment
    play(played, *range(31, 500))
    played.branch(moment)
    play(played, 777)
    assert told(played) == [*range(1, 31), 777]


def test_scenes_are_bounded_too() -> None:
    played = world_path()
    for number in range(100):
        play(played, number)
        played.continued_from(scene(number), snapshot(number))
    path = copy_path(played.moment)
    assert len(path.changes) <= 16
    assert path.base is not None
    assert path.first_pass + len(path.inputs) == 100


def test_prompts_are_bounded_as_scenes_are() -> None:
    played = world_path()
    for number in range(100):
        play(played, number)
        played.reworded(f"word {number}", snapshot(number))
        played.branch(played.moment)  # which makes the chain longer
    path = copy_path(played.moment)
    assert len(path.changes) <= 17  # with the words at the beginning
    assert path.base is not None
    assert played.words == "word 99"
    assert path.first_pass + len(path.inputs) == 100


# ---------------------------------------------------------------------------------------------------- rewind


def checkpoint(at_s: float, size: int = 4) -> Checkpoint:
    return Checkpoint(at_s, snapshot(round(at_s), size), world_path().moment)


def test_rewind_goes_back_by_at_least_what_was_asked_or_to_the_oldest() -> None:
    track = RewindTrack(10_000)
    for at_s in range(60):
        assert track.due(at_s)
        track.add(checkpoint(at_s))
        assert not track.due(at_s + 0.5)
    assert track.left_s(59.5) == pytest.approx(31.5)
    assert track.back(59.5, 5).at_s == 54
    assert track.back(54.0, 5).at_s == 49
    assert track.back(49.0, 60).at_s == 28
    with pytest.raises(DomainError):
        track.back(28.0, 5)


def test_large_checkpoints_are_further_apart_and_reach_as_far_back() -> None:
    """Those of a large model are hundreds of megabytes; a tenth of a minute's worth has room here."""
    track, taken = RewindTrack(6000), list[float]()
    for at_s in range(60):
        if track.due(at_s):
            track.add(checkpoint(at_s, 1000))
            taken.append(at_s)
    assert taken == list(range(0, 60, 5))
    assert track.left_s(59.0) == 29.0


def test_a_checkpoint_without_room_for_another_is_still_renewed() -> None:
    track, taken = RewindTrack(6000), list[float]()
    for at_s in range(60):
        if track.due(at_s):
            track.add(checkpoint(at_s, 50_000))
            taken.append(at_s)
    assert taken == [0, 15, 30, 45]
    assert track.back(59.0, 30).at_s == 45


def test_rewinding_is_bounded_by_memory_oldest_first() -> None:
    track = RewindTrack(5000)
    for at_s in range(20):
        track.add(checkpoint(at_s, 1000))
    assert track.left_s(19.0) == 4.0
    track.add(checkpoint(20, 9000))
    assert track.left_s(20.0) == 0.0


def test_a_world_that_was_not_played_cannot_be_rewound() -> None:
    with pytest.raises(DomainError, match="nothing to rewind"):
        RewindTrack(100).back(0.0, 1)


def test_kept_moments_are_bounded_by_memory_oldest_first() -> None:
    shelf = MomentShelf(10, 5000)
    ids = [shelf.keep(KeptMoment(snapshot(n, 1000), b"x" * 500, world_path().moment, None)) for n in range(5)]
    assert shelf.ids() == tuple(ids[2:])
    huge = shelf.keep(KeptMoment(snapshot(1, 9000), b"", world_path().moment, scene()))
    assert shelf.ids() == (huge,)


def test_the_states_on_a_path_are_bounded_and_the_path_is_whole() -> None:
    played = world_path(max_base_bytes=300)
    for number in range(12):
        play(played, *range(10 * number, 10 * number + 10))
        played.continued_from(scene(number + 1), snapshot(number, 100))
    assert len(bases(played)) == 3
    assert bases(played)[-1] == 120  # the newest, to go on from
    assert bases(played)[0] <= 60  # and one in the older half
    assert told(played) == list(range(120))
    assert len(copy_path(played.moment).changes) == 12


def test_a_long_path_with_large_states_still_keeps_half_of_its_passes() -> None:
    played = world_path(max_passes=40, max_base_bytes=1)
    for number in range(400):
        play(played, number)
        if number % 50 == 7:
            played.continued_from(scene(number % 200), snapshot(number, 100))
        kept = told(played)
        assert kept == list(range(number + 1 - len(kept), number + 1))
        assert min(number + 1, 20) <= len(kept) <= 100
        assert len(bases(played)) <= 3
