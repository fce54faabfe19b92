"""Models in memory over REST: loaded ahead of play, unloaded, and measured by a benchmark."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from state.app_state_types import EngineKey, EngineReady, EngineUnloaded
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_device import FakeDevice
from tests.fakes.fake_engine_measurements import FakeEngineMeasurements
from tests.fakes.fake_world_engine import FakeWorldEngine
from tests.job_client import ended, job_of, submit
from tests.play.harness import Json, PlayServer, fake_services, play_server
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

LAKE, POND = "fake/lake", "fake/pond"


class Place:
    """A server with a pond on the CPU, and a lake that needs 12 GiB of the device."""

    def __init__(self, server: PlayServer, pond: FakeModel, measurements: FakeEngineMeasurements) -> None:
        self.server = server
        self.http = server.http
        self.pond = pond
        self.measurements = measurements

    def state(self, model: str) -> object:
        return self.server.handler.engines.of(EngineKey(model, "none"))

    def listed(self, model: str) -> Json:
        return next(each for each in self.http.get("/api/library").json()["models"] if each["id"] == model)


@contextmanager
def place(folder: Path, *, vram: float = 20, step_s: float = 0.0) -> Generator[Place]:
    device, measurements = FakeDevice(vram=vram), FakeEngineMeasurements()

    def make(model_id: str) -> FakeWorldEngine:
        return FakeWorldEngine(model_id, step_s=step_s)

    pond = FakeModel(POND, make_engine=make)
    lake = device.engine(LAKE, vram=12)
    services = fake_services(pond, lake, system_monitor=device, engine_measurements=measurements)
    with play_server(services, data_dir=folder) as server:
        yield Place(server, pond, measurements)


# ---------------------------------------------------------------------------------------------------- load, unload


def test_a_model_is_loaded_and_unloaded_by_its_owner(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        assert here.http.put(f"/api/loaded-models/{LAKE}", json={}).status_code == 202
        wait_until(lambda: isinstance(here.state(LAKE), EngineReady), "it was loaded")
        lake = here.listed(LAKE)
        assert (lake["state"]["kind"], lake["fit"]) == ("loaded", {"kind": "fits", "reason": None})
        assert lake["measured"] == {"ram_bytes": 0, "vram_bytes": 12 << 30, "fps": None}
        assert lake["needs"]["vram_bytes"] == 12 << 30
        assert here.http.delete(f"/api/loaded-models/{LAKE}").status_code == 202
        wait_until(lambda: here.state(LAKE) == EngineUnloaded(), "it was unloaded")


def test_a_model_that_does_not_fit_is_loaded_only_anyway(tmp_path: Path) -> None:
    with place(tmp_path, vram=8) as here:
        refused = here.http.put(f"/api/loaded-models/{LAKE}", json={"quant": "none"})
        assert (refused.status_code, refused.json()["code"]) == (409, "modelDoesNotFit")
        assert "It needs 12.0 GiB of GPU memory." in refused.json()["message"]
        assert here.listed(LAKE)["fit"]["kind"] == "does_not_fit"
        assert here.http.put(f"/api/loaded-models/{LAKE}", json={"anyway": True}).status_code == 202
        wait_until(lambda: "8.0 GiB free" in str(here.state(LAKE)), "it was tried, and failed for real")


@pytest.mark.parametrize(
    ("method", "model", "body", "status", "code"),
    [
        ("PUT", "fake/sea", {}, 404, "unknownModel"),
        ("DELETE", "fake/sea", None, 404, "unknownModel"),
        ("PUT", "fake/pond", {"quant": "fp8"}, 422, "unsupportedQuant"),
        ("PUT", "fake/pond", {"quantisation": "none"}, 422, "invalidRequest"),
    ],
)
def test_what_cannot_be_loaded_is_told(
    tmp_path: Path, method: str, model: str, body: dict[str, object] | None, status: int, code: str
) -> None:
    with place(tmp_path) as here:
        answer = here.http.request(method, f"/api/loaded-models/{model}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_model_in_play_is_not_unloaded(tmp_path: Path) -> None:
    with place(tmp_path) as here, here.server.client() as client:
        client.start(model=POND)
        answer = here.http.delete(f"/api/loaded-models/{POND}")
        assert (answer.status_code, answer.json()["code"]) == (409, "modelInUse")


# ------------------------------------------------------------------------------------------------------- benchmark


def test_a_benchmark_says_how_fast_a_model_is_here(tmp_path: Path) -> None:
    """A fake engine makes 2 frames in 2 ms at least: 1000 frames a second at most."""
    with place(tmp_path, step_s=0.002) as here:
        job = ended(here.http, submit(here.http, "benchmark", model=POND)["id"])
        assert (job["state"], job["stage"]) == ("done", "playing")
        assert 0 < job["result"]["fps"] <= 1000
        assert 2 <= job["result"]["step_p50_ms"] <= job["result"]["step_p95_ms"]
        (kept,) = here.measurements.kept.values()
        assert kept.pace is not None
        assert kept.pace.fps == job["result"]["fps"]
        assert here.pond.engines[0].open_worlds == 0
        assert here.listed(POND)["measured"] == {"ram_bytes": 0, "vram_bytes": 0, "fps": kept.pace.fps}


def test_a_benchmark_waits_while_somebody_plays(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        with here.server.client() as client:
            client.start(model=POND)
            job = submit(here.http, "benchmark", model=POND)["id"]
            wait_until(lambda: job_of(here.http, job)["stage"] == "waiting", "it waits")
            client.hold("W")
            assert here.pond.engines[0].open_worlds == 1
        assert ended(here.http, job)["state"] == "done"


def test_whoever_comes_to_play_interrupts_a_benchmark(tmp_path: Path) -> None:
    with place(tmp_path, step_s=0.02) as here:  # it would play for 5 s
        job = submit(here.http, "benchmark", model=POND)["id"]
        wait_until(lambda: job_of(here.http, job)["stage"] == "playing", "the benchmark plays")
        with here.server.client() as client:
            client.start(model=POND)
            wait_until(lambda: job_of(here.http, job)["stage"] == "waiting", "it gave way")
            client.hold("W")
            here.http.post(f"/api/jobs/{job}/cancel")
            assert ended(here.http, job)["state"] == "cancelled"
            client.hold("W")
        wait_until(lambda: here.pond.engines[0].open_worlds == 0, "every world is closed")


def test_a_benchmark_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        body = {"kind": "benchmark", "request": {"model": "fake/sea"}}
        answer = here.http.post("/api/jobs", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknownModel")
