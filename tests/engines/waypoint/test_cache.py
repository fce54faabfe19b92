"""The rings, slot by slot, against what the published model lets a layer see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("torch", reason="the extra engines is not installed")

import torch

from engines.waypoint.cache import HistoryCache
from engines.waypoint.config import WaypointConfig, parse_config
from tests.engines.waypoint.published import tiny_1, tiny_1_5

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engines.waypoint.cache import Span

LOCAL, GLOBAL = 0, 3  # layers


def config_of(window: int, reach: int, dilation: int) -> WaypointConfig:
    """One token a latent and one number a head, so that a key can be the number of its latent."""
    changes = {"height": 1, "width": 1, "tokens_per_frame": 1, "d_model": 16, "n_heads": 1, "n_kv_heads": 1}
    windows = {"local_window": window, "global_window": reach, "global_pinned_dilation": dilation}
    return parse_config(tiny_1_5(**changes, **windows))


def visible(cache: HistoryCache, layer: int, spans: Sequence[Span], place: int) -> list[int]:
    """The latents that the world at `place` of the step sees, the current one among them."""
    (span,) = (span for span in spans if span.first <= place < span.last)
    ring = (cache.distant if layer == GLOBAL else cache.local)[span.row + place - span.first, 0, 0]
    return sorted(int(slot) for slot in ring[span.start : span.stop, 0, 0, 0])


def stamp(frames: Sequence[int]) -> torch.Tensor:
    return torch.tensor(frames, dtype=torch.float32)[:, None, None, None].expand(-1, 1, 1, 16)


@pytest.mark.parametrize(("window", "reach", "dilation"), [(16, 128, 8), (4, 12, 4), (1, 4, 4), (3, 5, 1)])
def test_a_world_sees_what_the_published_model_sees(window: int, reach: int, dilation: int) -> None:
    """For three turns of every ring, by three worlds of different ages, one of which sits a row apart."""
    cache = HistoryCache(config_of(window, reach, dilation), 5, torch.float32, torch.device("cpu"))
    rows, ages = [0, 1, 4], [0, 2, reach + 3]
    for age in range(max(ages)):  # the oldest walks ahead alone
        write(cache, [4], [age])
        if age < 2:
            write(cache, [1], [age])
    for at in range(3 * reach + 2 * dilation):
        frames = [age + at for age in ages]
        write(cache, rows, frames)
        plan = cache.plan(rows, frames)
        for place, f in enumerate(frames):
            kept = range(0, f, dilation)
            oldest = f - reach if f % dilation == 0 else dilation * (f // dilation) - reach
            assert visible(cache, LOCAL, plan.local, place) == list(range(max(0, f - window + 1), f + 1))
            assert visible(cache, GLOBAL, plan.distant, place) == [p for p in kept if p > oldest] + [f]


def write(cache: HistoryCache, rows: Sequence[int], frames: Sequence[int]) -> None:
    """A pass whose latents leave something else than the one that counts, as the denoising passes do, and that one."""
    for values in ([-1] * len(frames), frames):
        for layer in (LOCAL, GLOBAL):
            cache.write(layer, cache.slots(rows, frames), stamp(values), stamp(values))


def test_neighbours_that_see_the_same_slots_share_a_call() -> None:
    cache = HistoryCache(config_of(4, 12, 4), 8, torch.bfloat16, torch.device("meta"))
    plan = cache.plan([0, 1, 2, 5, 6], [20, 33, 34, 35, 37])
    assert [(span.first, span.last, span.row) for span in plan.local] == [(0, 3, 0), (3, 5, 5)]
    assert [(span.first, span.last, span.start) for span in plan.distant] == [(0, 1, 1), (1, 3, 0), (3, 5, 0)]


def test_the_last_pass_ends_where_nothing_more_would_stay() -> None:
    cache = HistoryCache(config_of(4, 12, 4), 2, torch.bfloat16, torch.device("meta"))
    assert cache.plan([0], [3]).last_layer == 6
    assert cache.plan([0], [4]).last_layer == 7
    assert cache.plan([0, 1], [3, 4]).last_layer == 7


def test_plans_recur_once_the_rings_are_full() -> None:
    cache = HistoryCache(config_of(4, 12, 4), 1, torch.bfloat16, torch.device("meta"))
    plans = [cache.plan([0], [frame]) for frame in range(60)]
    assert not any(plan.recurs for plan in plans[:12])
    assert len({*plans[12:]}) == 2


FULL_WINDOWS = {"local_window": 16, "global_window": 128, "global_pinned_dilation": 8}


def test_a_world_of_1_5_takes_less_than_816_mib_at_720p_and_204_at_360p() -> None:
    """As many bytes as are visible at once, in bf16; the original allocates 2160 and 540 MiB."""
    sizes = {"d_model": 2048, "n_layers": 24, "n_heads": 32, "n_kv_heads": 16, **FULL_WINDOWS}
    large = parse_config(tiny_1_5(height=16, width=32, tokens_per_frame=512, **sizes))
    small = parse_config(tiny_1_5(height=8, width=16, tokens_per_frame=128, **sizes))
    assert [mebibytes(one) for one in (large, small)] == [780, 195]


def test_a_world_of_1_takes_less_than_468_mib() -> None:
    sizes = {"d_model": 2560, "n_layers": 22, "n_heads": 40, "n_kv_heads": 20, "prompt_embedding_dim": 2048}
    assert mebibytes(parse_config(tiny_1(height=16, width=16, tokens_per_frame=256, **sizes, **FULL_WINDOWS))) == 447.5


def mebibytes(config: WaypointConfig) -> float:
    return HistoryCache(config, 1, torch.bfloat16, torch.device("meta")).nbytes / (1 << 20)
