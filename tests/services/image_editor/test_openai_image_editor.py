"""The image editor over real HTTP, with endpoints that answer with anything but a picture."""

from __future__ import annotations

import asyncio

import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response

from services.http_client.httpx_client import HttpxClient
from services.image_editor.image_editor import ImageEditorError, PictureOrder, aligned
from services.image_editor.openai_image_editor import OpenAIImageEditor
from tests.services.openai_server import OpenAIServer, image, image_at, openai_server

PNG = b"\x89PNG the pixels"
SCENE = PictureOrder("A cathedral.", 1280, 720, rng_seed=7)
EDIT = PictureOrder("Add a dragon.", 640, 368, rng_seed=7, reference=PNG)


def make(server: OpenAIServer, order: PictureOrder = SCENE, *, size: str | None = None) -> bytes:
    editor = OpenAIImageEditor(HttpxClient(), server.endpoint(), size=size)
    return asyncio.run(editor.make(order, lambda _: None))


def test_a_scene_is_generated() -> None:
    with openai_server(image(b"picture")) as server:
        assert make(server) == b"picture"
    (asked,) = server.asked
    assert asked.path == "/v1/images/generations"
    assert asked.json == {
        "model": "some-model",
        "prompt": "A cathedral.",
        "size": "1280x720",
        "n": 1,
        "response_format": "b64_json",
    }


def test_an_edit_sends_the_picture_as_a_form() -> None:
    with openai_server(image(b"picture")) as server:
        assert make(server, EDIT) == b"picture"
    (asked,) = server.asked
    assert asked.path == "/v1/images/edits"
    assert asked.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert PNG in asked.body
    for part in (
        b'name="prompt"\r\n\r\nAdd a dragon.\r\n',
        b'name="size"\r\n\r\n640x368\r\n',
        b'name="image"; filename',
    ):
        assert part in asked.body


def test_a_size_of_the_settings_is_asked_for_instead() -> None:
    with openai_server(image(b"picture")) as server:
        make(server, size="1536x1024")
    assert server.asked[0].json["size"] == "1536x1024"


def test_models_without_a_response_format_are_asked_again() -> None:
    no = JSONResponse({"error": {"message": "Unknown parameter: 'response_format'."}}, 400)
    with openai_server(no, image(b"picture")) as server:
        assert make(server) == b"picture"
    assert "response_format" not in server.asked[1].json


def test_a_picture_that_the_endpoint_keeps_is_fetched() -> None:
    with openai_server(image_at("/files/1.png"), Response(b"picture")) as server:
        assert make(server) == b"picture"
    assert server.asked[1].path == "/files/1.png"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "http://169.254.169.254/latest",
        "http://localhost:1/x",
        "//evil.example/x",
        "http://[bad",
        "data:,x",
    ],
)
def test_a_picture_elsewhere_is_not_fetched(url: str) -> None:
    with openai_server(image_at(url)) as server:
        with pytest.raises(ImageEditorError):
            make(server)
        assert len(server.asked) == 1


def test_a_kept_picture_that_redirects_to_a_file_is_not_followed() -> None:
    redirect = RedirectResponse("file:///etc/passwd", 307)
    with openai_server(image_at("/1"), redirect) as server, pytest.raises(ImageEditorError, match="redirected"):
        make(server)


BAD_ANSWERS = {
    "no picture": JSONResponse({"data": []}),
    "neither": JSONResponse({"data": [{}]}),
    "no base64": JSONResponse({"data": [{"b64_json": "a"}]}),
    "not even ASCII": JSONResponse({"data": [{"b64_json": "é"}]}),
    "another format": JSONResponse({"images": []}),
    "no JSON": Response(b"<html>"),
    "deep": Response(b"[" * 100_000),
    "an error": JSONResponse({"error": "no"}, 500),
    "the wrong key": JSONResponse({}, 401),
}


@pytest.mark.parametrize("bad", BAD_ANSWERS)
def test_an_answer_that_is_not_a_picture_is_a_typed_error(bad: str) -> None:
    with openai_server(BAD_ANSWERS[bad]) as server, pytest.raises(ImageEditorError, match="The endpoint of the image"):
        make(server)


def test_an_enormous_picture_is_refused() -> None:
    enormous = Response(bytes(50 << 20))
    with openai_server(image_at("/1"), enormous) as server, pytest.raises(ImageEditorError, match="larger than"):
        make(server)


@pytest.mark.parametrize(("pixels", "side"), [(1, 16), (720, 720), (504, 512), (503, 496), (1279.6, 1280)])
def test_sides_are_aligned(pixels: float, side: int) -> None:
    assert aligned(pixels) == side
