"""The library of models over REST: listed, pulled by jobs, cancelled, removed, and refused where something needs it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime_config.authoring_config import AuthoringConfig
from runtime_config.hub_config import HubConfig
from services.image_classifier.classifier_files import MODEL_ID as CLASSIFIER
from services.image_editor.flux_files import MODEL_ID as PAINTER
from services.model_hub.hugging_face_hub import HuggingFaceHub
from services.model_hub.model_hub import Damaged, HubFault, ModelHubError, OnDisk, Partly
from services.prompt_writer.writer_files import MODEL_ID as WRITER
from services.video_pipeline.ltx_files import MODEL_ID as FILMS
from services.video_pipeline.ltx_files import UPSCALER_ID as UPSCALER
from services.world_engine.depth.depth_anything_files import REPOSITORY as DEPTH_REPOSITORY
from services.world_engine.diorama.constants import STROLL_ID
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_model_hub import FakeModelHub
from tests.hub.models import MODEL, repository, small_model
from tests.hub.stand_in_hub import Hold, Refuse, stand_in_hub
from tests.job_client import ended, job_of, submit
from tests.play.harness import fake_services, picture, play_server
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    from services.model_hub.model_hub import ModelHub
    from tests.play.harness import Json, PlayServer

DEPTH = DEPTH_REPOSITORY.model_id
ID = "play/it"  # of the engine, which is not that of its repository


@contextmanager
def library(hub: ModelHub | None = None, model: FakeModel | None = None, **config: Any) -> Generator[PlayServer]:
    pulled = model or FakeModel(ID, repositories=(repository(),))
    with play_server(fake_services(FakeModel(), pulled, model_hub=hub or FakeModelHub()), **config) as server:
        yield server


def model_of(server: PlayServer, model_id: str = ID) -> Json:
    models = server.http.get("/api/library").raise_for_status().json()["models"]
    return next(model for model in models if model["id"] == model_id)


def state_of(server: PlayServer, model_id: str = ID) -> Json:
    return {name: value for name, value in model_of(server, model_id)["state"].items() if value is not None}


def refused(server: PlayServer, model_id: str = ID) -> tuple[int, str]:
    answer = server.http.delete(f"/api/library/{model_id}")
    assert answer.json()["message"].endswith(".")
    return answer.status_code, answer.json()["code"]


def test_the_library_has_what_can_be_played_and_what_helps() -> None:
    with library() as server:
        told = server.http.get("/api/library").json()
        assert [model["id"] for model in told["models"]] == [
            "fake/world",
            ID,
            CLASSIFIER,
            WRITER,
            PAINTER,
            FILMS,
            UPSCALER,
            DEPTH,
        ]
        assert [model["kind"] for model in told["models"]] == ["engine"] * 2 + ["support"] * 6
        assert [model["built_in"] for model in told["models"]] == [True] + [False] * 7
        assert told["disk_free_bytes"] == 10**12
        pulled = model_of(server)
        assert pulled["pace"] == {"frames_per_pass": 2, "fps": 60, "control_ms": pytest.approx(100 / 3)}
        assert pulled["repositories"] == [
            {"id": MODEL, "revision": "main", "size_bytes": 220_000, "licence": "MIT", "gated": False}
        ]
        assert (state_of(server), state_of(server, "fake/world")) == ({"kind": "absent"}, {"kind": "ready"})
        assert model_of(server, CLASSIFIER)["use"] == "checks the pictures of this server"


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (OnDisk(Path("x"), "c" * 40, 5), {"kind": "ready"}),
        (Partly(3, 5), {"kind": "partial", "done_bytes": 3, "total_bytes": 5}),
        (Damaged("It is cut off."), {"kind": "damaged", "reason": "It is cut off."}),
    ],
)
def test_a_model_is_as_it_lies_on_the_disk(found: Any, state: Json) -> None:
    with library(FakeModelHub(found={MODEL: found})) as server:
        assert state_of(server) == state


def test_a_model_of_two_repositories_is_whole_with_both() -> None:
    hub = FakeModelHub(found={MODEL: OnDisk(Path("x"), "c" * 40, 220_000)})
    other = repository(model_id="owner/vae", size_bytes=1000)
    with library(hub, FakeModel(ID, repositories=(repository(), other))) as server:
        assert state_of(server) == {"kind": "partial", "done_bytes": 220_000, "total_bytes": 221_000}
        job = ended(server.http, submit(server.http, "model", model=ID)["id"])
        assert job["result"]["bytes"] == 221_000
        assert set(job["result"]["revisions"]) == {MODEL, "owner/vae"}
        assert state_of(server) == {"kind": "ready"}


def test_a_model_that_is_pulled_is_played_and_then_not_removed() -> None:
    hub = FakeModelHub()
    with library(hub) as server:
        assert next(each for each in server.http.get("/api/models").json() if each["id"] == ID)["size_bytes"] is None
        assert ended(server.http, submit(server.http, "model", model=ID)["id"])["state"] == "done"
        assert server.http.get(f"/api/model-info/{ID}").json()["size_bytes"] == 220_000
        with server.client() as client:
            client.start(model=ID)
            assert state_of(server) == {"kind": "loaded"}
            assert refused(server) == (409, "modelInUse")
            assert server.http.delete(f"/api/cached-model/{MODEL}").json()["code"] == "modelInUse"
        assert MODEL in hub.found


def test_a_network_that_a_loaded_engine_uses_is_not_removed() -> None:
    hub = FakeModelHub(found={DEPTH: OnDisk(Path("x"), "c" * 40, 99)})
    with library(hub, FakeModel(STROLL_ID)) as server:
        with server.client() as client:
            client.start(model=STROLL_ID)
            assert refused(server, DEPTH) == (409, "modelInUse")
            assert DEPTH in hub.found
        wait_until(lambda: server.http.delete(f"/api/loaded-models/{STROLL_ID}").status_code < 300, "it is unloaded")
        wait_until(lambda: server.http.delete(f"/api/library/{DEPTH}").status_code == 204, "it is removed")
        assert DEPTH not in hub.found


def test_a_model_that_is_being_loaded_is_not_removed() -> None:
    hold = threading.Event()
    model = FakeModel(ID, repositories=(repository(),), hold=hold)
    hub = FakeModelHub(found={MODEL: OnDisk(Path("x"), "c" * 40, 220_000)})
    with library(hub, model) as server, server.client() as client:
        try:
            client.init(picture(200), model=ID)
            assert model.entered.wait(deadline_s())
            assert state_of(server) == {"kind": "loading"}
            assert refused(server) == (409, "modelInUse")
        finally:
            hold.set()


def test_what_is_not_needed_is_removed() -> None:
    hub = FakeModelHub(found={MODEL: OnDisk(Path("x"), "c" * 40, 220_000)})
    with library(hub) as server:
        assert server.http.delete(f"/api/library/{ID}").status_code == 204
        assert state_of(server) == {"kind": "absent"}
        assert server.http.delete(f"/api/library/{ID}").status_code == 204
        assert refused(server, "fake/world") == (409, "modelBuiltIn")
        assert refused(server, "no/such") == (404, "unknownModel")


def test_a_folder_of_ones_own_is_not_removed() -> None:
    hub = FakeModelHub(found={MODEL: OnDisk(Path("mine"), None, 220_000)})
    with library(hub) as server:
        assert model_of(server)["in_place"]
        assert refused(server) == (409, "modelInUse")
        assert MODEL in hub.found


@pytest.mark.parametrize(
    ("model_id", "config"),
    [
        (CLASSIFIER, {}),
        (WRITER, {"authoring": AuthoringConfig(local_writer="cpu")}),
        (PAINTER, {"authoring": AuthoringConfig(local_images="cpu")}),
    ],
)
def test_what_safety_or_scenes_need_is_not_removed(model_id: str, config: Json) -> None:
    with library(FakeModelHub(found={model_id: OnDisk(Path("x"), "c" * 40, 5)}), **config) as server:
        assert model_of(server, model_id)["use"]
        assert refused(server, model_id) == (409, "modelInUse")


def test_the_pull_of_a_helper_is_a_job_as_well() -> None:
    with library() as server:
        assert ended(server.http, submit(server.http, "model", model=CLASSIFIER)["id"])["state"] == "done"
        assert state_of(server, CLASSIFIER) == {"kind": "ready"}


def test_two_pulls_of_one_model_are_one() -> None:
    hub = FakeModelHub(holding=True)
    with library(hub) as server:
        job = submit(server.http, "model", model=ID)
        wait_until(lambda: MODEL in hub.pulling, "the pull began")
        second = server.http.post("/api/jobs", json={"kind": "model", "request": {"model": ID}})
        assert (second.status_code, second.json()["code"]) == (409, "modelInUse")
        assert refused(server) == (409, "modelInUse")
        told = state_of(server)
        assert told == {"kind": "pulling", "job_id": job["id"], "done_bytes": 110_000, "total_bytes": 220_000}
        hub.release()
        assert ended(server.http, job["id"])["state"] == "done"


@pytest.mark.parametrize(
    ("model_id", "status", "code"), [("no/such", 404, "unknownModel"), ("fake/world", 409, "modelBuiltIn")]
)
def test_what_cannot_be_pulled_is_refused_at_once(model_id: str, status: int, code: str) -> None:
    with library() as server:
        answer = server.http.post("/api/jobs", json={"kind": "model", "request": {"model": model_id}})
        assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_pull_that_fails_says_what_to_do_and_can_be_tried_again() -> None:
    hub = FakeModelHub(refusing=ModelHubError(HubFault.NOT_ALLOWED, "It is gated. Accept its terms."))
    with library(hub) as server:
        job = ended(server.http, submit(server.http, "model", model=ID)["id"])
        assert job["fault"] == {"code": "modelAccessNeeded", "message": "It is gated. Accept its terms."}
        hub.refusing = None
        assert server.http.post(f"/api/jobs/{job['id']}/retry").status_code == 202
        assert ended(server.http, job["id"])["state"] == "done"


# ---------------------------------------------------------------------------------------------------- with a real hub


def test_a_cancelled_pull_keeps_its_bytes_and_the_next_goes_on(tmp_path: Path) -> None:
    until = threading.Event()
    with stand_in_hub({MODEL: small_model()}) as there:
        there.faults["transformer/model.safetensors"] = [Hold(100_000, until)]
        hub = HuggingFaceHub(tmp_path, HubConfig(there.base_url), environ={})
        try:
            with library(hub) as server:
                job = submit(server.http, "model", model=ID)["id"]
                wait_until(lambda: (state_of(server).get("done_bytes") or 0) > 100_000, "half of it came")
                amounts = job_of(server.http, job)["amounts"]
                assert (amounts["done_files"], amounts["total_files"]) == (2, 3)
                server.http.post(f"/api/jobs/{job}/cancel")
                assert ended(server.http, job)["state"] == "cancelled"
                assert state_of(server)["kind"] == "partial"
                assert ended(server.http, submit(server.http, "model", model=ID)["id"])["state"] == "done"
                assert state_of(server) == {"kind": "ready"}
        finally:
            until.set()
        ranges = [asked.headers.get("range") for asked in there.kept if "transformer" in asked.path]
        assert ranges == [None, "bytes=100000-"]


def test_a_stop_of_the_server_interrupts_a_pull_that_goes_on(tmp_path: Path) -> None:
    until = threading.Event()
    with stand_in_hub({MODEL: small_model()}) as there:
        there.faults["transformer/model.safetensors"] = [Hold(100_000, until)]
        hub = HuggingFaceHub(tmp_path, HubConfig(there.base_url), environ={})
        try:
            with library(hub) as server:
                submit(server.http, "model", model=ID)
                wait_until(lambda: (state_of(server).get("done_bytes") or 0) > 100_000, "half of it came")
            assert isinstance(hub.find(repository()), Partly)
        finally:
            until.set()


def test_a_hub_that_asks_for_patience_is_told_as_such(tmp_path: Path) -> None:
    with stand_in_hub({MODEL: small_model()}) as there:
        there.always[""] = Refuse(403, {"x-error-code": "GatedRepo"})
        hub = HuggingFaceHub(tmp_path, HubConfig(there.base_url), environ={})
        with library(hub) as server:
            fault = ended(server.http, submit(server.http, "model", model=ID)["id"])["fault"]
            assert fault["code"] == "modelAccessNeeded"
            assert "accept its terms" in fault["message"]


def test_a_changed_address_counts_for_the_next_pull() -> None:
    hub = FakeModelHub()
    with library(hub) as server:
        revision = server.http.get("/api/settings").json()["revision"]
        new = {"hub_endpoint": "https://mirror.example/", "hub_token": "hf_new", "models_dir": "/models"}
        changes = {"changes": new}
        answer = server.http.patch("/api/settings", json=changes, headers={"If-Match": f'"{revision}"'})
        assert answer.status_code == 200, answer.text
        assert hub.used == [(HubConfig("https://mirror.example", "hf_new"), Path("/models"))]
        assert "hf_new" not in answer.text
