"""What every model hub keeps to, the fake one of the tests as well."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING

import pytest

from runtime_config.hub_config import HubConfig
from services.model_hub.hugging_face_hub import HuggingFaceHub
from services.model_hub.model_hub import Absent, HubFault, ModelHubError, OnDisk, Partly, PullProgress
from tests.fakes.fake_model_hub import FakeModelHub
from tests.hub.models import MODEL, repository, small_model
from tests.hub.stand_in_hub import Hold, stand_in_hub

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from services.model_hub.model_hub import ModelHub

ROOM = 10**12


@contextmanager
def a_hub(kind: str, folder: Path, *, holding: bool = False) -> Generator[ModelHub]:
    """One that knows one model; `holding`: a pull of it comes to a part of its bytes and waits."""
    if kind == "fake":
        yield FakeModelHub(frozenset({MODEL}), holding=holding)
        return
    until = Event()
    with stand_in_hub({MODEL: small_model()}) as there:
        if holding:
            there.faults["transformer/model.safetensors"] = [Hold(100_000, until)]
        try:
            yield HuggingFaceHub(
                folder / "cache", HubConfig(there.base_url), environ={}, free_bytes=lambda _: ROOM, pauses_s=()
            )
        finally:
            until.set()


KINDS = pytest.mark.parametrize("kind", ["fake", "real"])


@KINDS
def test_a_model_is_pulled_found_and_removed(kind: str, tmp_path: Path) -> None:
    with a_hub(kind, tmp_path) as hub:
        assert hub.find(repository()) == Absent()
        told: list[PullProgress] = []
        pulled = asyncio.run(hub.pull(repository(), told.append))
        assert hub.find(repository()) == pulled
        assert isinstance(pulled, OnDisk)
        assert not pulled.is_in_place
        done = [progress.done_bytes for progress in told]
        assert done == sorted(done)
        assert told[-1].done_bytes == told[-1].total_bytes == pulled.size_bytes
        assert told[-1].done_files == told[-1].total_files > 0
        assert hub.delete_cached(MODEL)
        assert not hub.delete_cached(MODEL)
        assert hub.find(repository()) == Absent()


@KINDS
def test_what_the_hub_does_not_have_is_said(kind: str, tmp_path: Path) -> None:
    with a_hub(kind, tmp_path) as hub, pytest.raises(ModelHubError) as caught:
        asyncio.run(hub.pull(repository(model_id="owner/other"), lambda _: None))
    assert caught.value.fault is HubFault.UNKNOWN
    assert "owner/other" in str(caught.value)


@KINDS
def test_a_cancelled_pull_keeps_what_came_and_lets_others_pull(kind: str, tmp_path: Path) -> None:
    async def cancel_half_way(hub: ModelHub) -> None:
        begun = asyncio.Event()

        def follow(progress: PullProgress) -> None:
            if progress.done_bytes >= 100_000:
                begun.set()

        pull = asyncio.create_task(hub.pull(repository(), follow))
        await begun.wait()
        with pytest.raises(ModelHubError) as second:
            await hub.pull(repository(), lambda _: None)
        assert second.value.fault is HubFault.IN_USE
        with pytest.raises(ModelHubError) as removed:
            hub.delete_cached(MODEL)
        assert removed.value.fault is HubFault.IN_USE
        pull.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pull

    with a_hub(kind, tmp_path, holding=True) as hub:
        asyncio.run(cancel_half_way(hub))
        left = hub.find(repository())
        assert isinstance(left, Partly)
        assert 100_000 <= left.done_bytes < left.total_bytes
        if isinstance(hub, FakeModelHub):
            hub.release()
        assert isinstance(asyncio.run(hub.pull(repository(), lambda _: None)), OnDisk)


@KINDS
@pytest.mark.parametrize("model_id", ["", "name", "owner/", "../name", "owner/..", "owner\\name", "owner/a..b", "C:/x"])
def test_what_is_no_model_id_is_refused(kind: str, model_id: str, tmp_path: Path) -> None:
    with a_hub(kind, tmp_path) as hub, pytest.raises(ModelHubError) as caught:
        hub.delete_cached(model_id)
    assert caught.value.fault is HubFault.MALFORMED
    assert str(caught.value).endswith(".")


@KINDS
def test_the_room_is_known(kind: str, tmp_path: Path) -> None:
    with a_hub(kind, tmp_path) as hub:
        assert hub.free_bytes() == ROOM
