"""An image editor behind an images endpoint that speaks the OpenAI format."""

from __future__ import annotations

import binascii
import json
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from services.http_client.endpoint import complaint, key_header
from services.http_client.http_client import HTTPClientError, HTTPRequestPayload, HTTPResponsePayload
from services.http_client.multipart import encode_form
from services.image_editor.image_editor import EditorReady, EditorStatus, ImageEditorError
from services.local_models.model_error import ModelFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime_config.authoring_config import EndpointConfig
    from services.http_client.http_client import HTTPClient
    from services.image_editor.image_editor import PictureOrder
    from services.memory_planner.model_memory import Placement

_MAX_PICTURE_BYTES: Final = 48 << 20
_MAX_ANSWER_BYTES: Final = 64 << 20  # the same in base64, with room


class _Image(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    b64_json: str | None = None
    url: str | None = None


class _Images(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    data: tuple[_Image, ...]


class OpenAIImageEditor:
    """An `ImageEditor`. `size` (WIDTHxHEIGHT) is asked for where the endpoint makes certain sizes alone."""

    def __init__(self, http: HTTPClient, endpoint: EndpointConfig, *, size: str | None = None) -> None:
        self._http = http
        self._endpoint = endpoint
        self._size = size

    def status(self) -> EditorStatus:
        return EditorReady(self._endpoint.model)

    def place(self, placement: Placement) -> None:
        """A server elsewhere takes no memory here."""

    async def prepare(self) -> None:
        """The endpoint loads its model itself."""

    async def make(self, order: PictureOrder, on_progress: Callable[[float], None]) -> bytes:
        on_progress(0.0)
        response = await self._ask(order, {"response_format": "b64_json"})
        if response.status == 400 and b"response_format" in response.body:  # newer models know no other format
            response = await self._ask(order, {})
        if response.status != 200:
            message = f"The endpoint of the image model {complaint(self._endpoint, response.status)}"
            raise ImageEditorError(ModelFault.FAILED, message)
        picture = await self._picture(response.body)
        on_progress(1.0)
        return picture

    def unload(self) -> None:
        """There is nothing to give back."""

    def close(self) -> None:
        """There is nothing to give back."""

    async def _ask(self, order: PictureOrder, extra: dict[str, str]) -> HTTPResponsePayload:
        fields = {
            "model": self._endpoint.model,
            "prompt": order.instruction,
            "size": self._size or f"{order.width}x{order.height}",
            "n": "1",
            **extra,
        }
        if order.reference is None:
            media_type, body = "application/json", json.dumps({**fields, "n": 1}).encode()
            return await self._send("images/generations", media_type, body)
        media_type, body = encode_form(fields, "image", order.reference, "image/png")
        return await self._send("images/edits", media_type, body)

    async def _send(self, path: str, media_type: str, body: bytes) -> HTTPResponsePayload:
        request = HTTPRequestPayload(
            method="POST",
            url=f"{self._endpoint.base_url}/{path}",
            timeout_s=self._endpoint.timeout_s,
            max_bytes=_MAX_ANSWER_BYTES,
            headers={"Content-Type": media_type, **key_header(self._endpoint)},
            body=body,
        )
        return await self._exchange(request)

    async def _exchange(self, request: HTTPRequestPayload) -> HTTPResponsePayload:
        try:
            return await self._http.send(request)
        except HTTPClientError as error:
            message = f"The endpoint of the image model failed. {error}"
            raise ImageEditorError(ModelFault.FAILED, message) from error

    async def _picture(self, body: bytes) -> bytes:
        try:
            image = _Images.model_validate_json(body).data[0]
            if image.b64_json is not None:
                return binascii.a2b_base64(image.b64_json)
        except (ValidationError, IndexError, ValueError, RecursionError) as error:
            raise _no_picture() from error
        if image.url is None:
            raise _no_picture()
        return await self._fetch(image.url)

    async def _fetch(self, url: str) -> bytes:
        """A picture that the endpoint keeps, from its own address alone: an answer must not send this server about."""
        base = self._endpoint.base_url
        try:
            address = urljoin(f"{base}/", url)
            is_own = urlsplit(address)[:2] == urlsplit(base)[:2]
        except ValueError as error:
            raise _no_picture() from error
        if not is_own:
            message = "The endpoint of the image model keeps its pictures elsewhere, and they are not fetched there."
            raise ImageEditorError(ModelFault.FAILED, message)
        request = HTTPRequestPayload(
            method="GET",
            url=address,
            timeout_s=self._endpoint.timeout_s,
            max_bytes=_MAX_PICTURE_BYTES,
            headers=key_header(self._endpoint),
        )
        response = await self._exchange(request)
        if response.status != 200:
            raise _no_picture()
        return response.body


def _no_picture() -> ImageEditorError:
    return ImageEditorError(ModelFault.FAILED, "The endpoint of the image model answered without a picture.")
