"""One Chromium and one server for all browser tests, a fresh profile for each, and evidence where one fails."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import pytest

from tests.browser.server_process import ServerProcess
from tests.browser.studio import answer_of_studio, words_of
from tests.browser.tiny_models import TinyModels, make_tiny_models
from tests.browser.visitor import Visitor
from tests.services.openai_server import OpenAIServer, openai_server
from tests.waiting import deadline_s
from tests.web.node_tools import skip_or_fail

if TYPE_CHECKING:
    from collections.abc import Generator

    from playwright.sync_api import Browser

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_DEADLINE_MS: Final = deadline_s() * 1000
_VISITORS: Final = pytest.StashKey[list[Visitor]]()
_SERVERS: Final = pytest.StashKey[list[ServerProcess]]()


def _find_chromium() -> str:
    chosen = os.environ.get("TERRARIUM_CHROMIUM")
    if chosen:
        return shutil.which(chosen) or skip_or_fail(f"TERRARIUM_CHROMIUM names no program: {chosen}")
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    return found or skip_or_fail(f"no Chromium: none of {', '.join(_NAMES)} is on PATH, nor is TERRARIUM_CHROMIUM set")


# Not for the whole session: an open Playwright keeps an event loop in this thread, and later tests need their own.
@pytest.fixture(name="browser", scope="package")
def fixture_browser() -> Generator[Browser]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        skip_or_fail("the Python package playwright is not installed")
    chromium = _find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(_ARGUMENTS))
        yield browser
        browser.close()


class StartServer(Protocol):
    def __call__(self, **environment: str) -> ServerProcess: ...


@pytest.fixture(name="start_server")
def fixture_start_server(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[StartServer]:
    """Start a server of the test's own."""
    servers: list[ServerProcess] = []

    def start(**environment: str) -> ServerProcess:
        data_dir = tmp_path / f"data{len(servers)}"
        data_dir.mkdir()
        server = ServerProcess(data_dir, environment)
        servers.append(server)
        show_log_of(server, request)
        server.start()
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(name="shared_server", scope="package")
def fixture_shared_server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Generator[ServerProcess]:
    del browser  # without one the server is not needed
    server = ServerProcess(tmp_path_factory.mktemp("data"), {})
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(name="server")
def fixture_server(request: pytest.FixtureRequest, shared_server: ServerProcess) -> ServerProcess:
    show_log_of(shared_server, request)
    return shared_server


def _stash_of(request: pytest.FixtureRequest) -> pytest.Stash:
    """Of the test that asks."""
    return cast("pytest.Item", request.node).stash  # pyright: ignore[reportUnknownMemberType] - pytest leaves it open


def show_log_of(server: ServerProcess, request: pytest.FixtureRequest) -> None:
    """If the test that asks fails."""
    _stash_of(request).setdefault(_SERVERS, []).append(server)


class Invite(Protocol):
    def __call__(self, url: str, **context: Any) -> Visitor: ...


@pytest.fixture(name="invite")
def fixture_invite(request: pytest.FixtureRequest, browser: Browser, start_server: StartServer) -> Generator[Invite]:
    """Open the page for a visitor with a profile of their own; nobody may leave with complaints in the console."""
    del start_server  # visitors leave before the servers stop
    visitors = _stash_of(request).setdefault(_VISITORS, [])

    def invite(url: str, **context: Any) -> Visitor:
        options: dict[str, Any] = {"viewport": {"width": 960, "height": 540}, **context}
        profile = browser.new_context(**options)
        profile.set_default_timeout(_DEADLINE_MS)
        visitor = Visitor(profile.new_page())
        visitors.append(visitor)
        visitor.open(url)
        return visitor

    yield invite
    for visitor in visitors:
        visitor.page.context.close()
    assert [visitor.complaints for visitor in visitors if visitor.complaints] == []


@pytest.fixture(name="visitor")
def fixture_visitor(server: ServerProcess, invite: Invite) -> Visitor:
    """In the gallery of the shared server, at a desk."""
    return invite(server.url)


@pytest.fixture(name="models", scope="package")
def fixture_models(tmp_path_factory: pytest.TempPathFactory) -> TinyModels:
    return make_tiny_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(name="endpoint", scope="package")
def fixture_endpoint() -> Generator[OpenAIServer]:
    with openai_server(answer_of_studio) as endpoint:
        yield endpoint


@pytest.fixture(name="studio_server", scope="module")
def fixture_studio_server(
    browser: Browser, models: TinyModels, endpoint: OpenAIServer, tmp_path_factory: pytest.TempPathFactory
) -> Generator[ServerProcess]:
    del browser  # without one the server is not needed
    environment = {
        **words_of(endpoint),
        "TERRARIUM_LOCAL_IMAGES": "cpu",
        "TERRARIUM_LOCAL_IMAGE_FOLDER": str(models.image_model),
        "HF_HUB_CACHE": str(models.lenient),
    }
    server = ServerProcess(tmp_path_factory.mktemp("studio"), environment)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(name="artist")
def fixture_artist(request: pytest.FixtureRequest, studio_server: ServerProcess, invite: Invite) -> Visitor:
    """In the gallery of a server that can make scenes."""
    show_log_of(studio_server, request)
    return invite(studio_server.url)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for number, visitor in enumerate(item.stash.setdefault(_VISITORS, [])):
            report.sections.append((f"Visitor {number}", _evidence(visitor, item, number)))
        for server in item.stash.setdefault(_SERVERS, []):
            report.sections.append((f"Log of {server.url}", server.log()))
    return report


def _evidence(visitor: Visitor, item: pytest.Item, number: int) -> str:
    folder = Path(os.environ.get("TERRARIUM_TEST_ARTIFACTS") or item.config.rootpath / "build" / "browser")
    path = folder / f"{item.name}-{number}.png"
    try:
        visitor.page.screenshot(path=path, timeout=deadline_s(5) * 1000)
        report = visitor.page.evaluate("globalThis.terrarium?.report() ?? ''")
    except Exception as error:  # noqa: BLE001 -- whatever broke the page must not hide why the test failed
        report = f"The page could not be read: {error}"
    return "\n".join([f"Screenshot: {path}", *visitor.complaints, str(report)[-6000:]])
