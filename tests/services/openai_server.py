"""A real HTTP server that speaks the OpenAI format, and answers as a test tells it to, however badly."""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from runtime_config.authoring_config import EndpointConfig
from tests.network.live_server import serving
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from starlette.requests import Request

Answer: TypeAlias = "Response | Callable[[Request], Awaitable[Response]]"


def call(name: str, arguments: object) -> Response:
    """A completion with one tool call, its arguments as JSON text."""
    return calls((name, json.dumps(arguments)))


def calls(*made: tuple[str, object]) -> Response:
    """A completion with these tool calls, the arguments as they are."""
    functions = [{"type": "function", "function": {"name": name, "arguments": given}} for name, given in made]
    return JSONResponse({"choices": [{"message": {"role": "assistant", "tool_calls": functions}}]})


def says(text: str) -> Response:
    return JSONResponse({"choices": [{"message": {"role": "assistant", "content": text}}]})


def image(data: bytes) -> Response:
    return JSONResponse({"created": 0, "data": [{"b64_json": base64.b64encode(data).decode()}]})


def image_at(url: str) -> Response:
    return JSONResponse({"data": [{"url": url}]})


@dataclass
class Asked:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)


@dataclass
class OpenAIServer:
    """`answers` are given one after the other, the last one again and again. `asked` is what came."""

    base_url: str = ""
    answers: list[Answer] = field(default_factory=list[Answer])
    asked: list[Asked] = field(default_factory=list[Asked])

    def endpoint(self, *, key: str | None = "secret-key", timeout_s: float = deadline_s()) -> EndpointConfig:
        return EndpointConfig(f"{self.base_url}/v1", "some-model", key, timeout_s)

    async def answer(self, request: Request) -> Response:
        self.asked.append(Asked(request.url.path, dict(request.headers), await request.body()))
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return found if isinstance(found, Response) else await found(request)


@contextmanager
def openai_server(*answers: Answer) -> Generator[OpenAIServer]:
    told = OpenAIServer(answers=list(answers))
    app = Starlette(routes=[Route("/{path:path}", told.answer, methods=["GET", "POST"])])
    with serving(app) as server:
        told.base_url = f"http://127.0.0.1:{server.port}"
        yield told
