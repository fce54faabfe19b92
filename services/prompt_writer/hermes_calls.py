"""Tool calls in the Hermes format, as Qwen and others write them: JSON between <tool_call> and </tool_call>."""

from __future__ import annotations

import json
import re
from typing import Any, Final, cast

from services.prompt_writer.tool_protocol import ToolCall

_CALL: Final = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)


def calls_in(said: str) -> tuple[ToolCall, ...]:
    """Every call in what a model said, words beside them left out as servers do; none if one of them is malformed."""
    try:
        return tuple(_call(json.loads(text)) for text in _CALL.findall(said))
    except (ValueError, RecursionError, TypeError):
        return ()


def _call(found: object) -> ToolCall:
    """Raises: TypeError, it is none."""
    call = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    name = call.get("name")
    if not isinstance(name, str):
        raise TypeError("A call names its tool.")
    return ToolCall(name, call.get("arguments"))
