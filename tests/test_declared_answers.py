"""What `/openapi.json` has to say of every route, whoever adds one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pytest
from fastapi.routing import APIRoute

from _routes._answers import ANYWHERE
from app_factory import create_app
from app_handler import AppHandler
from error_types import HTTP_STATUS
from runtime_config.launch_settings import Launch
from runtime_config.runtime_config import AccessConfig, RuntimeConfig
from tests.play.harness import fake_services

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

Operation: TypeAlias = dict[str, Any]
# Settings that will not do are named one by one, but a body that is no request is refused as any other.
ERRORS: Final = {
    ("PATCH /api/settings", "422"): {
        "application/json": {
            "schema": {
                "anyOf": [
                    {"$ref": "#/components/schemas/FieldsRefusedResponse"},
                    {"$ref": "#/components/schemas/ErrorResponse"},
                ],
                "title": "Response 422 Route Change Settings Api Settings Patch",
            }
        }
    }
}
ERROR: Final = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}}
OPENAI_ERROR: Final = {"application/json": {"schema": {"$ref": "#/components/schemas/OpenAiErrorResponse"}}}


def _app(**access: Any) -> FastAPI:
    config = RuntimeConfig(data_dir=Path("unused"), access=AccessConfig(**access))
    return create_app(AppHandler(Launch.of(config), fake_services()))


def _operations() -> Iterator[tuple[str, Operation]]:
    document = _app().openapi()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


@pytest.fixture(scope="module", name="operations")
def operations_fixture() -> dict[str, Operation]:
    return dict(_operations())


def test_every_route_is_described_unless_it_is_the_head_of_one_that_is() -> None:
    hidden = {
        f"{method} {route.path}"
        for route in _app().routes
        if isinstance(route, APIRoute) and not route.include_in_schema
        for method in route.methods or ()
    }
    assert all(name.startswith("HEAD ") for name in hidden)


def test_every_route_declares_what_any_route_can_answer(operations: dict[str, Operation]) -> None:
    anywhere = {str(HTTP_STATUS[code]) for code in ANYWHERE}
    assert {name for name, operation in operations.items() if not anywhere <= operation["responses"].keys()} == set()


def test_every_status_is_named_and_none_is_a_wildcard(operations: dict[str, Operation]) -> None:
    for name, operation in operations.items():
        assert all(status.isdigit() for status in operation["responses"]), name


def test_every_error_has_the_body_of_errors(operations: dict[str, Operation]) -> None:
    for name, operation in operations.items():
        usual = OPENAI_ERROR if " /v1/" in name else ERROR
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert answer["content"] == ERRORS.get((name, status), usual), (name, status)


def test_what_is_named_in_a_path_may_be_unknown(operations: dict[str, Operation]) -> None:
    for name, operation in operations.items():
        if "{" in name:
            assert "404" in operation["responses"], name


def test_every_success_has_a_type_or_no_body(operations: dict[str, Operation]) -> None:
    for name, operation in operations.items():
        successes = {status: answer for status, answer in operation["responses"].items() if int(status) < 300}
        assert successes, name
        for status, answer in successes.items():
            assert (status == "204") != bool(answer.get("content")), (name, status)


def test_a_server_that_asks_for_its_token_says_so() -> None:
    assert "security" not in _app().openapi()
    guarded = _app(token="secret").openapi()
    assert guarded["security"] == [{"token": []}]
    assert guarded["components"]["securitySchemes"] == {"token": {"type": "http", "scheme": "bearer"}}
    assert guarded["paths"]["/health"]["get"]["security"] == []
    people = _app(accounts=True, allow_anonymous=True).openapi()
    assert people["security"] == [{"token": []}, {"session": []}, {}]
    cookie = {"type": "apiKey", "in": "cookie", "name": "terrarium_account_7987"}
    assert people["components"]["securitySchemes"]["session"] == cookie
    assert people["paths"]["/api/account/sign-in"]["post"]["security"] == []
    assert "security" not in people["paths"]["/api/account/tokens"]["post"]
    assert _app(token="secret", allow_anonymous=True).openapi()["security"] == [{"token": []}, {}]


def test_a_job_is_asked_for_in_the_shape_of_its_kind() -> None:
    schemas = _app().openapi()["components"]["schemas"]
    kinds = {kind["properties"]["kind"]["const"]: kind for kind in schemas["SubmitJobBody"]["oneOf"]}
    assert {"scene", "replay_film"} <= kinds.keys()
    assert "prompt" in schemas["SceneRequest"]["properties"]


def test_the_codes_of_errors_are_listed() -> None:
    schemas = _app().openapi()["components"]["schemas"]
    assert "seedUnknown" in schemas["ErrorCode"]["enum"]
    assert schemas["ErrorResponse"]["properties"]["code"] == {"$ref": "#/components/schemas/ErrorCode"}
    assert "HTTPValidationError" not in schemas
