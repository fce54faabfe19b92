"""Every REST resource, as a client sees it."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime_config.authoring_config import AuthoringConfig
from services.image_classifier.image_classifier import ClassifierMissing, ClassifierReady
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_image_classifier import FakeImageClassifier
from tests.fakes.fake_seed_store import FakeSeedStore
from tests.fakes.fake_system_monitor import FAKE_USAGE, FakeSystemMonitor
from tests.play.harness import fake_services, picture
from tests.rest_client import rest_client

if TYPE_CHECKING:
    from services.system_monitor.system_monitor import UsagePayload

CLASSIFIER = "Freepik/nsfw_image_detector"
WRITER = "Qwen/Qwen3-VL-4B-Instruct"
PAINTER = "black-forest-labs/FLUX.2-klein-4B"
ENDPOINT = "http://127.0.0.1:1/v1"


def test_health_has_what_a_stock_client_needs() -> None:
    with rest_client() as client:
        health = client.get("/health").json()
    assert (health["status"], health["startup_complete"]) == ("ok", True)
    assert set(health["world_engine"]) == {"loaded", "warmed_up", "has_seed", "parked"}
    assert health["capabilities"] == {
        "backends": ["world_engine"],
        "quants": {"world_engine": ["none"], "quark": []},
    }


def test_health_says_honestly_whether_pictures_are_checked() -> None:
    missing = fake_services(classifier=FakeImageClassifier(status=ClassifierMissing("There is none.")))
    with rest_client(missing) as client:
        safety = client.get("/health").json()["safety"]
        assert (safety["loaded"], safety["policy"]) == (False, "strict")
        assert safety["reason"] == "There is none."
    ready = fake_services(classifier=FakeImageClassifier(status=ClassifierReady("x-1")))
    with rest_client(ready) as client:
        assert client.get("/health").json()["safety"] == {
            "loaded": True,
            "policy": "strict",
            "reason": None,
            "revision": "x-1",
        }


def test_models_are_listed_in_the_order_they_are_offered() -> None:
    services = fake_services(FakeModel("a/first"), FakeModel("a/second"))
    with rest_client(services) as client:
        for path in ("/api/models", "/api/models?backend=world_engine", "/api/models/"):
            listed = client.get(path.rstrip("/")).json()
            assert [model["id"] for model in listed] == ["a/first", "a/second"]
        assert (listed[0]["is_local"], listed[0]["licence"]) == (True, "Apache-2.0")
        assert client.get("/api/models?backend=quark").json() == []
        assert client.get("/health").json()["default_model"] == "a/first"


def test_model_info_is_always_an_answer() -> None:
    with rest_client() as client:
        known = client.get("/api/model-info/fake/world").json()
        assert (known["exists"], known["is_local"], known["error"]) == (True, True, None)
        unknown = client.get("/api/model-info/no/such/thing").json()
        assert (unknown["exists"], unknown["error"]) == (False, "Model not found")


def test_a_cached_model_is_deleted_and_an_absent_one_is_no_error(tmp_path: Path) -> None:
    folder = tmp_path / "models--owner--name"
    folder.mkdir()
    with rest_client(fake_services(cache_dir=tmp_path)) as client:
        assert client.delete("/api/cached-model/owner/name").status_code == 204
        assert not folder.exists()
        assert client.delete("/api/cached-model/owner/name").status_code == 204


@pytest.mark.parametrize("model_id", ["owner/..%2F..", "..%5C..%5Cwindows", "owner/na me", "a/b/c/d"])
def test_no_model_id_leads_out_of_the_cache(tmp_path: Path, model_id: str) -> None:
    keep = tmp_path / "keep"
    keep.mkdir()
    with rest_client(fake_services(cache_dir=tmp_path / "hub")) as client:
        assert client.delete(f"/api/cached-model/{model_id}").status_code in (404, 422)
    assert keep.exists()


def test_a_built_in_model_cannot_be_deleted() -> None:
    with rest_client() as client:
        answer = client.delete("/api/cached-model/fake/world")
        assert (answer.status_code, answer.json()["code"]) == (409, "modelBuiltIn")


@pytest.mark.parametrize(
    ("config", "model_id", "status"),
    [
        ({"seed_safety": "strict"}, CLASSIFIER, 409),
        ({"seed_safety": "strict"}, CLASSIFIER.swapcase(), 409),  # the same folder for Windows and macOS
        ({"seed_safety": "off"}, CLASSIFIER, 204),
        ({"authoring": AuthoringConfig(local_writer="auto")}, WRITER, 409),
        ({"authoring": AuthoringConfig(local_writer="auto", local_writer_folder=Path("mine"))}, WRITER, 204),
        (
            {"authoring": AuthoringConfig(local_writer="auto", writer_endpoint=ENDPOINT, writer_model="some-model")},
            WRITER,
            204,
        ),
        ({"authoring": AuthoringConfig()}, WRITER, 204),
        ({"authoring": AuthoringConfig(local_images="cpu")}, PAINTER, 409),
        ({"authoring": AuthoringConfig(local_images="cpu", local_image_folder=Path("mine"))}, PAINTER, 204),
        (
            {"authoring": AuthoringConfig(local_images="cpu", image_endpoint=ENDPOINT, image_model="some-model")},
            PAINTER,
            204,
        ),
        ({"authoring": AuthoringConfig()}, PAINTER, 204),
    ],
)
def test_a_model_that_the_server_uses_is_not_deleted(
    config: dict[str, Any], model_id: str, status: int, tmp_path: Path
) -> None:
    weights = tmp_path / ("models--" + model_id.replace("/", "--")) / "snapshots" / "1" / "model.safetensors"
    weights.parent.mkdir(parents=True)
    weights.touch()
    with rest_client(fake_services(cache_dir=tmp_path), **config) as client:
        answer = client.delete(f"/api/cached-model/{model_id}")
        assert answer.status_code == status
        assert weights.exists() == (status == 409)
        if status == 409:
            assert answer.json()["code"] == "modelInUse"
            assert answer.json()["message"].endswith("so it is not removed.")


def test_system_info_has_every_field_of_the_contract() -> None:
    with rest_client() as client:
        info = client.get("/api/system-info").json()
    fields = "cpu_name gpu_name vram_total_bytes runtime_version driver_version torch_version gpu_count"
    assert set(info) == {*fields.split(), "world_engine", "quark"}
    assert isinstance(info["torch_version"], str)


def test_metrics_are_prometheus_text_with_one_registry_per_app() -> None:
    with rest_client() as one, rest_client() as two:
        for _ in range(3):
            one.get("/health")
        text = one.get("/metrics").text
        assert 'route="/health"' in text
        assert 'route="/health"' not in two.get("/metrics").text
        one.get("/api/seeds/whatever/image")
        assert "whatever" not in one.get("/metrics").text


def test_metrics_say_what_the_gpu_does_and_ask_it_beside_the_event_loop() -> None:
    asked_on: list[str] = []

    class Monitor(FakeSystemMonitor):
        def usage(self) -> UsagePayload:
            asked_on.append(threading.current_thread().name)
            return super().usage()

    monitor = Monitor()
    with rest_client(fake_services(system_monitor=monitor)) as client:
        assert "gpu" not in "".join(line for line in client.get("/metrics").text.splitlines() if line[0] != "#")
        monitor.current_usage = replace(FAKE_USAGE, vram_used_bytes=3_000_000_000, gpu_util_percent=75)
        text = client.get("/metrics").text
        assert 'terrarium_gpu_memory_used_bytes{gpu="0"} 3e+09' in text
        assert 'terrarium_gpu_utilisation_ratio{gpu="0"} 0.75' in text
    assert asked_on == ["work_0", *["AnyIO worker thread"] * 2], "at the start, and for each look"


def test_shutdown_without_a_process_to_stop_is_a_typed_error() -> None:
    with rest_client() as client:
        assert client.post("/shutdown").json()["code"] == "serviceUnavailable"


def test_shutdown_stops_once() -> None:
    services = fake_services()
    stopped: list[bool] = []
    with rest_client(services) as client:
        client.app.state.handler.server.attach(lambda: stopped.append(True))  # pyright: ignore[reportFunctionMemberAccess, reportUnknownMemberType, reportAttributeAccessIssue] - a FastAPI app behind an ASGI type
        assert client.post("/shutdown").json() == {"status": "shutting_down"}
        assert client.post("/shutdown").json() == {"status": "already_shutting_down"}
    assert stopped == [True]


def test_an_upload_joins_the_gallery_and_can_be_removed() -> None:
    with rest_client(fake_services(seed_store=FakeSeedStore())) as client:
        data = picture(1, 2, 3, width=64, height=36)
        answer = client.post("/api/seeds", params={"title": "  Our\nkitchen "}, content=data)
        assert answer.status_code == 201
        seed = answer.json()
        assert (seed["title"], seed["origin"], seed["width"], seed["height"]) == ("Ourkitchen", "uploaded", 64, 36)
        assert client.get("/api/seeds").json()["seeds"] == [seed]
        assert client.get(seed["image_url"]).content == data
        thumbnail = client.get(seed["thumbnail_url"])
        assert thumbnail.headers["content-type"] == "image/jpeg"
        assert "immutable" in thumbnail.headers["cache-control"]
        assert client.delete(f"/api/seeds/{seed['hash']}").status_code == 204
        assert client.get("/api/seeds").json()["seeds"] == []
        assert client.delete(f"/api/seeds/{seed['hash']}").json()["code"] == "seedUnknown"


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [(b"", 422, "seedEmpty"), (b"text", 422, "seedNotAPicture"), (picture(1)[:70], 422, "seedNotAPicture")],
)
def test_an_upload_that_is_no_picture_is_refused(content: bytes, status: int, code: str) -> None:
    with rest_client() as client:
        answer = client.post("/api/seeds", content=content)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_an_upload_over_the_limit_is_refused() -> None:
    with rest_client(max_upload_bytes=1000) as client:
        answer = client.post("/api/seeds", content=b"\0" * 1001)
        assert (answer.status_code, answer.json()["code"]) == (413, "seedTooLarge")


def test_a_full_disk_is_told_and_changes_nothing() -> None:
    store = FakeSeedStore()
    store.fail = "The disk is full."
    with rest_client(fake_services(seed_store=store)) as client:
        answer = client.post("/api/seeds", content=picture(1))
        assert (answer.status_code, answer.json()["message"]) == (507, "The disk is full.")
        assert client.get("/api/seeds").json()["seeds"] == []


def test_the_page_serves_its_files_and_nothing_else_of_its_folder() -> None:
    with rest_client() as client:
        assert "text/html" in client.get("/").headers["content-type"]
        assert client.get("/main.js").status_code == 200
        for hidden in ("package.json", "tsconfig.json", "protocol.generated.d.ts", "node_modules/x.js", "../README.md"):
            assert client.get(f"/{hidden}").status_code == 404, hidden
