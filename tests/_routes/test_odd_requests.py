"""No request to these resources, however odd, is the server's own mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from services.world_files.directory_world_store import DirectoryWorldStore
from tests.fakes.fake_image_editor import FakeImageEditor
from tests.fakes.fake_prompt_writer import FakePromptWriter
from tests.play.harness import fake_services, picture
from tests.rest_client import rest_client

if TYPE_CHECKING:
    from pathlib import Path

NAMES = (".", "..", " ", "\0", "%", "a" * 5000, "\N{SNOWMAN}", "\u202e", "con", "a/../b", "*?", "\n", "-1", "%2e%2e%2f")
REQUESTS = (
    ("GET", "/api/seeds/{}/image"),
    ("GET", "/api/seeds/{}/thumbnail"),
    ("DELETE", "/api/seeds/{}"),
    ("GET", "/api/worlds/{}/file"),
    ("GET", "/api/worlds/{}/thumbnail"),
    ("DELETE", "/api/worlds/{}"),
    ("GET", "/api/recordings/{}"),
    ("GET", "/api/recordings/{}/video"),
    ("GET", "/api/recordings/{}/thumbnail"),
    ("DELETE", "/api/recordings/{}"),
    ("GET", "/api/recordings?after={}"),
    ("GET", "/api/jobs/{}"),
    ("GET", "/api/jobs/{}/stream"),
    ("GET", "/api/jobs/{}/file"),
    ("POST", "/api/jobs/{}/cancel"),
    ("DELETE", "/api/jobs/{}"),
    ("DELETE", "/api/scenes/{}"),
    ("GET", "/api/model-info/{}"),
    ("DELETE", "/api/cached-model/{}"),
    ("DELETE", "/api/cached-model/owner/{}"),
)


@pytest.mark.parametrize(("method", "path"), REQUESTS)
def test_odd_names(method: str, path: str, tmp_path: Path) -> None:
    services = fake_services(
        world_store=DirectoryWorldStore(tmp_path / "worlds", 5), recordings_dir=tmp_path, cache_dir=tmp_path / "hub"
    )
    with rest_client(services) as client:
        for name in NAMES:
            answer = client.request(method, path.format(quote(name, safe="")))
            assert answer.status_code < 500, name


@pytest.mark.parametrize("title", [*NAMES, ""])
def test_odd_titles(title: str) -> None:
    services = fake_services(prompt_writer=FakePromptWriter(), image_editor=FakeImageEditor())
    with rest_client(services) as client:
        assert client.post("/api/seeds", params={"title": title}, content=picture(1)).status_code == 201
        assert client.patch("/api/worlds/0", json={"title": title}).status_code in (404, 422)
        assert client.patch("/api/recordings/x", json={"name": title}).status_code in (404, 409, 422)
        assert client.post("/api/jobs", json={"kind": "scene", "request": {"prompt": title}}).status_code in (202, 422)
        lone = '{"prompt": "\\ud800", "title": "\\ud800", "name": "\\ud800"}'
        for method, path in (("POST", "/api/jobs"), ("PATCH", "/api/worlds/0"), ("PATCH", "/api/recordings/x")):
            answer = client.request(method, path, content=lone, headers={"Content-Type": "application/json"})
            assert answer.status_code == 422


@pytest.mark.parametrize("after", ["nan x", "inf x", "-inf x", "1e999 ", "x", "", " ", "1 \0"])
def test_odd_pages_of_recordings(after: str, tmp_path: Path) -> None:
    with rest_client(fake_services(recordings_dir=tmp_path)) as client:
        assert client.get("/api/recordings", params={"after": after}).status_code in (200, 422)
