"""A real server whose prompts go to a tiny model in a process of its own; the painter is a fake."""

from __future__ import annotations

import importlib.util
import os
import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime_config.authoring_config import AuthoringConfig
from services.prompt_writer.local_prompt_writer import LocalPromptWriter
from services.prompt_writer.writer_files import WriterFiles
from services.torch_worker.process_torch_worker import ProcessTorchWorker
from tests.fakes.fake_image_editor import FakeImageEditor
from tests.job_client import scene
from tests.play.harness import fake_services
from tests.rest_client import rest_client
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    from starlette.testclient import TestClient

pytestmark = [
    pytest.mark.trial,
    pytest.mark.skipif(importlib.util.find_spec("transformers") is None, reason="the extra models is not installed"),
    pytest.mark.xdist_group("torch"),
]


@contextmanager
def server_of(folder: Path) -> Generator[tuple[TestClient, FakeImageEditor]]:
    files = WriterFiles(Path("none"), folder)
    writer = LocalPromptWriter(files, lambda spec: ProcessTorchWorker(replace(spec, niceness=0)))
    editor = FakeImageEditor()
    services = fake_services(prompt_writer=writer, image_editor=editor)
    with rest_client(services, authoring=AuthoringConfig(local_writer="cpu")) as client:
        yield client, editor


def test_a_scene_is_painted_as_it_was_written_out(tiny_writers: Path) -> None:
    with server_of(tiny_writers / "vision") as (client, editor):
        health = client.get("/health").json()
        assert health["authoring"]["writer"] == "vision"
        assert health["memory"]["writer"] == {"choice": "cpu", "reason": "The settings say so."}
        assert scene(client, "a cathedral")["state"] == "done"
        assert [order.instruction for order in editor.orders] == ["A flooded cathedral."]
        assert client.get("/health").json()["memory"]["writer"] == {"choice": "cpu", "reason": "It is loaded."}


def test_a_writer_that_talks_nonsense_fails_the_scene_alone(tiny_writers: Path) -> None:
    with server_of(tiny_writers / "random") as (client, editor):
        job = scene(client, "a cathedral")
        assert (job["state"], job["fault"]["code"]) == ("failed", "authoringFailed")
        assert "keep to its tools" in job["fault"]["message"]
        assert editor.orders == []
        assert client.get("/health").status_code == 200


def test_a_writer_that_cannot_be_loaded_says_what_to_do(tiny_writers: Path, tmp_path: Path) -> None:
    copy = tmp_path / "model"
    shutil.copytree(tiny_writers / "vision", copy)
    os.truncate(copy / "model.safetensors", 1000)
    with server_of(copy) as (client, _):
        job = scene(client, "a cathedral")
        assert (job["state"], job["fault"]["code"]) == ("failed", "authoringLoadFailed")
        assert "download them again" in job["fault"]["message"]
        assert str(tmp_path) not in str(job)
        (copy / "model.safetensors").unlink()
        wait_until(lambda: not client.get("/health").json()["authoring"]["available"], "the files were missed")
        health = client.get("/health").json()["authoring"]
        assert health["writer"] is None
        assert "lacks files" in health["reason"]
