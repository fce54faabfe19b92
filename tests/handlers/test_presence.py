"""Parts of the server before its start, while it serves, and from its stop on."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from access_rules import Owner
from app_factory import create_app
from app_handler import AppHandler
from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from handlers.presence import Part
from runtime_config.launch_settings import Launch
from runtime_config.runtime_config import RuntimeConfig
from tests.fakes.fake_frame_encoder import FakeFrameEncoder
from tests.fakes.fake_video_writer import FakeVideoWriter
from tests.play.harness import fake_services
from tests.waiting import deadline_s, wait_until_async

if TYPE_CHECKING:
    from service_bundle import ServiceBundle

PARTS = {
    "/api/seeds": "pictures",
    "/api/recordings": "recordings",
    "/api/worlds": "saved worlds",
    "/api/jobs": "jobs",
}


def handler_of(services: ServiceBundle | None = None) -> AppHandler:
    return AppHandler(Launch.of(RuntimeConfig(data_dir=Path("unused"))), services or fake_services())


def client_of(handler: AppHandler) -> TestClient:
    return TestClient(create_app(handler), base_url="http://127.0.0.1:7987", client=("127.0.0.1", 50000))


def test_no_part_takes_the_place_of_another() -> None:
    parts: list[Part[object]] = [part for part in vars(AppHandler).values() if isinstance(part, Part)]
    assert len({part.name for part in parts}) == len(parts) > 1


@pytest.mark.parametrize(("path", "part"), PARTS.items())
def test_what_is_not_there_is_named(path: str, part: str) -> None:
    client = client_of(handler_of())
    early = client.get(path)  # the app serves before its lifespan begins
    assert (early.status_code, early.json()["code"]) == (503, "serviceUnavailable")
    assert (
        early.json()["message"] == f"The server is starting, and its {part} are not there yet. Try again in a moment."
    )
    with client:
        assert client.get(path).status_code == 200
    late = client.get(path)
    assert (late.status_code, late.json()["code"]) == (503, "shuttingDown")
    assert f"is stopping, and its {part} are closed already" in late.json()["message"]
    assert client.get("/health").json()["startup_complete"] is False


def test_work_for_threads_that_have_ended_is_refused_in_words() -> None:
    async def run() -> None:
        threads = ThreadPoolExecutor(1)
        threads.shutdown()
        with pytest.raises(DomainError, match="stopping") as refused:
            await in_thread(threads, lambda: None)
        assert refused.value.code is ErrorCode.SHUTTING_DOWN

    asyncio.run(run())


class SlowWriter(FakeVideoWriter):
    """Takes until it is told to close."""

    def __init__(self) -> None:
        super().__init__()
        self.is_closing, self.go_on = threading.Event(), threading.Event()

    def close(self, timeout_s: float) -> None:
        self.is_closing.set()
        assert self.go_on.wait(deadline_s())
        super().close(timeout_s)


@pytest.mark.parametrize("times", [1, 2, 20])
def test_a_stop_that_is_cancelled_again_and_again_closes_everything(times: int) -> None:
    """In the middle of it recordings are put away; the encoder of frames is closed at its end."""

    async def run() -> None:
        writer, encoder = SlowWriter(), FakeFrameEncoder()
        handler = handler_of(fake_services(video_writer=writer, encoder=encoder))

        async def serve() -> None:
            async with handler.running():
                await asyncio.Event().wait()

        serving = asyncio.create_task(serve())
        await wait_until_async(lambda: handler.server.get_health(Owner()).startup_complete, "it serves")
        for _ in range(times):
            serving.cancel()
            await asyncio.sleep(0)
        await wait_until_async(writer.is_closing.is_set, "it puts recordings away")
        for _ in range(times):
            serving.cancel()
            await asyncio.sleep(0)
        assert not serving.done()
        writer.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(serving, deadline_s())
        assert encoder.is_closed

    asyncio.run(run())


def test_a_start_that_fails_closes_what_it_has_opened() -> None:
    encoder = FakeFrameEncoder()
    services = fake_services(encoder=encoder)
    services.task_runner.close(0)  # so that it refuses the first task of the start
    handler = handler_of(services)

    async def run() -> None:
        async with handler.running():
            pass

    with pytest.raises(RuntimeError):
        asyncio.run(run())
    assert encoder.is_closed


def test_the_database_is_closed_once_after_all_that_may_write_to_it() -> None:
    writer, encoder, closings = FakeVideoWriter(), FakeFrameEncoder(), list[tuple[bool, bool]]()

    def close_database() -> None:
        closings.append((writer.is_closed, encoder.is_closed))

    async def run() -> None:
        services = fake_services(video_writer=writer, encoder=encoder, close_database=close_database)
        async with handler_of(services).running():
            assert closings == []

    asyncio.run(run())
    assert closings == [(True, True)]
