"""A real server with a fake engine and real JPEGs, for the Python client."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.frame_encoder.simple_jpeg_encoder import SimpleJpegEncoder
from tests.fakes.fake_catalogue import FakeModel
from tests.play.harness import PlayServer, fake_services, picture, play_server

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path
    from typing import Any


@dataclass(frozen=True)
class ClientRig:
    server: PlayServer
    model: FakeModel

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server.port}"


@contextmanager
def client_rig(folder: Path, model: FakeModel | None = None, **config: Any) -> Generator[ClientRig]:
    """A server whose gallery has one picture."""
    model = model or FakeModel()
    services = fake_services(model, encoder=SimpleJpegEncoder(1), recordings_dir=folder)  # pyright: ignore[reportArgumentType] - the harness names the fake, and takes any encoder
    with play_server(services, data_dir=folder, **config) as server:
        access = config.get("access")
        headers = {} if access is None else {"Authorization": f"Bearer {access.token}"}
        answer = server.http.post("/api/seeds", content=picture(90), headers=headers)
        assert answer.status_code in (200, 201), answer.text
        yield ClientRig(server, model)
