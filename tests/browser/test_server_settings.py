"""The server's settings through the page: seen, searched, changed, refused, overtaken, and in a file that broke."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.browser.accessibility import DESK, PHONE, faults_of, go_round
from tests.browser.server_process import ServerProcess
from tests.browser.studio import words_of
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    from playwright.sync_api import Browser, Locator, Route, ViewportSize

    from tests.browser.conftest import Invite
    from tests.browser.visitor import Visitor
    from tests.services.openai_server import OpenAIServer

pytestmark = [pytest.mark.trial, pytest.mark.browser, pytest.mark.xdist_group("browser")]

_NAMES: Final = "(list) => [...list.querySelectorAll('[data-name]')].map((row) => row.dataset.name)"
_FOCUSED: Final = "document.activeElement?.id || document.activeElement?.dataset.testid"
_KEY: Final = "a-key-that-nobody-may-read"


@pytest.fixture(name="own_server", scope="module")
def fixture_own_server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Generator[OwnServer]:
    """Its settings are changed: each test sees to others."""
    del browser  # without one the server is not needed
    data_dir = tmp_path_factory.mktemp("settings")
    server = ServerProcess(data_dir, {"TERRARIUM_MAX_SESSIONS": "3"})
    try:
        server.start()
        yield OwnServer(server, data_dir / "settings.toml")
    finally:
        server.stop()


@dataclass(frozen=True)
class OwnServer:
    process: ServerProcess
    file: Path

    @property
    def url(self) -> str:
        return self.process.url


def _open(visitor: Visitor) -> None:
    visitor.by_id("server-settings-button").wait_for()  # the page has learnt that this is the owner
    visitor.by_id("server-settings-button").press("Enter")
    visitor.by_id("server-setting").first.wait_for()


def _row(visitor: Visitor, name: str) -> Locator:
    return visitor.page.locator(f"[data-testid=server-setting][data-name={name}]")


def _field(visitor: Visitor, name: str) -> Locator:
    return visitor.page.locator(f"#setting-{name}-field")


def _save(visitor: Visitor) -> None:
    visitor.by_id("server-settings-save").press("Enter")


def _wait_until_saved(visitor: Visitor) -> None:
    visitor.by_id("server-settings-status").get_by_text(re.compile("^(Saved|Everything is saved)$")).wait_for()


def _settings(server: ServerProcess | OwnServer) -> dict[str, dict[str, Any]]:
    groups = httpx.get(f"{server.url}/api/settings").raise_for_status().json()["groups"]
    return {leaf["name"]: leaf for group in groups for leaf in group["settings"]}


def _change_by_rest(server: OwnServer, **changes: object) -> None:
    """As another page does it."""
    tag = httpx.get(f"{server.url}/api/settings").headers["etag"]
    answer = httpx.patch(f"{server.url}/api/settings", json={"changes": changes}, headers={"If-Match": tag})
    answer.raise_for_status()


# ------------------------------------------------------------------------------------------------------------ seen


def test_every_setting_of_the_server_is_there(server: ServerProcess, visitor: Visitor) -> None:
    _open(visitor)
    settings = _settings(server)
    assert visitor.by_id("server-settings-groups").evaluate(_NAMES) == list(settings)
    assert len(settings) > 30
    for name in ("max_sessions", "log_level", "writer_key", "host"):
        text = _row(visitor, name).inner_text()
        assert settings[name]["help"][1:40] in text
        assert name in text


def test_what_is_saved_while_the_view_loads_is_saved_afterwards(own_server: OwnServer, invite: Invite) -> None:
    visitor = invite(own_server.url)
    _open(visitor)
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "GET" and not held:
            held.append(route)
        else:
            route.fallback()

    visitor.page.route("**/api/settings", hold)
    visitor.page.evaluate("() => { dispatchEvent(new Event('focus')); }")
    wait_until(lambda: visitor.page.evaluate("() => true") and bool(held), "the view loads again")
    _field(visitor, "jpeg_quality").fill("61")
    _save(visitor)
    held[0].continue_()
    visitor.by_id("server-settings-status").get_by_text("Saved", exact=True).wait_for()
    assert _settings(own_server)["jpeg_quality"]["value"] == 61
    _change_by_rest(own_server, jpeg_quality=None)


def test_a_search_finds_settings_by_their_words(visitor: Visitor) -> None:
    _open(visitor)
    visitor.by_id("server-settings-search").fill("quality JPEG")
    visitor.by_id("server-settings-found").get_by_text("settings").wait_for()
    shown = visitor.page.locator("[data-testid=server-setting]:visible")
    assert 0 < shown.count() < 6
    assert all("jpeg" in text.lower() for text in shown.all_inner_texts())
    visitor.by_id("server-settings-search").fill("nothing of this name")
    visitor.by_id("server-settings-found").get_by_text("No setting").wait_for()
    assert shown.count() == 0


def test_what_a_variable_fixes_is_shown_and_cannot_be_changed(own_server: OwnServer, invite: Invite) -> None:
    visitor = invite(own_server.url)
    _open(visitor)
    row = _row(visitor, "max_sessions")
    assert "TERRARIUM_MAX_SESSIONS" in row.inner_text()
    assert row.locator("output").inner_text() == "3"
    assert row.get_by_test_id("setting-field").count() == 0


# --------------------------------------------------------------------------------------------------------- changed


def test_a_setting_is_changed_and_reset_by_keyboard(own_server: OwnServer, invite: Invite) -> None:
    visitor = invite(own_server.url)
    _open(visitor)
    visitor.page.keyboard.press("Tab")
    assert visitor.page.evaluate(_FOCUSED) == "server-settings-search"
    visitor.page.keyboard.type("max_queued_jobs")
    visitor.page.keyboard.press("Tab")
    assert visitor.page.evaluate(_FOCUSED) == "setting-max_queued_jobs-field"
    visitor.page.keyboard.type("5")
    visitor.by_id("server-settings-status").get_by_text("1 change is not saved").wait_for()
    visitor.page.keyboard.press("Enter")
    _wait_until_saved(visitor)
    assert (_settings(own_server)["max_queued_jobs"]["value"], _settings(own_server)["max_queued_jobs"]["source"]) == (
        5,
        "file",
    )
    assert visitor.page.evaluate(_FOCUSED) == "setting-max_queued_jobs-field", "the focus was lost by saving"
    assert "settings file" in _row(visitor, "max_queued_jobs").inner_text()

    visitor.page.keyboard.press("Tab")
    visitor.page.keyboard.press("Enter")
    assert visitor.page.evaluate(_FOCUSED) == "setting-max_queued_jobs-field", "the focus was lost by the reset"
    _save(visitor)
    _wait_until_saved(visitor)
    assert _settings(own_server)["max_queued_jobs"]["source"] == "default"
    assert _field(visitor, "max_queued_jobs").input_value() == str(_settings(own_server)["max_queued_jobs"]["default"])


def test_kinds_of_settings_are_written_as_the_server_reads_them(
    own_server: OwnServer, invite: Invite, tmp_path: Path
) -> None:
    folders = [str(tmp_path / "films"), str(tmp_path / "other films")]
    for folder in folders:
        Path(folder).mkdir()
    visitor = invite(own_server.url)
    _open(visitor)
    _field(visitor, "writer_sees").click()
    _field(visitor, "log_level").select_option("warning")
    _field(visitor, "moss_frames").select_option("large")
    _field(visitor, "idle_place_s").fill("90.5")
    _field(visitor, "client_recordings_dir").fill("\n".join([*folders, ""]))
    for choice in ("worlds", "uploads"):
        _field(visitor, "anonymous_may").get_by_label(choice).check()
    _save(visitor)
    _wait_until_saved(visitor)
    settings = _settings(own_server)
    read = {name: leaf["pending"] if leaf["isPending"] else leaf["value"] for name, leaf in settings.items()}
    assert read["writer_sees"] is False
    assert (read["log_level"], read["moss_frames"], read["idle_place_s"]) == ("warning", "large", 90.5)
    assert read["client_recordings_dir"] == folders
    assert set(read["anonymous_may"]) == {"uploads", "worlds"}
    visitor.page.reload()
    _open(visitor)
    assert _field(visitor, "client_recordings_dir").input_value() == "\n".join(folders)
    assert _field(visitor, "anonymous_may").get_by_label("worlds").is_checked()
    assert not _field(visitor, "writer_sees").is_checked()


def test_what_waits_for_a_restart_is_told_until_then(own_server: OwnServer, invite: Invite, tmp_path: Path) -> None:
    visitor = invite(own_server.url)
    _open(visitor)
    assert visitor.by_id("server-settings-waiting").is_hidden()
    _field(visitor, "recordings_dir").fill(str(tmp_path))
    _save(visitor)
    visitor.by_id("server-settings-waiting").get_by_text("1 change waits for a restart: Recordings folder").wait_for()
    _row(visitor, "recordings_dir").get_by_text("In use until the restart").wait_for()
    assert _field(visitor, "recordings_dir").input_value() == str(tmp_path)
    _row(visitor, "recordings_dir").get_by_test_id("setting-reset").click()
    _save(visitor)
    visitor.by_id("server-settings-waiting").wait_for(state="hidden")


def test_a_value_that_cannot_be_is_refused_at_its_field(own_server: OwnServer, invite: Invite) -> None:
    visitor = invite(own_server.url)
    _open(visitor)
    _field(visitor, "jpeg_quality").fill("400")
    _field(visitor, "max_upload_mib").fill("6")
    _save(visitor)
    visitor.by_id("server-settings-notice").get_by_text("Nothing was saved").wait_for()
    visitor.excuse("422")
    fault = _row(visitor, "jpeg_quality").get_by_test_id("setting-fault")
    assert fault.inner_text() != ""
    assert visitor.page.evaluate(_FOCUSED) == "setting-jpeg_quality-field"
    assert _field(visitor, "jpeg_quality").get_attribute("aria-invalid") == "true"
    assert _settings(own_server)["max_upload_mib"]["source"] == "default", "a part of what was refused was kept"
    _field(visitor, "jpeg_quality").fill("77")
    assert fault.is_hidden()
    _save(visitor)
    _wait_until_saved(visitor)
    assert _settings(own_server)["jpeg_quality"]["value"] == 77


def test_what_somebody_else_changes_meanwhile_costs_nothing_typed(own_server: OwnServer, invite: Invite) -> None:
    visitor = invite(own_server.url)
    _open(visitor)
    _field(visitor, "jpeg_quality").fill("60")
    _field(visitor, "max_queued_jobs").fill("6")
    _change_by_rest(own_server, jpeg_quality=70, small_jpeg_quality=71)
    _save(visitor)
    visitor.by_id("server-settings-notice").get_by_text("Somebody else").wait_for()
    visitor.excuse("412")
    assert _field(visitor, "jpeg_quality").input_value() == "60"
    assert _field(visitor, "small_jpeg_quality").input_value() == "71"
    _row(visitor, "jpeg_quality").get_by_text("Somebody else has changed this meanwhile, to 70").wait_for()
    _save(visitor)
    _wait_until_saved(visitor)
    settings = _settings(own_server)
    assert [settings[name]["value"] for name in ("jpeg_quality", "small_jpeg_quality", "max_queued_jobs")] == [
        60,
        71,
        6,
    ]


def test_a_secret_is_written_and_never_read(own_server: OwnServer, invite: Invite) -> None:
    visitor = invite(own_server.url)
    _open(visitor)
    field = _field(visitor, "writer_key")
    assert field.get_attribute("type") == "password"
    field.fill(_KEY)
    _save(visitor)
    _wait_until_saved(visitor)
    assert field.input_value() == ""
    assert _settings(own_server)["writer_key"]["isSet"]
    visitor.page.reload()
    _open(visitor)
    _row(visitor, "writer_key").get_by_text("Set").first.wait_for()
    assert _KEY not in visitor.page.content()
    assert _KEY not in httpx.get(f"{own_server.url}/api/settings").text
    _row(visitor, "writer_key").get_by_test_id("setting-reset").click()
    _save(visitor)
    _wait_until_saved(visitor)
    assert not _settings(own_server)["writer_key"]["isSet"]


def test_what_was_typed_outlives_the_dialog(own_server: OwnServer, invite: Invite) -> None:
    visitor = invite(own_server.url)
    _open(visitor)
    before = _field(visitor, "jpeg_quality").input_value()
    _field(visitor, "jpeg_quality").fill("61")
    visitor.page.keyboard.press("Escape")
    visitor.by_id("toasts").get_by_text("1 change is not saved").wait_for()
    assert visitor.page.evaluate(_FOCUSED) == "server-settings-button"
    _open(visitor)
    assert _field(visitor, "jpeg_quality").input_value() == "61"
    visitor.by_id("server-settings-discard").press("Enter")
    assert _field(visitor, "jpeg_quality").input_value() == before
    assert visitor.page.evaluate(_FOCUSED) == "server-settings-search"


# ------------------------------------------------------------------------------------------------------- the file


def test_a_broken_file_is_told_with_its_line(own_server: OwnServer, invite: Invite) -> None:
    visitor = invite(own_server.url)
    file = own_server.file
    _change_by_rest(own_server, jpeg_quality=70)
    good = file.read_text(encoding="utf-8")
    file.write_text(f"{good}\nmax_upload_mib = = 3\n", encoding="utf-8")
    httpx.post(f"{own_server.url}/api/settings/reload")
    visitor.page.reload()
    visitor.by_id("settings-fault").get_by_text("line").wait_for()
    visitor.by_id("settings-fault").get_by_role("button").click()
    fault = visitor.by_id("server-settings-fault")
    fault.get_by_text("The server goes on with the last good settings").wait_for()
    assert f"line {len(good.splitlines()) + 2}" in fault.inner_text()
    assert "settings.toml" in fault.inner_text()
    assert visitor.page.locator("#server-settings-file").inner_text() == str(file)
    file.write_text(good, encoding="utf-8")
    visitor.by_id("server-settings-reload").click()
    fault.wait_for(state="hidden")
    assert _field(visitor, "jpeg_quality").input_value() == "70"
    visitor.by_id("server-settings-close").click()
    visitor.by_id("settings-fault").wait_for(state="hidden")


# ------------------------------------------------------------------------------------------------------ dead ends


def test_a_place_in_words_leads_to_its_settings_and_back(
    own_server: OwnServer, invite: Invite, endpoint: OpenAIServer
) -> None:
    visitor = invite(own_server.url)
    visitor.by_id("words-card").click()
    visitor.by_id("authoring-mend").wait_for()
    assert visitor.page.evaluate(_FOCUSED) == "authoring-mend"
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_function("() => document.activeElement?.id === 'setting-writer_endpoint-field'")
    words = words_of(endpoint)
    for name in ("writer", "image"):
        _field(visitor, f"{name}_endpoint").fill(words["TERRARIUM_WRITER_ENDPOINT"])
        _field(visitor, f"{name}_model").fill(name)
    _save(visitor)
    _wait_until_saved(visitor)
    visitor.page.keyboard.press("Escape")
    visitor.by_id("authoring-prompt").wait_for()
    assert visitor.by_id("authoring-mend").is_hidden()
    visitor.by_id("authoring-prompt").fill("a desert of glass")
    visitor.page.keyboard.press("Enter")
    visitor.by_id("toasts").get_by_text("Added to the gallery").wait_for()


def test_the_menu_leads_there_too(visitor: Visitor) -> None:
    visitor.enter()
    visitor.pause()
    visitor.by_id("edit-scene-button").click()
    visitor.by_id("authoring-mend").click()
    visitor.page.wait_for_function("() => document.activeElement?.id === 'setting-writer_endpoint-field'")
    visitor.page.keyboard.press("Escape")
    assert visitor.page.evaluate(_FOCUSED) == "authoring-mend"
    visitor.page.keyboard.press("Escape")
    visitor.by_id("menu-server-settings-button").press("Enter")
    visitor.by_id("server-setting").first.wait_for()
    visitor.page.keyboard.press("Escape")
    assert visitor.page.evaluate(_FOCUSED) == "menu-server-settings-button"
    assert visitor.page.evaluate("terrarium.state") == "paused"


# ------------------------------------------------------------------------------------------------------- everybody


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_view_is_fit_for_everybody(own_server: OwnServer, invite: Invite, size: ViewportSize) -> None:
    visitor = invite(own_server.url, viewport=size)
    assert faults_of(visitor.page) == []
    _open(visitor)
    _field(visitor, "jpeg_quality").fill("400")
    _save(visitor)
    visitor.by_id("server-settings-notice").wait_for()
    visitor.excuse("422")
    assert faults_of(visitor.page) == []
    names = go_round(visitor.page)
    assert {"server-settings-close", "server-settings-search", "server-settings-save", "setting-field"} <= set(names)
