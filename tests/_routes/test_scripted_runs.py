"""Scripts as jobs over REST: film, world and log come out, the same each time; play has precedence."""

from __future__ import annotations

import io
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from zipfile import ZipFile

from services.world_files.archive import read_world
from services.world_files.directory_world_store import DirectoryWorldStore
from state.app_state_types import EngineKey
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_world_engine import FakeWorldEngine
from tests.job_client import ended, job_of, submit
from tests.play.harness import PlayServer, fake_services, picture, play_server
from tests.replay.scripts import script, start_of
from tests.services.world_files.samples import pack, sample_world
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.play.harness import Json

ENGINE: Final = EngineKey("fake/world", "none")
BAD: Final[tuple[tuple[Json, str], ...]] = (
    ({"steps": []}, "invalidRequest"),
    ({"steps": [{"keys": ["WARP"]}]}, "invalidRequest"),
    ({"steps": [{"mouse": [float("nan"), 0]}]}, "invalidRequest"),
    ({"steps": [{"hold": 0}]}, "invalidRequest"),
    ({"steps": [{"jump": True}]}, "invalidRequest"),
    ({"version": 2}, "invalidRequest"),
    ({"start": {"kind": "file", "path": "/etc/passwd"}}, "invalidRequest"),
    ({"steps": [{"hold": 10_000}] * 100}, "scriptTooLong"),
    ({"steps": [{"prompt": "fog"}] * 17}, "scriptTooLong"),
    ({"steps": [{"hold": 2001}], "keep": ["frames"]}, "scriptTooLong"),
    ({"steps": [{"prompt": "fog"}]}, "promptNotHeard"),
    ({"model": "fake/none"}, "unknownModel"),
    ({"quant": "int1"}, "unsupportedQuant"),
    ({"start": {"kind": "seed", "hash": "0" * 64}}, "seedUnknown"),
    ({"start": {"kind": "world", "id": "nowhere"}}, "worldUnknown"),
)


@contextmanager
def script_server(folder: Path, *models: FakeModel, **config: Any) -> Generator[tuple[PlayServer, str]]:
    """With the hash of a picture in its gallery."""
    store = DirectoryWorldStore(folder / "worlds", 10)
    services = fake_services(*models, world_store=store, recordings_dir=folder / "recordings")
    with play_server(services, data_dir=folder, **config) as server:
        yield server, server.http.post("/api/seeds", content=picture(90)).json()["hash"]


def played(server: PlayServer, said: Json) -> Json:
    job = ended(server.http, submit(server.http, "scripted_run", script=said)["id"])
    assert job["state"] == "done", job
    return job


def file_of(server: PlayServer, job: Json, role: str) -> bytes:
    return server.http.get(f"/api/jobs/{job['id']}/file", params={"role": role}).raise_for_status().content


def refused(server: PlayServer, said: Json) -> tuple[int, str]:
    answer = server.http.post("/api/jobs", json={"kind": "scripted_run", "request": {"script": said}})
    return answer.status_code, answer.json()["code"]


def test_a_script_gives_a_film_a_world_and_a_log(tmp_path: Path) -> None:
    with script_server(tmp_path) as (server, seed):
        job = played(server, script(start_of(seed), title="A walk"))
        assert [file["role"] for file in job["files"]] == ["film", "world", "log"]
        assert [file["media_type"] for file in job["files"]] == ["video/mp4", "application/zip", "application/x-ndjson"]
        assert (job["result"]["title"], job["result"]["passes"], job["result"]["frames"]) == ("A walk", 7, 14)
        world = read_world(io.BytesIO(file_of(server, job, "world")))
        assert (world.title, world.rng_seed, len(world.inputs)) == ("A walk", 7, 7)
        assert [sorted(given.control.buttons) for given in world.inputs] == [[0x57]] * 4 + [[0x10, 0x57]] * 3
        assert [given.control.mouse_dx for given in world.inputs] == [0.0] * 4 + [2.5] * 3
        kinds = [json.loads(line)["type"] for line in file_of(server, job, "log").splitlines()]
        assert kinds == ["session_start", *["frame_input"] * 7, "session_end"]
        assert job["request"]["script"]["passes"] == 7
        assert "steps" not in job["request"]["script"], "they may be thousands"


def test_the_same_script_gives_the_same_frames_and_another_chance_gives_others(tmp_path: Path) -> None:
    with script_server(tmp_path) as (server, seed):
        digests = [played(server, script(start_of(seed), rng_seed=chance))["result"]["digest"] for chance in (7, 7, 8)]
        assert digests[0] == digests[1] != digests[2]


def test_frames_come_in_one_file_with_the_actions(tmp_path: Path) -> None:
    with script_server(tmp_path) as (server, seed):
        job = played(server, script(start_of(seed), keep=["frames"]))
        packed = ZipFile(io.BytesIO(file_of(server, job, "frames")))
        names = packed.namelist()
        assert len([name for name in names if name.startswith("frames/")]) == 1 + 14
        rows = [json.loads(line) for line in packed.read("actions.jsonl").splitlines()]
        assert [row["buttons"] for row in rows[1:3]] == [["W"]] * 2
        assert {file.name for file in (tmp_path / "jobs" / job["id"]).iterdir()} == {"frames.zip"}


def test_what_a_script_has_made_can_be_gone_on_from_also_at_an_earlier_moment(tmp_path: Path) -> None:
    with script_server(tmp_path) as (server, seed):
        first = played(server, script(start_of(seed)))
        saved = server.http.post("/api/worlds", content=file_of(server, first, "world")).json()["id"]
        on = played(server, script({"kind": "world", "id": saved}))
        assert read_world(io.BytesIO(file_of(server, on, "world"))).place.passes == 14
        # The last three passes of the first script once more: the same frames.
        again = {"kind": "world", "id": saved, "passes": 4}
        steps = [{"keys": ["W", "SHIFT"], "mouse": [2.5, 0], "hold": 3}]
        world = read_world(io.BytesIO(file_of(server, played(server, script(again, steps=steps)), "world")))
        before = read_world(io.BytesIO(file_of(server, first, "world")))
        assert world.base is not None
        assert (world.base.passes, world.place.snapshot.state) == (4, before.place.snapshot.state)
        assert world.place_picture == before.place_picture
        beyond = script({"kind": "world", "id": saved, "passes": 8})
        assert refused(server, beyond) == (404, "momentUnknown")
        assert refused(server, script({"kind": "world", "id": saved}, model="fake/other")) == (409, "worldOtherModel")


def test_a_world_of_other_weights_fails_with_a_sentence(tmp_path: Path) -> None:
    """Weights are known once the engine is loaded."""
    with script_server(tmp_path, FakeModel(make_engine=lambda name: FakeWorldEngine(name, weights_hash="beef"))) as (
        server,
        _,
    ):
        saved = server.http.post("/api/worlds", content=pack(sample_world())).json()["id"]
        said = script({"kind": "world", "id": saved})
        job = ended(server.http, submit(server.http, "scripted_run", script=said)["id"])
        assert (job["state"], job["fault"]["code"]) == ("failed", "worldOtherModel")
        assert "other weights" in job["fault"]["message"]


def test_bad_scripts_are_refused_by_name(tmp_path: Path) -> None:
    with script_server(tmp_path) as (server, seed):
        for change, code in BAD:
            body = json.dumps({"kind": "scripted_run", "request": {"script": {**script(start_of(seed)), **change}}})
            answer = server.http.post("/api/jobs", content=body, headers={"content-type": "application/json"})
            assert (answer.json()["code"], answer.status_code < 500) == (code, True), change
            assert answer.json()["message"].endswith(".")
        answer = server.http.post("/api/jobs", content=b" " * 2_000_000)
        assert (answer.status_code, answer.json()["code"]) == (413, "messageTooLarge")
        assert server.http.get("/api/jobs").json()["jobs"] == []


def test_words_steer_the_world_from_their_step_on(tmp_path: Path) -> None:
    model = FakeModel(make_engine=lambda name: FakeWorldEngine(name, hears_words=True), takes_words=True)
    with script_server(tmp_path, model) as (server, seed):
        steps = [{"hold": 2}, {"hold": 2, "prompt": "fog"}, {"prompt": ""}]
        world = read_world(io.BytesIO(file_of(server, played(server, script(start_of(seed), steps=steps)), "world")))
        assert [(change.passes, getattr(change, "words", None)) for change in world.changes] == [(2, "fog"), (4, "")]


def test_a_script_gives_way_to_whoever_comes_to_play_and_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    model = FakeModel()
    with script_server(tmp_path, model) as (server, seed):
        said = script(start_of(seed), steps=[{"keys": ["W"], "hold": 40}])
        undisturbed = played(server, said)["result"]["digest"]
        engine = model.engines[0]
        engine.hold()
        job = submit(server.http, "scripted_run", script=said)["id"]
        engine.wait_until_held()
        with server.client(extended=True) as client:
            client.init(picture(3))
            wait_until(lambda: server.handler.engines.is_wanted(ENGINE), "somebody wants to play")
            engine.release()
            wait_until(lambda: job_of(server.http, job)["stage"] == "waiting_for_play", "the script gives way")
            assert job_of(server.http, job)["state"] == "running"
        done = ended(server.http, job)
        assert (done["state"], done["result"]["digest"]) == ("done", undisturbed)
        assert len(engine.worlds) >= 4, "its world was put aside, and opened again"
        wait_until(lambda: engine.open_worlds == 0, "every world is closed")


def test_a_script_that_is_cancelled_leaves_no_world_and_no_files(tmp_path: Path) -> None:
    model = FakeModel()
    with script_server(tmp_path, model) as (server, seed):
        played(server, script(start_of(seed)))
        engine = model.engines[0]
        engine.hold()
        job = submit(server.http, "scripted_run", script=script(start_of(seed)))["id"]
        engine.wait_until_held()
        server.http.post(f"/api/jobs/{job}/cancel")
        engine.release()
        assert ended(server.http, job)["state"] == "cancelled"
        wait_until(lambda: engine.open_worlds == 0, "its world is closed")
        assert not (tmp_path / "jobs" / job).exists()


def test_an_engine_that_fails_fails_the_script_alone(tmp_path: Path) -> None:
    model = FakeModel()
    with script_server(tmp_path, model) as (server, seed):
        played(server, script(start_of(seed)))
        model.engines[0].fail_next(1)
        job = ended(server.http, submit(server.http, "scripted_run", script=script(start_of(seed)))["id"])
        assert job["state"] == "failed"
        assert model.engines[0].open_worlds == 0
        played(server, script(start_of(seed)))


def test_whoever_plays_another_engine_gets_the_device_and_the_script_has_it_back_later(tmp_path: Path) -> None:
    lake, hill = FakeModel("fake/lake", placement="device"), FakeModel("fake/hill", placement="device")
    with script_server(tmp_path, lake, hill) as (server, seed):
        said = script(start_of(seed), model="fake/lake", steps=[{"keys": ["W"], "hold": 40}])
        undisturbed = played(server, said)["result"]["digest"]
        lake.engines[0].hold()
        job = submit(server.http, "scripted_run", script=said)["id"]
        lake.engines[0].wait_until_held()
        with server.client(extended=True) as client:
            init = client.init(picture(3), model="fake/hill")
            wait_until(lambda: server.handler.engines.is_wanted(EngineKey("fake/lake", "none")), "it is wanted")
            lake.engines[0].release()
            assert client.reply(init)["success"]
            wait_until(lambda: job_of(server.http, job)["stage"] == "waiting_for_play", "the script waits")
            assert lake.engines[0].is_closed, "only one engine is on the device at a time"
        done = ended(server.http, job)
        assert (done["state"], done["result"]["digest"]) == ("done", undisturbed)
        assert len(lake.engines) == 2
