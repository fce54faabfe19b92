"""Faults of a fleet while it is in use: a server is killed, the proxy is killed, the database is away."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import pytest

from tests.own_postgres import own_postgres
from tests.trials.fleet_harness import MODEL, SEED, START_S, fleet, play_on, playing
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    import httpx
    import psutil

    from tests.own_postgres import OwnPostgres
    from tests.play.harness import PlayClient
    from tests.trials.fleet_harness import Fleet, Json

pytestmark = [
    pytest.mark.trial,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("fleet"),
    pytest.mark.skipif(sys.platform == "win32", reason="servers share a folder by POSIX locks"),
]
_PLACES: Final = 3  # on each server
_NO_CLOSE_FRAME: Final = 1006  # the connection broke
_SCRIPTED: Final = 150  # passes of a job: some seconds on any machine
_PASSES: Final = 300  # of four frames at 60 frames/s: some 20 s, after which a silent server would be taken for gone


@pytest.fixture(scope="module")
def database() -> Generator[OwnPostgres]:
    with own_postgres() as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fleet")


@pytest.fixture(scope="module")
def running(database: OwnPostgres, folder: Path) -> Generator[Fleet]:
    with fleet(folder, database.url, "--max-sessions", str(_PLACES)) as servers:
        yield servers


@pytest.fixture
def servers(running: Fleet) -> Fleet:
    """Two, whole and with nobody on them: what one test breaks has to be whole for the next one."""

    def is_whole() -> bool:
        told: Json = running.ask("GET", "/api/sessions").json()
        return told["sessions"] == [] and told["max_sessions"] == 2 * _PLACES

    wait_until(is_whole, "both servers are there, with nobody on them", seconds=START_S)
    return running


def test_a_server_is_killed_with_three_sessions_on_it(servers: Fleet) -> None:
    with ExitStack() as stack:
        players = [stack.enter_context(servers.direct_player()) for _ in range(2 * _PLACES)]
        with servers.socket("&follows=ws") as waiting:
            waiting.init(SEED, model=MODEL)
            assert waiting.of_type("progress", step="waiting_for_place")["in_line"] == 1
        servers.replicas()[0].kill()
        wait_until(lambda: sum(player.has_ended for player in players) >= _PLACES, "who played there is told at once")
        ended = [player for player in players if player.has_ended]
        assert {player.close_code for player in ended} == {_NO_CLOSE_FRAME}
        with servers.direct_player() as newcomer:
            assert newcomer.address not in {player.address for player in players}, "the places of a new server"
            play_on([newcomer, *(player for player in players if player not in ended)])


def test_the_proxy_is_killed(servers: Fleet) -> None:
    with servers.direct_player() as first, servers.direct_player() as second:
        before, dead = servers.listed(2), servers.proxy()
        dead.kill()
        wait_until(lambda: not dead.is_running(), "the proxy is gone")
        play_on([first, second])
        wait_until(servers.answers, "there is a new proxy", seconds=START_S)
        with servers.direct_player() as newcomer:
            assert before.items() <= servers.listed(3).items(), "of those who play directly, nobody has noticed"
            play_on([first, second, newcomer])


def test_a_job_of_a_killed_server_is_made_by_another_once(servers: Fleet, folder: Path) -> None:
    seed: str = servers.ask("POST", "/api/seeds", content=SEED).json()["hash"]
    script = {"format": "terrarium.script", "version": 1, "start": {"kind": "seed", "hash": seed}, "model": MODEL}
    request = {"script": {**script, "steps": [{"keys": ["W"], "hold": _SCRIPTED}], "keep": ["world"]}}

    def submitted() -> str:
        return servers.ask("POST", "/api/jobs", json={"kind": "scripted_run", "request": request}).json()["id"]

    def told(job: str) -> Json:
        return servers.ask("GET", f"/api/jobs/{job}").json()

    def made(job: str) -> Json:
        wait_until(lambda: told(job)["ended_at"] is not None, "it has come to its end", seconds=START_S)
        return told(job)

    job = submitted()
    wait_until(lambda: told(job)["stage"] == "playing", "a server plays the script")
    worker(servers, folder, job).kill()
    after_death = made(job)
    assert (after_death["state"], after_death["fault"], after_death["attempt"]) == ("done", None, 2)
    events = servers.ask("GET", f"/api/jobs/{job}/events").json()["events"]
    assert [event["data"]["state"] for event in events if event["event"] == "state"].count("done") == 1
    assert [len(logs_with(folder, what, job)) for what in ("A job began", "A job ended")] == [2, 1]
    undisturbed = made(submitted())
    assert after_death["result"]["digest"] == undisturbed["result"]["digest"]


def test_postgresql_is_away_while_people_play(servers: Fleet, database: OwnPostgres, folder: Path) -> None:
    with ExitStack() as stack:
        client = stack.enter_context(servers.client())
        world = saved_world(client)
        keeper = stack.enter_context(playing(client))
        players = [stack.enter_context(servers.direct_player()) for _ in range(2)]
        players.append(stack.enter_context(playing(stack.enter_context(servers.client()))))
        before, processes, taken_for_gone = servers.listed(4), pids(servers), times_taken_for_gone(folder)

        def asked_for_a_film() -> httpx.Response:
            return servers.ask("POST", "/api/jobs", json={"kind": "replay_film", "request": {"world_id": world}})

        database.stop()
        try:
            play_on(players, _PASSES // 2)
            asked = [asked_for_a_film(), servers.ask("GET", "/api/jobs")]
            assert [(answer.status_code, answer.json()["code"]) for answer in asked] == [(503, "jobsUnavailable")] * 2
            kept = keeper.stop().reply(client.request("save_world", title="Another walk"))
            assert kept["success"] or kept["error_code"] == "ownersUnavailable", kept
            play_on(players, _PASSES // 2)
            assert servers.ask("GET", "/api/sessions").status_code == 200, "as they knew of each other last"
        finally:
            database.start()
        wait_until(lambda: asked_for_a_film().status_code == 202, "films are made again")
        play_on(players)
        assert servers.listed(4) == before
        assert (pids(servers), times_taken_for_gone(folder)) == (processes, taken_for_gone)


def saved_world(client: PlayClient) -> str:
    client.hold("W")
    return client.reply(client.request("save_world", title="A walk"))["data"]["world_id"]


def worker(servers: Fleet, folder: Path, job: str) -> psutil.Process:
    """The server that has a job in hand: it has its own folder open."""
    (log,) = logs_with(folder, "A job began", job)
    own = str(log.parent.parent)
    return next(
        process for process in servers.replicas() if any(file.path.startswith(own) for file in process.open_files())
    )


def logs_with(folder: Path, what: str, job: str) -> list[Path]:
    """The log of a server, as often as it says something of a job."""
    logs = [(log, log.read_text(encoding="utf-8").splitlines()) for log in folder.rglob("server.log")]
    return [log for log, lines in logs for line in lines if what in line and job in line]


def pids(servers: Fleet) -> set[int]:
    return {process.pid for process in servers.replicas()}


def times_taken_for_gone(folder: Path) -> int:
    logs = (file.read_text(encoding="utf-8") for file in folder.rglob("server.log"))
    return sum(log.count("Another server is gone") for log in logs)
