"""What HTTP says of methods, for every path that the app declares."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fastapi import FastAPI

from tests.rest_client import rest_client

if TYPE_CHECKING:
    from starlette.testclient import TestClient

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def declared(client: TestClient) -> dict[str, set[str]]:
    """Each path of the app, its placeholders filled, and the methods that routes declare for it."""
    assert isinstance(client.app, FastAPI)
    paths = client.app.openapi()["paths"]
    assert len(paths) > 15
    return {re.sub(r"\{.*?\}", "unknown", path): {method.upper() for method in entry} for path, entry in paths.items()}


def test_head_is_get_without_its_body() -> None:
    with rest_client() as client:
        for path, methods in declared(client).items():
            if "GET" not in methods:
                assert client.head(path).status_code == 405, path
                continue
            if path == "/api/events":  # whose body does not end
                assert client.head(path).headers["content-type"].startswith("text/event-stream")
                continue
            got, head = client.get(path), client.head(path)
            assert (head.status_code, head.content) == (got.status_code, b""), path
            assert head.headers["content-type"] == got.headers["content-type"]
            if path not in (
                "/metrics",
                "/health",
                "/api/feedback/export",
            ):  # whose figures change, or which is a stream
                assert head.headers["content-length"] == got.headers["content-length"], path


def test_an_undeclared_method_is_told_the_declared_ones() -> None:
    with rest_client() as client:
        for path, methods in declared(client).items():
            allowed = methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set[str]())
            options = client.options(path)
            assert (options.status_code, options.content) == (204, b"")
            assert set(options.headers["allow"].split(", ")) == allowed, path
            for method in set(METHODS) - methods:
                answer = client.request(method, path)
                told = answer.json()["error"] if path.startswith("/v1/") else answer.json()
                assert (answer.status_code, told["code"]) == (405, "methodNotAllowed"), (method, path)
                assert answer.headers["allow"] == options.headers["allow"]


def test_the_pages_files_can_be_read_only() -> None:
    with rest_client() as client:
        for path in ("/", "/app.js"):
            for answer, status in ((client.options(path), 204), (client.delete(path), 405)):
                assert (answer.status_code, answer.headers["allow"]) == (status, "GET, HEAD, OPTIONS")
        assert client.head("/app.js").headers["content-length"] == str(len(client.get("/app.js").content))


def test_the_pages_files_are_sent_whole_or_not_at_all() -> None:
    with rest_client() as client:
        whole = client.get("/app.js")
        assert whole.headers["accept-ranges"] == "none"
        for header in ("bytes=0-9", "bytes=9-1", "lines=1"):
            answer = client.get("/app.js", headers={"Range": header})
            assert (answer.status_code, answer.content) == (200, whole.content)
        assert client.get("/app.js", headers={"If-None-Match": whole.headers["etag"]}).status_code == 304


def test_a_path_that_is_not_there_is_not_found_by_any_method() -> None:
    with rest_client() as client:
        for method in (*METHODS, "HEAD", "OPTIONS", "TRACE"):
            for path in ("/nowhere", "/api/nothing", "/tests/app.test.js"):
                answer = client.request(method, path)
                assert answer.status_code == 404, (method, path)
                assert "allow" not in answer.headers


def test_a_head_is_counted_under_its_route() -> None:
    with rest_client() as client:
        client.head("/health")
        text = client.get("/metrics").text
    assert re.search(r'\{method="HEAD",route="/health",status="200"\} 1', text)
