"""Which writer and which image model the settings lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_config.authoring_config import AuthoringConfig
from service_bundle import build_image_editor, build_prompt_writer
from services.image_editor.flux_image_editor import FluxImageEditor
from services.image_editor.image_editor import EditorMissing
from services.image_editor.openai_image_editor import OpenAIImageEditor
from services.prompt_writer.local_prompt_writer import LocalPromptWriter
from services.prompt_writer.openai_prompt_writer import OpenAIPromptWriter
from services.prompt_writer.prompt_writer import WriterMissing

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

URL = "http://127.0.0.1:1/v1"


def test_an_endpoint_is_preferred_to_a_model_on_this_machine() -> None:
    config = AuthoringConfig(
        writer_endpoint=URL,
        writer_model="some-model",
        image_endpoint=URL,
        image_model="some-model",
        local_writer="cpu",
        local_images="cpu",
    )
    assert isinstance(build_prompt_writer(config), OpenAIPromptWriter)
    assert isinstance(build_image_editor(config), OpenAIImageEditor)


def test_without_an_endpoint_a_model_on_this_machine_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    config = AuthoringConfig(local_writer="auto", local_writer_revision="a" * 40, local_images="auto")
    writer, editor = build_prompt_writer(config), build_image_editor(config)
    assert isinstance(writer, LocalPromptWriter)
    assert isinstance(editor, FluxImageEditor)
    missing = writer.status()
    assert isinstance(missing, WriterMissing)
    assert missing.reason.endswith("Pull it in the Models view of the server's page.")


def test_without_either_both_ways_out_are_said() -> None:
    missing = build_prompt_writer(AuthoringConfig()).status()
    assert isinstance(missing, WriterMissing)
    for remedy in ("TERRARIUM_WRITER_ENDPOINT", "TERRARIUM_WRITER_MODEL", "TERRARIUM_LOCAL_WRITER"):
        assert remedy in missing.reason
    unpainted = build_image_editor(AuthoringConfig()).status()
    assert isinstance(unpainted, EditorMissing)
    for remedy in ("TERRARIUM_IMAGE_ENDPOINT", "TERRARIUM_IMAGE_MODEL", "TERRARIUM_LOCAL_IMAGES"):
        assert remedy in unpainted.reason
