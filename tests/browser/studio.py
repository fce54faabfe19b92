"""The endpoint that servers of browser tests make scenes with: a writer that obeys the prompt, and a painter."""

from __future__ import annotations

import asyncio
import io
import json
from typing import TYPE_CHECKING, Final

from PIL import Image

from tests.services.openai_server import call, image

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from tests.services.openai_server import OpenAIServer

REASON: Final = "That would be somebody else's character."


async def answer_of_studio(request: Request) -> Response:
    """A prompt with "in a while" is written for a minute, one with "mouse" is refused; pictures have one colour."""
    if request.url.path.endswith(("/edits", "/generations")):
        file = io.BytesIO()
        Image.new("RGB", (1280, 720), (200, 60, 60)).save(file, "PNG")
        return image(file.getvalue())
    prompt = json.dumps(json.loads(await request.body())["messages"])
    if "in a while" in prompt:
        await asyncio.sleep(60)  # or until whoever asked is gone
    if "mouse" in prompt:
        return call("reject_request", {"reason": REASON})
    return call("submit_edit_instruction", {"instruction": "Paint it."})


def words_of(endpoint: OpenAIServer) -> dict[str, str]:
    """The environment of a server that has its prompts written there."""
    return {"TERRARIUM_WRITER_ENDPOINT": f"{endpoint.base_url}/v1", "TERRARIUM_WRITER_MODEL": "writer"}
