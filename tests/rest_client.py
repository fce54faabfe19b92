"""The real app with fake services behind a TestClient on loopback."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
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
    services: ServiceBundle | None = None, *, folder: Path | None = None, **config: Any
) -> Generator[TestClient]:
    """Without a `folder` for its data the server has one for itself: jobs put their pictures there whatever the stores
    are."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as own:
        runtime = RuntimeConfig(data_dir=folder or Path(own), **config)
        app = create_app(AppHandler(Launch.of(runtime), services or fake_services()))
        with TestClient(app, base_url="http://127.0.0.1:7987", client=("127.0.0.1", 50000)) as client:
            yield client
