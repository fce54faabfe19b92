"""The conversation with a prompt writer's model: what it is asked, what counts as an answer, and three tries."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from services.local_models.model_error import ModelFault
from services.prompt_writer.plain_text import plain_text
from services.prompt_writer.prompt_writer import (
    EditRequest,
    FilmRequest,
    Instruction,
    PromptWriterError,
    Refusal,
    SceneRequest,
)
from services.prompt_writer.system_prompts import (
    EDIT_PROMPT,
    FILM_PROMPT,
    MAX_FILM_CHARACTERS,
    MAX_INSTRUCTION_CHARACTERS,
    MAX_REASON_CHARACTERS,
    REJECT,
    RETRY_NOTE,
    SCENE_PROMPT,
    SUBMIT,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from services.prompt_writer.prompt_writer import WriterRequest, Written

MAX_TRIES: Final = 3
MAX_NEW_TOKENS: Final = 400
TEMPERATURE: Final = 0.4


@dataclass(frozen=True, slots=True)
class Turn:
    """One message to the model. `view` is a JPEG that goes with it."""

    role: str
    text: str
    view: bytes | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """As the model made it: the arguments may be anything."""

    name: str
    arguments: object


Ask: TypeAlias = "Callable[[Sequence[Turn]], Awaitable[Sequence[ToolCall]]]"


async def write_with_tools(ask: Ask, request: WriterRequest) -> Written:
    """Ask a model until it answers with one good tool call, three times at most.

    Nothing that the model said goes back to it: if a prompt had injected words into the answer, they would come back as
    the model's own.

    Raises:
        PromptWriterError: no answer was a good one.
    """
    turns = opening(request)
    for _ in range(MAX_TRIES):
        written = read_calls(await ask(turns), _longest(request))
        if written is not None:
            return written
        *rules, question = opening(request)
        turns = (*rules, replace(question, text=f"{question.text}\n\n{RETRY_NOTE}"))
    message = "The prompt writer's model did not keep to its tools. Try other words, or another model."
    raise PromptWriterError(ModelFault.FAILED, message)


def opening(request: WriterRequest) -> tuple[Turn, ...]:
    """The rules, then the prompt as quoted material."""
    quoted = json.dumps(plain_text(request.prompt), ensure_ascii=False)
    match request:
        case EditRequest(view=view):
            return Turn("system", EDIT_PROMPT), Turn("user", f"The player's request for this picture: {quoted}", view)
        case SceneRequest():
            return Turn("system", SCENE_PROMPT), Turn("user", f"The player's request for a place: {quoted}")
        case FilmRequest():
            return Turn("system", FILM_PROMPT), Turn("user", f"The request for a film: {quoted}")


def _longest(request: WriterRequest) -> int:
    return MAX_FILM_CHARACTERS if isinstance(request, FilmRequest) else MAX_INSTRUCTION_CHARACTERS


def read_calls(calls: Sequence[ToolCall], longest: int = MAX_INSTRUCTION_CHARACTERS) -> Written | None:
    """What was written; None unless it is one call of one of the two tools with its one argument."""
    if len(calls) != 1:
        return None
    parameter = {SUBMIT: "instruction", REJECT: "reason"}.get(calls[0].name)
    arguments = _as_mapping(calls[0].arguments)
    if parameter is None or arguments is None or set(arguments) != {parameter}:
        return None
    value = arguments[parameter]
    if not isinstance(value, str):
        return None
    text = plain_text(value)
    if calls[0].name == REJECT:
        return Refusal(text[:MAX_REASON_CHARACTERS])
    return Instruction(text[:longest]) if text else None


def _as_mapping(arguments: object) -> dict[str, Any] | None:
    """Servers send the arguments as JSON text, some as an object."""
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError):
            return None
    return cast("dict[str, Any]", arguments) if isinstance(arguments, dict) else None
