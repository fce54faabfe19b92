"""An engine of another package that misbehaves in play: its player is told why it ends, and others play on."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from runtime_config.runtime_config import SessionLimits
from services.engine_host.host_settings import HostLimits
from services.world_engine.catalogue import WorldEngineCatalogue, entry_of
from services.world_engine.plugins.foreign_engine import ForeignEngine
from services.world_engine.plugins.guard import guarded
from tests.fakes.fake_catalogue import FakeModel
from tests.play.harness import fake_services, play_server
from tests.play.server_log import server_log
from tests.services.world_engine.plugins.packages.misbehaving import CARD, Misbehaving
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    from services.world_engine.catalogue import CatalogueEntry
    from services.world_engine.engine_card import LoadReport
    from services.world_engine.world_engine import WorldEngine
    from tests.play.harness import PlayServer

PACKAGE = "tests.services.world_engine.plugins.packages.misbehaving"
PLAYS_ON = SessionLimits(control_hold_s=3600)  # after one control


class InThisProcess:
    """Behind the guard, as in the process that a package gets, but without the seconds that one takes to start."""

    card = CARD

    def __init__(self, does: str) -> None:
        self._does = does

    def load(self, quant: str, report: LoadReport) -> WorldEngine:
        del quant, report
        kind = type("One", (Misbehaving,), {"does": self._does})
        return guarded(kind(), CARD)


@contextmanager
def serving(broken: CatalogueEntry) -> Generator[PlayServer]:
    catalogue = WorldEngineCatalogue([broken, FakeModel("fake/other").entry])
    with server_log(), play_server(replace(fake_services(), catalogue=catalogue), limits=PLAYS_ON) as server:
        yield server


def ends_with(entry: CatalogueEntry, said: str) -> None:
    """The player is told what happened, then that it did not help, and somebody on another engine notices nothing."""
    with serving(entry) as server, server.client(max_queue=None) as bystander:
        bystander.start(model="fake/other")
        before = bystander.hold("W").content.pass_number
        with server.client() as client:
            client.start(model="fake/world")
            client.control("W")
            told = client.stage("session.reset")["message"]
            assert said in told
            assert "secret" not in told
            error = client.of_type("error")
            assert error["message_id"] == "app.server.error.deviceRecoveryFailed"
            assert client.closed()[0] == 1000
        wait_until(lambda: len(server.sessions()) == 1, "the session has ended")
        bystander.hold("W", until=lambda frame: frame.content.pass_number > before + 5)
        assert server.http.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("raises in step", "failed while making the next frames: KeyError"),
        ("wrong shape", "not (2, 32, 48, 3)"),
        ("wrong type", "frames of int16"),
        ("NaN", "hold NaN or infinity"),
    ],
)
def test_a_bad_step_ends_its_own_session_with_the_reason(does: str, said: str) -> None:
    ends_with(entry_of(InThisProcess(does)), said)


@pytest.mark.trial
@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("RaisesInStep", "failed while making the next frames: KeyError"),
        ("WrongShape", "not (2, 32, 48, 3)"),
        ("NeverReturns", "did not answer in time"),
    ],
)
def test_so_does_one_in_a_process_of_its_own(value: str, said: str) -> None:
    ends_with(entry_of(ForeignEngine(f"{PACKAGE}:{value}", CARD, limits=HostLimits(step_s=2.0))), said)
