"""Where a newcomer plays."""

from __future__ import annotations

from handlers.places.admission import Asking, Load, ranked, seated


def names(groups: list[list[Load]]) -> list[list[str]]:
    return [[load.server for load in group] for group in groups]


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


def test_the_line_is_served_in_order_as_far_as_there_is_room() -> None:
    loads = [Load("north", 3, 4, frozenset({"a"})), Load("east", 2, 4), Load("full", 4, 4, frozenset({"b"}))]
    line = [Asking("first", "a"), Asking("second"), Asking("third", "b"), Asking("fourth"), Asking("fifth", "a")]
    assert seated(line, loads) == {"first": "north", "second": "east", "third": "east"}
    assert list(seated(line, loads)) == ["first", "second", "third"]
    assert seated(line, [Load("full", 4, 4)]) == {}
    assert seated([], loads) == {} == seated(line, [])


def test_a_model_that_somebody_will_load_draws_those_who_want_it_too() -> None:
    line = [Asking("first", "a"), Asking("second", "a")]
    assert seated(line, [Load("north", 0, 4), Load("east", 0, 4)]) == {"first": "north", "second": "north"}
