"""Pages of allowed origins may read the answers, and nobody else."""

from __future__ import annotations

import pytest

from access_rules import ROUTES
from runtime_config.runtime_config import AccessConfig
from tests.rest_client import rest_client

ORIGIN = "http://localhost:5173"


def test_an_allowed_origin_may_read_answers_and_send_its_token() -> None:
    access = AccessConfig(allowed_origins=(ORIGIN,), token="x" * 20)
    with rest_client(access=access) as client:
        asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
        preflight = client.options("/api/seeds", headers={**asked, "Access-Control-Request-Headers": "authorization"})
        assert preflight.headers["access-control-allow-origin"] == ORIGIN
        answer = client.get("/api/seeds", headers={"Origin": ORIGIN, "Authorization": "Bearer " + "x" * 20})
        assert answer.headers["access-control-allow-origin"] == ORIGIN


def test_another_origin_is_refused_before_anything_else() -> None:
    with rest_client(access=AccessConfig(allowed_origins=(ORIGIN,))) as client:
        answer = client.get("/api/seeds", headers={"Origin": "http://evil.example"})
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("method", sorted({method for method, _ in ROUTES}))
def test_an_allowed_origin_may_use_the_method_of_every_route(method: str) -> None:
    with rest_client(access=AccessConfig(allowed_origins=(ORIGIN,))) as client:
        asked = {"Origin": ORIGIN, "Access-Control-Request-Method": method}
        assert client.options("/api/seeds", headers=asked).status_code == 200
