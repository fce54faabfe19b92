"""A rolling update while people play: a new server comes for each, and the others go when their players have."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import pytest
from terrarium_client import sync

from tests.play.harness import session_config
from tests.postgres import emptied_postgres_url
from tests.trials.fleet_harness import MODEL, SEED, START_S, fleet, play_on, playing
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from terrarium_client.passes import Picture

    from tests.play.harness import PlayClient
    from tests.trials.fleet_harness import Fleet

pytestmark = [
    pytest.mark.trial,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("fleet"),
    pytest.mark.skipif(sys.platform == "win32", reason="servers share a folder by POSIX locks"),
]


PLACES: Final = 3  # on each server


def test_nobody_is_cut_off_by_a_rolling_update(tmp_path: Path) -> None:
    """The time that they have is longer than anything here waits."""
    with (
        fleet(tmp_path, emptied_postgres_url(), "--max-sessions", str(PLACES), "--drain-s", "3600") as servers,
        ExitStack() as stack,
    ):
        players = [stack.enter_context(servers.direct_player()) for _ in range(2)]
        client = stack.enter_context(servers.client())
        job = asked_for_a_film(servers, client)
        players.append(stack.enter_context(playing(client)))
        before, old = servers.listed(3), set(servers.replicas())
        assert len(set(before.values())) == 2, "somebody plays on each"

        servers.update()
        wait_until(lambda: len(set(servers.replicas()) - old) == 2, "a new server comes for each", seconds=START_S)
        wait_until(lambda: places(servers) == 2 * PLACES, "only the new ones have places to give", seconds=START_S)
        players.append(stack.enter_context(servers.direct_player()))
        found = servers.listed(4)
        assert before.items() <= found.items(), "everybody plays on where they played"
        assert not set(before.values()) >= set(found.values()), "a newcomer plays on a new server"
        play_on(players)

        for player in players:
            player.stop().socket.close()
        wait_until(lambda: not old & set(servers.replicas()), "they go after their last players", seconds=START_S)
        wait_until(lambda: state_of(servers, job) == "done", "the film was made", seconds=START_S)

        last = stack.enter_context(servers.direct_player())
        servers.stop()
        wait_until(lambda: last.has_ended, "with the whole fleet everybody's time is over", seconds=START_S)
        assert (last.close_code, last.close_reason) == (1001, "shuttingDown")


def test_whoever_plays_on_until_their_time_is_over_goes_on_at_a_new_server(tmp_path: Path) -> None:
    with fleet(tmp_path, emptied_postgres_url(), "--replicas", "1") as servers, sync.connect(servers.url) as world:
        walk(world, 3)
        moved, (old,) = servers.sent_on(), servers.replicas()
        with servers.socket(f"&ticket={moved['ticket']}", moved["address"]) as direct, servers.socket() as proxied:
            tokens = [client.start(SEED, model=MODEL)["resume_token"] for client in (direct, proxied)]
            with playing(direct) as one, playing(proxied) as other:
                wait_until(lambda: len(passes_copied(tmp_path / "shared")) == 2, "their worlds are copied")
                servers.update()
                wait_until(lambda: one.has_ended and other.has_ended, "their time is over", seconds=START_S)
        assert {(each.close_code, each.close_reason) for each in (one, other)} == {(1001, "shuttingDown")}
        for token in tokens:
            moved = servers.sent_on(resume_token=token)
            with servers.socket(f"&ticket={moved['ticket']}", moved["address"]) as client:
                answer = client.reply(client.request("init", config=session_config(), resume_token=token))
                assert answer["data"]["resumed"]["is_copy"]
                client.hold("W")
        assert old not in servers.replicas()
        seen = world.step("W").picture
        with sync.connect(servers.url) as undisturbed:
            assert (seen == walk(undisturbed, 4)).all(), "the Python client has gone on there by itself"


def walk(world: sync.World, steps: int) -> Picture:
    """What is seen after so many steps of a new world."""
    world.init(SEED, model=MODEL, rng_seed=7)
    return [world.step("W").picture for _ in range(steps)][-1]


def asked_for_a_film(servers: Fleet, client: PlayClient) -> str:
    client.hold("W")
    world = client.reply(client.request("save_world", title="A walk"))["data"]["world_id"]
    asked = servers.ask("POST", "/api/jobs", json={"kind": "replay_film", "request": {"world_id": world}})
    return asked.json()["id"]


def places(servers: Fleet) -> int:
    return servers.ask("GET", "/api/sessions").json()["max_sessions"]


def state_of(servers: Fleet, job: str) -> str:
    return servers.ask("GET", f"/api/jobs/{job}").json()["state"]


def passes_copied(shared: Path) -> list[int]:
    """Of the worlds that have been copied in play."""
    found = (json.loads(facts.read_bytes())["passes"] for facts in shared.glob("copies/*/facts.json"))
    return [passes for passes in found if passes]
