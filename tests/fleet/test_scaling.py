"""How many servers are needed for those who play and who wait."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fleet.scaling import scaling_stats, servers_needed
from handlers.sessions_handler import OwnPlay


@pytest.mark.parametrize(
    ("wanted", "needed"),
    [([0, 0], 1), ([2, 0], 1), ([2, 1], 2), ([4, 1], 2), ([4, 4], 3), ([4, 30], 13)],
)
def test_servers_come_before_the_last_place_is_taken_and_for_those_who_wait(wanted: list[float], needed: int) -> None:
    told = {"wanted": dict(zip("ab", wanted, strict=True)), "places": {"a": 4.0, "b": 4.0}}
    context = SimpleNamespace(aggregated_metrics=told, target_num_replicas=7)
    assert servers_needed(context) == (needed, {})


def test_nothing_changes_before_a_server_has_told_anything() -> None:
    assert servers_needed(SimpleNamespace(aggregated_metrics={}, target_num_replicas=7)) == (7, {})


def test_a_server_tells_of_those_who_play_and_those_who_wait_there() -> None:
    assert scaling_stats(OwnPlay(4, ()), waiting=3) == {"wanted": 3, "places": 4}
