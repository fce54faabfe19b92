"""The Models view: a tiny model in the true layout is pulled from a stand-in hub, played by two people, and deleted."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest

from tests.browser.accessibility import DESK, PHONE, faults_of, go_round
from tests.browser.server_process import ROOT
from tests.browser.test_recordings import record
from tests.browser.test_worlds import save
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from playwright.sync_api import Locator

    from tests.browser.conftest import Invite, StartServer
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.trial, pytest.mark.xdist_group("browser"), pytest.mark.timeout(900)]
needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="the extra models is not installed")

_MODEL: Final = "Overworld/Waypoint-1.5-1B"
_WRITE_MODEL: Final = (
    "import sys, pathlib; from tests.engines.waypoint.installed import install_waypoint_1_5;"
    "install_waypoint_1_5(pathlib.Path(sys.argv[1]))"
)
_SLOW_MS: Final = deadline_s(180) * 1000  # a process is started, and a model loaded in it
_FOCUSED: Final = "document.activeElement?.ariaLabel ?? document.activeElement?.dataset.testid"


@contextmanager
def _hub(folder: Path, bytes_per_s: int | None = None) -> Generator[str]:
    """A stand-in hub with the models of a folder; its address."""
    rate = [] if bytes_per_s is None else [str(bytes_per_s)]
    command = [sys.executable, "-m", "tests.hub.stand_in_hub", str(folder), *rate]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@pytest.fixture(name="published", scope="module")
def fixture_published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny model, written in a process of its own: the tests' one stays free of torch."""
    folder = tmp_path_factory.mktemp("hub")
    subprocess.run([sys.executable, "-W", "ignore", "-c", _WRITE_MODEL, str(folder)], cwd=ROOT, check=True)
    return folder


def _card(visitor: Visitor, state: str | None = None) -> Locator:
    card = visitor.page.locator(f'[data-testid=model][data-model="{_MODEL}"]')
    return card if state is None else card.and_(visitor.page.locator(f"[data-state={state}]"))


def _press(visitor: Visitor, action: str) -> None:
    """With the keyboard."""
    _card(visitor).get_by_test_id(f"model-{action}").press("Enter")


def _open_models(visitor: Visitor) -> None:
    visitor.by_id("models-button").press("Enter")
    visitor.by_id("model").first.wait_for()


def _enter(visitor: Visitor) -> None:
    visitor.by_id("seed-engines").first.click()
    visitor.page.locator(f'[data-testid=engine-choice][data-model="{_MODEL}"]').click()
    visitor.page.wait_for_selector("body[data-screen=playing]", state="attached", timeout=_SLOW_MS)


def test_the_models_are_shown_to_everybody(start_server: StartServer, invite: Invite) -> None:
    visitor = invite(start_server().url)  # where nobody has loaded anything
    _open_models(visitor)
    texts = {card.get_attribute("data-model"): card.inner_text() for card in visitor.by_id("model").all()}
    assert "Comes with Terrarium" in texts["terrarium/diorama"]
    assert "your keys 15 times a second" in texts["terrarium/diorama"]
    assert "free on the disk" in visitor.by_id("models-disk").inner_text()
    built_in = visitor.page.locator('[data-model="terrarium/diorama"]')
    assert built_in.get_by_test_id("model-delete").count() == 0
    for size in (DESK, PHONE):
        visitor.page.set_viewport_size(size)
        assert faults_of(visitor.page) == []
    assert {"models-close", "models-doctor"} <= set(go_round(visitor.page))


@needs_torch
def test_a_pull_is_followed_cancelled_and_goes_on(
    published: Path, start_server: StartServer, invite: Invite, tmp_path: Path
) -> None:
    with _hub(published, bytes_per_s=60_000) as address:
        server = start_server(TERRARIUM_HUB_ENDPOINT=address, HF_HUB_CACHE=str(tmp_path / "cache"))
        visitor = invite(server.url)
        _open_models(visitor)
        _press(visitor, "pull")
        _card(visitor, "pulling").get_by_text(" of ").first.wait_for()
        assert visitor.page.evaluate(_FOCUSED) == f"Cancel: {_card(visitor).locator('h3').inner_text()}"
        assert faults_of(visitor.page) == []
        _press(visitor, "cancel")
        _card(visitor, "partial").wait_for()
    with _hub(published) as address:
        server.stop()
        server = start_server(TERRARIUM_HUB_ENDPOINT=address, HF_HUB_CACHE=str(tmp_path / "cache"))
        visitor.open(server.url)
        _open_models(visitor)
        _press(visitor, "resume")
        _card(visitor, "ready").wait_for(timeout=_SLOW_MS)
        visitor.excuse("ERR_")


@needs_torch
def test_a_model_is_pulled_played_by_two_and_deleted(
    published: Path, start_server: StartServer, invite: Invite, tmp_path: Path
) -> None:
    with _hub(published) as address:
        environment = {"TERRARIUM_HUB_ENDPOINT": address, "HF_HUB_CACHE": str(tmp_path / "cache")}
        # However slow this machine is at the moment, the second player need not wait for the first one to leave.
        server = start_server(**environment, TERRARIUM_LEAST_RATE_PERCENT="0")
        visitor = invite(server.url)

        # Whoever wants to play it is told what is missing, and led there.
        visitor.by_id("seed-engines").first.click()
        visitor.page.locator(f'[data-testid=engine-choice][data-model="{_MODEL}"]').click()
        _card(visitor, "absent").wait_for()
        _press(visitor, "pull")
        _card(visitor, "ready").wait_for(timeout=_SLOW_MS)
    visitor.by_id("model-loadAnyway").or_(_card(visitor).get_by_test_id("model-load")).first.press("Enter")
    _card(visitor, "loaded").wait_for(timeout=_SLOW_MS)
    visitor.by_id("models-close").click()

    _enter(visitor)
    other = invite(server.url)
    _enter(other)
    other.walk(12)
    visitor.walk(12)
    record(visitor)
    visitor.page.keyboard.press("Backspace")
    visitor.by_id("toasts").get_by_text("Went back").wait_for()
    other.walk(12)
    visitor.walk(12)
    visitor.pause()
    save(visitor)
    visitor.by_id("menu-worlds-button").click()
    with visitor.page.expect_download() as download:
        visitor.by_id("world-download").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    visitor.by_id("worlds-close").click()
    for person in (visitor, other):
        if person is other:
            person.pause()
        person.by_id("leave-button").click()
        person.wait_for("gallery")
    visitor.by_id("recordings-button").click()
    visitor.by_id("recording-card").first.wait_for()
    visitor.page.keyboard.press("Escape")

    command = [sys.executable, "ltx2_server.py", "replay", str(path), "--data-dir", str(tmp_path / "other"), "--quiet"]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TERRARIUM_")}
    variables = {**inherited, **environment}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert "compared: exact" in done.stdout

    _open_models(visitor)
    _press(visitor, "unload")
    _card(visitor, "ready").wait_for()
    _press(visitor, "delete")
    assert _card(visitor, "ready").is_visible(), "its files were deleted by one press"
    _press(visitor, "delete")
    _card(visitor, "absent").wait_for()
