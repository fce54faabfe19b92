"""Whatever a session was doing when it is cancelled, at whichever await: no world and no lease is left behind."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from access_rules import Owner
from state.app_state_types import EngineKey, leases_of
from tests.cancelling import for_each_await
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_world_store import FakeWorldStore
from tests.handlers.session.authoring_studio import Studio, is_green, studio
from tests.play.harness import b64, picture, session_config
from tests.waiting import deadline_s
from wire_protocol import GenerateSceneRequest, SaveWorldRequest, SceneEditRequest, TimedInitRequest

if TYPE_CHECKING:
    from collections.abc import Generator

    from services.world_engine.engine_card import Placement
    from tests.play.harness import PlayClient
    from wire_protocol import AnyRequest

ONE, TWO = "fake/one", "fake/two"


def init(model: str, red: int, **fields: Any) -> TimedInitRequest:
    seed = {} if "world_id" in fields else {"seed_image_data": b64(picture(red))}
    config = session_config(scene_authoring=True)
    return TimedInitRequest.model_validate(
        {"type": "init", "req_id": "x", "model": model, "config": config, **seed, **fields}
    )


class Bench:
    """A server with one client, whose requests are cancelled at one await after the other."""

    def __init__(self, at: Studio, client: PlayClient, models: tuple[FakeModel, ...]) -> None:
        self.at = at
        self.client = client
        self.models = models
        self.session_id: str = at.server.sessions()[0]["id"]

    def perform(self, request: AnyRequest) -> Any:
        return self.at.server.run(self._perform(request))

    def cancel_everywhere(
        self, request: AnyRequest, *, worlds: int, back: AnyRequest | None = None, times: int = 1
    ) -> int:
        """Cancel `request` at each of its awaits, until it completes; how many there were.

        After each, as many worlds are open as leases are held: `worlds`. `back` then puts the session back.
        """

        async def all_of_them() -> int:
            cancelled = 0
            async for _ in for_each_await(lambda: self._perform(request), times=times):
                cancelled += 1
                await self._given_back(worlds)
                if back is not None:
                    await self._perform(back)
                    await self._given_back(worlds)
            return cancelled

        return self.at.server.run(all_of_them())

    async def _perform(self, request: AnyRequest) -> Any:
        return await self.at.server.handler.play.perform(Owner(), self.session_id, request)

    async def _given_back(self, worlds: int) -> None:
        """At once, but for a world that the actor is just closing."""
        async with asyncio.timeout(deadline_s()):
            while (self.open_worlds(), self.leases()) != (worlds, worlds):  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.002)

    def open_worlds(self) -> int:
        return sum(engine.open_worlds for model in self.models for engine in model.engines)

    def leases(self) -> int:
        pool = self.at.server.handler.engines
        keys = [EngineKey(model.entry.model_id, quant) for model in self.models for quant in model.entry.quants]
        return sum(len(leases_of(pool.of(key))) for key in keys)


@contextmanager
def bench(*, placement: Placement = "cpu", **services: Any) -> Generator[Bench]:
    models = (FakeModel(ONE, placement=placement), FakeModel(TWO, placement=placement))
    with studio(*models, **services) as at, at.server.client(extended=True) as client:
        client.stage("session.waiting_for_seed")
        yield Bench(at, client, models)


TIMES = pytest.mark.parametrize("times", [1, 3])  # cancelled again during what cleans up


@TIMES
def test_a_first_init(times: int) -> None:
    with bench() as here:
        assert here.cancel_everywhere(init(ONE, 10), worlds=0, times=times) > 2
        assert (here.open_worlds(), here.leases()) == (1, 1)
        here.client.hold("W")


@TIMES
@pytest.mark.parametrize("placement", ["cpu", "device"])
def test_a_switch_of_the_model(placement: Placement, times: int) -> None:
    with bench(placement=placement) as here:
        here.perform(init(ONE, 10))
        assert here.cancel_everywhere(init(TWO, 10), worlds=1, back=init(ONE, 10), times=times) > 2
        assert here.at.server.sessions()[0]["model"] == TWO
        here.client.hold("W")


@TIMES
def test_another_picture(times: int) -> None:
    with bench() as here:
        here.perform(init(ONE, 10))
        assert here.cancel_everywhere(init(ONE, 20), worlds=1, back=init(ONE, 10), times=times) > 2
        here.client.hold("W", until=lambda frame: frame.content.seed_mean[0] == 20)


@TIMES
def test_the_opening_of_a_world_file(times: int) -> None:
    with bench(world_store=FakeWorldStore()) as here:
        here.perform(init(ONE, 10))
        here.client.hold("W")
        saved = here.perform(SaveWorldRequest(type="save_world", req_id="x"))
        opening = init(ONE, 10, world_id=saved.world_id)
        assert here.cancel_everywhere(opening, worlds=1, back=init(ONE, 20), times=times) > 2
        here.client.hold("W", until=lambda frame: frame.content.seed_mean[0] == 10)


@TIMES
@pytest.mark.parametrize("request_model", [SceneEditRequest, GenerateSceneRequest])
def test_a_scene_in_words(request_model: type[SceneEditRequest | GenerateSceneRequest], times: int) -> None:
    kind = "scene_edit" if request_model is SceneEditRequest else "generate_scene"
    with bench() as here:
        here.perform(init(ONE, 10))
        here.client.hold("W")
        request = request_model.model_validate({"type": kind, "req_id": "x", "prompt": "a meadow"})
        assert here.cancel_everywhere(request, worlds=1, times=times) > 2
        here.client.hold("W", until=is_green)
