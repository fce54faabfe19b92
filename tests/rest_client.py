"""The real app with fake services behind a TestClient on loopback."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.testclient import TestClient

from app_factory import create_app
from app_handler import AppHandler
from runtime_config.launch_settings import Launch
from runtime_config.runtime_config import RuntimeConfig
from tests.play.harness import fake_services

if TYPE_CHECKING:
    from collections.abc import Generator

    from service_bundle import ServiceBundle


@contextmanager
def rest_client(
    services: ServiceBundle | None = None, *, folder: Path = Path("unused"), **config: Any
) -> Generator[TestClient]:
    handler = AppHandler(Launch.of(RuntimeConfig(data_dir=folder, **config)), services or fake_services())
    app = create_app(handler)
    with TestClient(app, base_url="http://127.0.0.1:7987", client=("127.0.0.1", 50000)) as client:
        yield client
