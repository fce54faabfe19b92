"""The app as a whole: its lifetime, its errors, several of them side by side."""

from __future__ import annotations

from fastapi import FastAPI

from state.deps import attach_state_service
from tests.rest_client import rest_client


def test_several_apps_live_in_one_process() -> None:
    with rest_client(launched_from_standalone=True) as one, rest_client() as two:
        assert one.get("/health").json()["launched_from_standalone"] is True
        assert two.get("/health").json()["launched_from_standalone"] is False


def test_a_route_without_a_handler_answers_503() -> None:
    with rest_client() as client:
        app = client.app
        assert isinstance(app, FastAPI)
        handler = app.state.handler
        del app.state.handler
        answer = client.get("/health")
        attach_state_service(app, handler)
    assert (answer.status_code, answer.json()["code"]) == (503, "serviceUnavailable")


def test_every_error_is_a_code_and_a_message_with_a_request_id() -> None:
    with rest_client() as client:
        for method, path, status, code in (
            ("GET", "/api/nothing", 404, "notFound"),
            ("DELETE", "/health", 405, "methodNotAllowed"),
            ("GET", "/api/models?backend=nonsense", 422, "invalidRequest"),
            ("GET", "/api/seeds/unknown/image", 404, "seedUnknown"),
        ):
            answer = client.request(method, path)
            assert (answer.status_code, answer.json()["code"]) == (status, code), path
            assert set(answer.json()) == {"code", "message"}
            assert answer.json()["message"]
            assert answer.headers["x-request-id"]


def test_an_unexpected_failure_gives_nothing_away() -> None:
    with rest_client() as client:
        app = client.app
        assert isinstance(app, FastAPI)

        def broken() -> None:
            raise RuntimeError("secret path /home/somebody")

        app.router.add_api_route("/broken", broken)
        app.router.routes.insert(0, app.router.routes.pop())  # before the page's catch-all
        answer = client.get("/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "/home" not in answer.text


def test_the_server_is_serving_while_the_app_lives_and_stopping_after() -> None:
    with rest_client() as client:
        assert client.get("/health").json()["startup_complete"] is True
