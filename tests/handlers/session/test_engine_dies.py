"""The process of an engine ends while people play: their worlds go on, and nobody else notices."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from runtime_config.runtime_config import SessionLimits
from services.engine_host.engine_host import HostedEngine, host_engine
from services.engine_host.host_settings import HostLimits, HostSettings
from services.world_engine.catalogue import WorldEngineCatalogue
from tests.fakes.fake_catalogue import FakeModel, fake_entry
from tests.play.harness import fake_services, play_server
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    from services.world_engine.catalogue import CatalogueEntry
    from services.world_engine.engine_card import LoadReport
    from services.world_engine.world_engine import WorldEngine
    from tests.play.harness import PlayServer

FACTORY = "tests.services.engine_host.engines_in_host:load_fake"
LONG_HOLD = SessionLimits(control_hold_s=3600)


class HostedModel:
    """`fake/world` in a process of its own. `engines` are those that were loaded."""

    def __init__(self) -> None:
        self.engines: list[HostedEngine] = []

    @property
    def entry(self) -> CatalogueEntry:
        return replace(fake_entry("fake/world"), load=self._load)

    def _load(self, quant: str, report: LoadReport) -> WorldEngine:
        settings = HostSettings("Fake fake/world", limits=HostLimits(restarts=1))
        engine = host_engine(FACTORY, {}, quant, report, settings)
        self.engines.append(engine)
        return engine

    def kill(self) -> None:
        pid = self.engines[0].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)


@contextmanager
def serving() -> Generator[tuple[PlayServer, HostedModel]]:
    model, other = HostedModel(), FakeModel("fake/other")
    services = replace(fake_services(), catalogue=WorldEngineCatalogue([model.entry, other.entry]))
    with play_server(services, limits=LONG_HOLD) as server:
        yield server, model


def test_worlds_go_on_from_the_newest_snapshot_and_their_players_are_told() -> None:
    with (
        serving() as (server, model),
        server.client(max_queue=None) as a,
        server.client(max_queue=None) as b,
        server.client(max_queue=None) as bystander,
    ):
        a.start(model="fake/world")
        b.start(model="fake/world")
        bystander.start(model="fake/other")
        for client in (a, b):
            client.hold("W", until=lambda frame: frame.content.pass_number > 40)
        before, pid = b.hold("W").content.pass_number, model.engines[0].pid
        model.kill()
        for client in (a, b):
            told = client.stage("session.reset")["message"]
            assert "SIGKILL" in told
            assert "Your world goes on from" in told
            assert client.hold("W").content.pass_number > 10
        frame = b.hold("W", until=lambda frame: frame.content.pass_number > before + 5)
        assert frame.content.rng_seed != 0
        assert len(model.engines) == 1
        assert model.engines[0].pid != pid
        bystander.hold("W")


@pytest.mark.trial
def test_a_process_that_will_not_stay_ends_its_sessions_and_no_other() -> None:
    with (
        serving() as (server, model),
        server.client(max_queue=None) as client,
        server.client(max_queue=None) as bystander,
    ):
        client.start(model="fake/world")
        bystander.start(model="fake/other")
        client.hold("W", until=lambda frame: frame.content.pass_number > 5)
        model.kill()
        client.stage("session.reset")
        model.kill()
        error = client.of_type("error")
        assert error["message_id"] == "app.server.error.deviceRecoveryFailed"
        wait_until(lambda: len(server.sessions()) == 1, "the session has ended")
        bystander.hold("W")
