"""What AppHandler opens and closes with the server."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from access_rules import Owner
from app_handler import AppHandler
from runtime_config.launch_settings import Launch
from runtime_config.runtime_config import RuntimeConfig
from tests.fakes.fake_seed_store import FakeSeedStore
from tests.play.harness import fake_services, picture
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from services.picture_decoder.picture_decoder import PictureFactsPayload
    from services.seed_store.seed_store import SeedFilePayload


class SlowSeedStore(FakeSeedStore):
    """A disk that takes its time: `was_left` is whether the server had ended before the picture was stored."""

    def __init__(self) -> None:
        super().__init__()
        self.is_adding = threading.Event()
        self.server_ended = threading.Event()
        self.was_left: bool | None = None

    def add(
        self,
        data: bytes,
        facts: PictureFactsPayload,
        title: str,
        *,
        prompt: str | None = None,
        view_of: str | None = None,
    ) -> SeedFilePayload:
        self.is_adding.set()
        self.was_left = self.server_ended.wait(0.2)
        return super().add(data, facts, title, prompt=prompt, view_of=view_of)


async def upload_body() -> AsyncGenerator[bytes]:
    yield picture(90, 120, 60)


def test_a_file_that_is_being_saved_is_saved_before_the_server_has_ended() -> None:
    store = SlowSeedStore()

    async def run() -> None:
        handler = AppHandler(Launch.of(RuntimeConfig(data_dir=Path("unused"))), fake_services(seed_store=store))
        async with handler.running():
            upload = asyncio.create_task(handler.seeds.upload(Owner(), upload_body(), "Valley"))
            await wait_until_async(store.is_adding.is_set, "the picture is being saved")
        store.server_ended.set()
        await asyncio.wait({upload})

    asyncio.run(run())
    assert store.was_left is False
    assert [seed.title for seed in store.list()] == ["Valley"]
