"""A server that makes scenes in words, and what tests of it ask of a client."""

from __future__ import annotations

import base64
import io
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from runtime_config.authoring_config import AuthoringConfig
from runtime_config.runtime_config import JobsConfig
from tests.fakes.fake_image_editor import FakeImageEditor
from tests.fakes.fake_prompt_writer import FakePromptWriter
from tests.fakes.fake_seed_store import FakeSeedStore
from tests.play.harness import Frame, Json, PlayClient, PlayServer, fake_services, picture, play_server

if TYPE_CHECKING:
    from collections.abc import Generator

    from runtime_config.runtime_config import SessionLimits
    from tests.fakes.fake_catalogue import FakeModel

GREEN = (10, 200, 30)
SEED = 120
BOTH = pytest.mark.parametrize("kind", ["scene_edit", "generate_scene"])


@dataclass
class Studio:
    server: PlayServer
    writer: FakePromptWriter
    editor: FakeImageEditor
    seeds: FakeSeedStore = field(default_factory=FakeSeedStore)


@contextmanager
def studio(
    *models: FakeModel,
    writer: FakePromptWriter | None = None,
    editor: FakeImageEditor | None = None,
    authoring: AuthoringConfig | None = None,
    limits: SessionLimits | None = None,
    jobs: JobsConfig | None = None,
    loop: str = "asyncio",
    **services: Any,
) -> Generator[Studio]:
    writer, editor, seeds = writer or FakePromptWriter(), editor or FakeImageEditor(GREEN), FakeSeedStore()
    bundle = fake_services(*models, prompt_writer=writer, image_editor=editor, seed_store=seeds, **services)
    authoring, jobs = authoring or AuthoringConfig(), jobs or JobsConfig()
    with play_server(bundle, limits=limits, loop=loop, authoring=authoring, jobs=jobs) as server:
        yield Studio(server, writer, editor, seeds)


def begin(client: PlayClient) -> None:
    client.start(picture(SEED), scene_authoring=True)
    client.hold("W")


def is_green(frame: Frame) -> bool:
    red, green, blue = frame.content.seed_mean
    return abs(red - 10) < 6 and abs(green - 200) < 6 and abs(blue - 30) < 6


def is_seed(frame: Frame) -> bool:
    return frame.content.seed_mean == (SEED, 0, 0)


def mean_of(jpeg_b64: str) -> tuple[int, ...]:
    with Image.open(io.BytesIO(base64.b64decode(jpeg_b64))) as image:
        assert image.format == "JPEG"
        centre = image.convert("RGB").getpixel((image.width // 2, image.height - 4))
    assert isinstance(centre, tuple)
    return centre


def ask(client: PlayClient, kind: str, prompt: str = "a dragon", **fields: Any) -> Json:
    return client.reply(client.request(kind, prompt=prompt, **fields))


def codes(reply: Json) -> tuple[str | None, str | None]:
    assert not reply["success"], reply
    return reply.get("error_id", "").rpartition(".")[2] or None, reply.get("code")


def refused(client: PlayClient, kind: str, prompt: str = "a dragon") -> tuple[str | None, str | None]:
    """The ids of the refusal, and that the world plays on unchanged."""
    found = codes(ask(client, kind, prompt))
    assert is_seed(client.hold("W"))
    return found
