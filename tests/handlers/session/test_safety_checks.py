"""Picture checks through a real server, with a real classifier and a real cache where it matters."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest

from services.clock.system_clock import SystemClock
from services.image_classifier.image_classifier import ClassificationError, ClassifierMissing
from services.image_classifier.transformers_image_classifier import build_image_classifier
from services.torch_worker.process_torch_worker import ProcessTorchWorker
from services.verdict_cache.sqlite_verdict_cache import SqliteVerdictCache
from tests.fakes.fake_image_classifier import FakeImageClassifier
from tests.fakes.fake_verdict_cache import FakeVerdictCache
from tests.play.harness import PlayServer, b64, fake_services, picture, play_server
from tests.services.image_classifier.tiny_classifier import tiny_files, write_tiny_classifier
from tests.services.world_files.samples import HEIGHT, WIDTH, pack, sample_world
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from services.verdict_cache.verdict_cache import VerdictCache
    from services.world_engine.world_engine import Picture
    from tests.play.harness import PlayClient

BURST = 200
UPLOADS = 8  # as many as there may be sessions
ANY_PICTURE = np.zeros((8, 8, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub")
    write_tiny_classifier(folder)
    return folder


@contextmanager
def checking_server(cache_dir: Path, verdicts: VerdictCache | None = None, **config: Any) -> Generator[PlayServer]:
    """A server whose picture check is a model of transformers in a process of its own, which has loaded it or failed.

    Loading takes longer on a busy machine than a client of these tests waits for an answer.
    """
    classifier = build_image_classifier(tiny_files(cache_dir), SystemClock(), ProcessTorchWorker, niceness=0)
    with suppress(ClassificationError):
        classifier.judge(ANY_PICTURE)
    with play_server(fake_services(classifier=classifier, verdict_cache=verdicts), **config) as server:
        yield server


def is_safe(client: PlayClient, data: bytes) -> bool:
    return client.reply(client.request("check_seed_safety", image_data=b64(data)))["data"]["is_safe"]


def shade(number: int) -> bytes:
    """A picture of its own for each number; every third is bright, and so unsafe for the tiny model."""
    base = 200 if number % 3 == 0 else 20
    return picture(base + number % 10, base + number // 10, base)


@pytest.mark.trial
def test_a_burst_is_answered_in_order_while_another_session_plays_on(cache_dir: Path, tmp_path: Path) -> None:
    verdicts = SqliteVerdictCache(tmp_path / "verdicts.sqlite")
    with (
        checking_server(cache_dir, verdicts, seed_safety="strict") as server,
        server.client(max_queue=None) as asking,
        server.client() as playing,
    ):
        playing.start(picture(10))
        asked = [asking.request("check_seed_safety", image_data=b64(shade(number))) for number in range(BURST)]
        answers: list[tuple[str, bool]] = []

        def collect() -> None:
            for message in asking.messages():
                if message["type"] == "response":
                    answers.append((message["req_id"], message["data"]["is_safe"]))
                if len(answers) == BURST:
                    return

        collector = threading.Thread(target=collect)
        collector.start()
        seen_at_each_pass: list[int] = []
        while collector.is_alive():
            playing.hold("W")
            seen_at_each_pass.append(len(answers))
        collector.join()
        assert answers == [(req_id, number % 3 != 0) for number, req_id in enumerate(asked)]
        # Frames came all along, not in a heap at the end: no stretch of half the burst went by without one.
        steps = [0, *seen_at_each_pass, BURST]
        assert max(after - before for before, after in itertools.pairwise(steps)) < BURST // 2


def test_a_check_that_hangs_holds_up_neither_frames_nor_another_sessions_start() -> None:
    classifier = FakeImageClassifier(lambda _: True)
    with play_server(fake_services(classifier=classifier)) as server, server.client() as playing:
        playing.start()
        classifier.hold = threading.Event()
        with server.client() as one, server.client() as two, server.client() as three, server.client() as four:
            held = [
                (client, client.request("check_seed_safety", image_data=b64(picture(number))))
                for number, client in enumerate((one, two, three, four))
            ]
            wait_until(lambda: classifier.calls >= 5, "all four are inside")
            for _ in range(20):
                playing.hold("W")
            uploaded = server.http.post("/api/worlds", content=b"no world")  # decoding goes on beside it
            assert uploaded.json()["code"] == "worldNotAWorld"
            classifier.hold.set()
            assert all(client.reply(req_id)["success"] for client, req_id in held)


@pytest.mark.parametrize("kind", ["seeds", "worlds"])
def test_uploads_that_wait_for_a_slow_verdict_delay_no_session(kind: str) -> None:
    """There are many uploads, and the classifier is slow with their pictures only."""
    let_go, inside = threading.Event(), threading.Semaphore(0)

    def judge(seen: Picture) -> bool:
        if seen.shape[:2] == (HEIGHT, WIDTH):  # of an upload
            inside.release()
            let_go.wait(deadline_s())
        return True

    def content(number: int) -> bytes:
        if kind == "seeds":
            return picture(number, width=WIDTH, height=HEIGHT)
        return pack(sample_world(number))

    services = fake_services(classifier=FakeImageClassifier(judge))
    with play_server(services, seed_safety="strict") as server, ThreadPoolExecutor(UPLOADS) as people:

        def upload(number: int) -> int:
            return server.http.post(f"/api/{kind}", content=content(number)).status_code

        uploads = [people.submit(upload, number) for number in range(UPLOADS)]
        try:
            for _ in range(4):
                assert inside.acquire(timeout=deadline_s())
            for _ in range(2):
                with server.client() as client:
                    client.start(picture(10))
                    client.hold("W")
            assert not any(upload.done() for upload in uploads)
        finally:
            let_go.set()
        assert [upload.result(deadline_s()) for upload in uploads] == [201] * UPLOADS


def test_verdicts_outlive_the_server_and_failures_do_not(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.sqlite"
    failing = FakeImageClassifier()
    failing.fail = "The device was lost."
    first = fake_services(classifier=failing, verdict_cache=SqliteVerdictCache(path))
    with play_server(first) as server, server.client() as client:
        assert not is_safe(client, picture(7))
        failing.fail = None
        assert is_safe(client, picture(7))
    asked_again = FakeImageClassifier(lambda _: False)
    second = fake_services(classifier=asked_again, verdict_cache=SqliteVerdictCache(path))
    with play_server(second) as server, server.client() as client:
        assert is_safe(client, picture(7))
        assert asked_again.calls == 0


@pytest.mark.trial
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_killed_check_is_reported_as_failed_and_the_next_one_works(cache_dir: Path) -> None:
    with checking_server(cache_dir, FakeVerdictCache()) as server, server.client(extended=True) as client:
        assert is_safe(client, picture(9))
        before = _children()
        for child in before:
            os.kill(child, signal.SIGSTOP)  # so that the check is inside when the process dies
        req_id = client.init(picture(8))
        client.stage("session.init.seed")
        for child in before:
            os.kill(child, signal.SIGKILL)
        warning = client.of_type("warning")
        assert warning["message_id"] == "app.server.warning.seedSafetyCheckFailed"
        assert not client.reply(req_id)["success"]
        server.handler.services.image_classifier.judge(ANY_PICTURE)  # loads it again
        client.start(picture(8))
    wait_until(lambda: not _children(), "the server took its worker with it")


@pytest.mark.trial
def test_files_that_are_damaged_refuse_the_seed_and_health_says_why(cache_dir: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(cache_dir, tmp_path, dirs_exist_ok=True)
    (tiny_files(tmp_path).folder / "model.safetensors").write_bytes(b"x" * 1000)
    with checking_server(tmp_path) as server, server.client() as client:
        client.init(picture(8))
        assert client.of_type("warning")["message_id"] == "app.server.warning.seedSafetyCheckFailed"
        safety = server.http.get("/health").json()["safety"]
        assert not safety["loaded"]
        assert "download" in safety["reason"]
        assert str(tmp_path) not in safety["reason"]


@pytest.mark.parametrize(
    ("policy", "classifier", "status", "code"),
    [
        ("strict", FakeImageClassifier(), 201, None),
        ("strict", FakeImageClassifier(lambda _: False), 422, "seedUnsafe"),
        ("strict", FakeImageClassifier(status=ClassifierMissing("There is none.")), 503, "seedCheckFailed"),
        ("off", FakeImageClassifier(status=ClassifierMissing("There is none.")), 201, None),
        ("off", FakeImageClassifier(lambda _: False), 201, None),
    ],
)
def test_uploads_are_judged_by_the_safety_policy(
    policy: str, classifier: FakeImageClassifier, status: int, code: str
) -> None:
    with play_server(fake_services(classifier=classifier), seed_safety=policy) as server:
        answer = server.http.post("/api/seeds", params={"title": "Mine"}, content=picture(7))
        assert (answer.status_code, answer.json().get("code")) == (status, code)
        assert len(server.http.get("/api/seeds").json()["seeds"]) == (1 if status == 201 else 0)


def test_an_upload_is_judged_as_a_whole_and_not_as_it_would_be_cut() -> None:
    shapes: list[tuple[int, ...]] = []

    def look(seen: object) -> bool:
        shapes.append(getattr(seen, "shape", ()))
        return True

    with play_server(fake_services(classifier=FakeImageClassifier(look))) as server:
        for width, height in ((48, 32), (3000, 10), (20, 2000)):
            assert server.http.post("/api/seeds", content=picture(7, width=width, height=height)).status_code == 201
    assert shapes == [(32, 48, 3), (3, 896, 3), (896, 9, 3)]


def _children() -> list[int]:
    """Workers of this process; the helper of multiprocessing's is none."""
    found = psutil.Process().children()
    return [child.pid for child in found if "spawn_main" in " ".join(child.cmdline())]
