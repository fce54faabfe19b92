"""Creates the FastAPI application: routes, error handlers, network middleware and the page's files."""

from __future__ import annotations

from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from _routes import (
    account,
    agents,
    doctor,
    feedback,
    guests,
    health,
    jobs,
    library,
    loaded_models,
    metrics,
    models,
    moments,
    openai_videos,
    people,
    recordings,
    scenes,
    seeds,
    sessions,
    settings,
    shutdown,
    system_info,
    video,
    watch,
    websocket,
    worlds,
)
from _routes._answers import answers_of_any_route
from _routes._openapi import DescribedApp
from api_types import FieldsRefusedResponse
from error_answers import error_body, is_openai
from error_types import (
    DomainError,
    ErrorCode,
    FieldsRefusedError,
    NothingFollowsError,
    RetryLaterError,
    first_fault,
    first_part,
)
from logging_policy import log_refusal
from network.http_metrics import HttpMetricsMiddleware
from network.middleware_stack import BodyLimit, network_middleware
from network.page_files import PageFiles
from network.unmatched_requests import UnmatchedRequests
from runtime_config.constants import PAGE_DIR, VERSION
from sign_in import cookie_name
from state.deps import attach_state_service

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from fastapi import FastAPI
    from starlette.requests import HTTPConnection

    from app_handler import AppHandler

_STATUS_CODES = MappingProxyType({404: ErrorCode.NOT_FOUND, 405: ErrorCode.METHOD_NOT_ALLOWED})


def create_app(handler: AppHandler) -> FastAPI:
    """An application that serves `handler`. Several can exist in one process."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with handler.running():
            yield

    config = handler.settings.current
    access = config.now.access
    app = DescribedApp(
        job_requests=handler.job_kinds.request_models(),
        asks_for_token=access.token is not None or access.accounts,
        session_cookie=cookie_name(access.port) if access.accounts else None,
        welcomes_anybody=access.allow_anonymous,
        title="Terrarium",
        version=VERSION,
        lifespan=lifespan,
        docs_url=None,  # the docs pages load scripts from other sites
        redoc_url=None,
        middleware=[
            *network_middleware(
                config.part(lambda config: config.access),
                config.part(lambda config: _uploads(config.max_upload_bytes, config.films.source_bytes)),
                people=handler.identity,
                error_linger_s=config.now.limits.error_linger_s,
            ),
            Middleware(HttpMetricsMiddleware, metrics=handler.services.metrics),
        ],
        responses=answers_of_any_route(),
    )
    attach_state_service(app, handler)
    resources = (
        health,
        shutdown,
        models,
        library,
        loaded_models,
        system_info,
        doctor,
        seeds,
        scenes,
        recordings,
        worlds,
        jobs,
        video,
        openai_videos,
        feedback,
        sessions,
        settings,
        guests,
        moments,
        account,
        people,
        metrics,
        websocket,
        watch,
        agents,
    )
    for resource in resources:
        app.include_router(resource.router)
    app.add_exception_handler(DomainError, _on_domain_error)
    app.add_exception_handler(NothingFollowsError, _on_nothing_follows)
    app.add_exception_handler(HTTPException, _on_starlette_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.mount("/", UnmatchedRequests(tuple(app.routes), PageFiles(PAGE_DIR)))
    return app


def _uploads(most_bytes: int, most_source_bytes: int) -> Mapping[str, BodyLimit]:
    """The routes whose requests have a file for a body."""
    return {
        "/api/seeds": BodyLimit(most_bytes, ErrorCode.SEED_TOO_LARGE, "The picture"),
        "/api/worlds": BodyLimit(most_bytes, ErrorCode.WORLD_TOO_LARGE, "The world file"),
        "/api/video/sources": BodyLimit(most_source_bytes, ErrorCode.FILM_SOURCE_TOO_LARGE, "The file"),
        "/api/video/again": BodyLimit(most_source_bytes, ErrorCode.FILM_SOURCE_TOO_LARGE, "The film"),
        "/v1/videos": BodyLimit(_with_base64(most_bytes), ErrorCode.SEED_TOO_LARGE, "The request"),
    }


def _with_base64(most_bytes: int) -> int:
    """A picture of that size in a text, with the words beside it."""
    return most_bytes * 4 // 3 + 1024 * 1024


def _answer(
    path: str, status: int, code: ErrorCode, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    # OpenAI's clients try again after any 409, but what is in the way here goes by nobody's waiting.
    all_headers = {**(headers or {}), "x-should-retry": "false"} if status == 409 and is_openai(path) else headers
    return Response(error_body(path, code, message), status, all_headers, "application/json")


def _on_domain_error(connection: HTTPConnection, error: Exception) -> Response:
    if connection.scope["type"] == "websocket":  # there is no response to send: the error boundary closes the socket
        raise error
    refused = cast("DomainError", error)
    log_refusal(refused)
    if isinstance(refused, FieldsRefusedError):
        faults = FieldsRefusedResponse(code=refused.code, message=refused.message, faults=dict(refused.faults))
        return JSONResponse(faults.model_dump(), refused.http_status)
    headers = {"Retry-After": str(refused.retry_after_s)} if isinstance(refused, RetryLaterError) else None
    return _answer(connection.scope["path"], refused.http_status, refused.code, refused.message, headers)


def _on_nothing_follows(_: Request, __: Exception) -> Response:
    return Response(status_code=204)


def _on_starlette_error(request: Request, error: Exception) -> Response:
    refused = cast("HTTPException", error)
    code = _STATUS_CODES.get(refused.status_code, ErrorCode.INVALID_REQUEST)
    return _answer(request.scope["path"], refused.status_code, code, refused.detail, refused.headers)


def _on_invalid_request(request: Request, error: Exception) -> Response:
    faults = cast("RequestValidationError", error).errors()
    body = error_body(request.scope["path"], ErrorCode.INVALID_REQUEST, first_fault(faults), param=first_part(faults))
    return Response(body, 422, media_type="application/json")
