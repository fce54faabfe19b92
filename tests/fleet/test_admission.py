"""Where a newcomer plays."""

from __future__ import annotations

from fleet.admission import Load, ranked


def names(groups: list[list[Load]]) -> list[list[str]]:
    return [[load.replica for load in group] for group in groups]


def test_most_room_comes_first_and_the_full_come_last() -> None:
    loads = [Load("full", 4, 4), Load("half", 2, 4), Load("over", 5, 4), Load("empty", 0, 4), Load("other half", 6, 8)]
    assert names(ranked(loads)) == [["empty"], ["half", "other half"], ["full", "over"]]
    assert ranked([]) == []


def test_a_model_in_memory_is_worth_more_than_room() -> None:
    loads = [
        Load("empty", 0, 4),
        Load("has it", 3, 4, frozenset({"a", "b"})),
        Load("has it and room", 1, 4, frozenset({"a"})),
        Load("full", 4, 4, frozenset({"a"})),
    ]
    assert names(ranked(loads, "a")) == [["has it and room"], ["has it"], ["empty"], ["full"]]
    assert names(ranked(loads, "unknown"))[0] == ["empty"]
