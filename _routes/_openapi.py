"""`/openapi.json`: what FastAPI derives from the routes, with what it cannot know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from _routes._answers import ERROR_SCHEMA
from access_rules import ROUTES, ByLink, Open
from api_types import ErrorResponse, SubmitJobBody
from error_answers import OpenAiErrorResponse, is_openai
from openai_video_types import CreateVideoBody

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

_REF: Final = "#/components/schemas/{model}"


class DescribedApp(FastAPI):
    """A FastAPI whose `/openapi.json` is complete.

    `job_requests` are the models of what may be asked of a job, by its kind. `asks_for_token`: the server has one,
    or people have tokens of their own; `session_cookie` is the cookie of people who have signed in, None without
    accounts; `welcomes_anybody`: and others may come in as well, for less.
    """

    def __init__(
        self,
        *,
        job_requests: Mapping[str, type[BaseModel]],
        asks_for_token: bool,
        session_cookie: str | None,
        welcomes_anybody: bool,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._job_requests = job_requests
        self._asks_for_token = asks_for_token
        self._session_cookie = session_cookie
        self._welcomes_anybody = welcomes_anybody

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            _complete(document, self._job_requests)
            if self._asks_for_token:
                _tell_of_token(document, self._session_cookie, is_optional=self._welcomes_anybody)
        return cast("dict[str, Any]", self.openapi_schema)


def _complete(document: dict[str, Any], job_requests: Mapping[str, type[BaseModel]]) -> None:
    schemas: dict[str, Any] = document["components"]["schemas"]
    models = [ErrorResponse, OpenAiErrorResponse, CreateVideoBody, *job_requests.values()]
    made = models_json_schema([(model, "validation") for model in models], ref_template=_REF)[1]
    schemas.update(made["$defs"])
    schemas[SubmitJobBody.__name__] = _job_of_any(job_requests)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _tell_our_errors(operation["responses"])
            if is_openai(path):
                _tell_openai_errors(operation["responses"])
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)


def _tell_of_token(document: dict[str, Any], session_cookie: str | None, *, is_optional: bool) -> None:
    schemes: dict[str, Any] = {"token": {"type": "http", "scheme": "bearer"}}
    if session_cookie is not None:
        schemes["session"] = {"type": "apiKey", "in": "cookie", "name": session_cookie}
    document["components"]["securitySchemes"] = schemes
    document["security"] = [*({name: []} for name in schemes), *([{}] if is_optional else [])]
    document["paths"]["/health"]["get"]["security"] = []
    needs_none = ByLink if session_cookie is None else (ByLink, Open)
    for (method, path), rule in ROUTES.items():
        operation = document["paths"].get(path, {}).get(method.lower())
        if operation is not None and isinstance(rule, needs_none):
            operation["security"] = []


def _tell_our_errors(responses: dict[str, Any]) -> None:
    """FastAPI would describe its own body where a request does not fit the schema."""
    invalid = responses.get("422")
    if invalid is not None and "HTTPValidationError" in str(invalid):
        described = "Unprocessable Content: `invalidRequest`"
        responses["422"] = {"description": described, "content": {"application/json": {"schema": dict(ERROR_SCHEMA)}}}


def _tell_openai_errors(responses: dict[str, Any]) -> None:
    content = {"application/json": {"schema": {"$ref": _REF.format(model=OpenAiErrorResponse.__name__)}}}
    for status, answer in responses.items():
        if int(status) >= 400:
            answer["content"] = content


def _job_of_any(job_requests: Mapping[str, type[BaseModel]]) -> dict[str, Any]:
    """One of the kinds of jobs, with a request of its own shape."""
    kinds = [
        {
            "type": "object",
            "properties": {
                "kind": {"const": kind, "type": "string"},
                "request": {"$ref": _REF.format(model=model.__name__)},
            },
            "required": ["kind", "request"],
            "additionalProperties": False,
        }
        for kind, model in job_requests.items()
    ]
    return {"title": SubmitJobBody.__name__, "description": SubmitJobBody.__doc__, "oneOf": kinds}
