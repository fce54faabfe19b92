"""A prompt writer behind a chat endpoint that speaks the OpenAI format, such as Ollama, llama.cpp or vLLM."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from services.http_client.endpoint import complaint, key_header
from services.http_client.http_client import HTTPClientError, HTTPRequestPayload
from services.local_models.model_error import ModelFault
from services.prompt_writer.prompt_writer import PromptWriterError, WriterReady, WriterStatus
from services.prompt_writer.system_prompts import TOOLS
from services.prompt_writer.tool_protocol import MAX_NEW_TOKENS, TEMPERATURE, ToolCall, Turn, write_with_tools

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime_config.authoring_config import EndpointConfig
    from services.http_client.http_client import HTTPClient
    from services.memory_planner.model_memory import Placement
    from services.prompt_writer.prompt_writer import WriterRequest, Written

_MAX_ANSWER_BYTES: Final = 1 << 20


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Function(_Part):
    name: str
    arguments: Any = None


class _Call(_Part):
    function: _Function


class _Message(_Part):
    tool_calls: tuple[_Call, ...] | None = None


class _Choice(_Part):
    message: _Message


class _Completion(_Part):
    choices: tuple[_Choice, ...]


class OpenAIPromptWriter:
    """A `PromptWriter`. With `sees` false the model gets the prompt alone, for models that read no pictures."""

    def __init__(self, http: HTTPClient, endpoint: EndpointConfig, *, sees: bool = True) -> None:
        self._http = http
        self._endpoint = endpoint
        self._sees = sees

    def status(self) -> WriterStatus:
        return WriterReady(self._endpoint.model)

    def place(self, placement: Placement) -> None:
        """A server elsewhere takes no memory here."""

    async def prepare(self) -> None:
        """The endpoint loads its model itself."""

    async def write(self, request: WriterRequest) -> Written:
        return await write_with_tools(self._ask, request)

    def unload(self) -> None:
        """There is nothing to give back."""

    def close(self) -> None:
        """There is nothing to give back."""

    async def _ask(self, turns: Sequence[Turn]) -> Sequence[ToolCall]:
        body = {
            "model": self._endpoint.model,
            "messages": [self._message(turn) for turn in turns],
            "tools": [dict(tool) for tool in TOOLS],
            "tool_choice": "required",
            "max_tokens": MAX_NEW_TOKENS,
            "temperature": TEMPERATURE,
        }
        request = HTTPRequestPayload(
            method="POST",
            url=f"{self._endpoint.base_url}/chat/completions",
            timeout_s=self._endpoint.timeout_s,
            max_bytes=_MAX_ANSWER_BYTES,
            headers={"Content-Type": "application/json", **key_header(self._endpoint)},
            body=json.dumps(body).encode(),
        )
        try:
            response = await self._http.send(request)
        except HTTPClientError as error:
            message = f"The endpoint of the prompt writer failed. {error}"
            raise PromptWriterError(ModelFault.FAILED, message) from error
        if response.status != 200:
            message = f"The endpoint of the prompt writer {complaint(self._endpoint, response.status)}"
            raise PromptWriterError(ModelFault.FAILED, message)
        return _calls(response.body)

    def _message(self, turn: Turn) -> dict[str, Any]:
        if turn.view is None or not self._sees:
            return {"role": turn.role, "content": turn.text}
        url = f"data:image/jpeg;base64,{base64.b64encode(turn.view).decode()}"
        parts = [{"type": "text", "text": turn.text}, {"type": "image_url", "image_url": {"url": url}}]
        return {"role": turn.role, "content": parts}


def _calls(body: bytes) -> tuple[ToolCall, ...]:
    """None at all for an answer that is not understood: it counts as a failed try."""
    try:
        completion = _Completion.model_validate_json(body)
    except (ValidationError, RecursionError):
        return ()
    if not completion.choices:
        return ()
    calls = completion.choices[0].message.tool_calls or ()
    return tuple(ToolCall(call.function.name, call.function.arguments) for call in calls)
