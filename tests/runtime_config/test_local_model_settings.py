"""What the environment says of the local models for scenes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime_config.launch_error import LaunchError
from runtime_config.launch_settings import load_runtime_config

if TYPE_CHECKING:
    from runtime_config.authoring_config import AuthoringConfig

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.upper().startswith("TERRARIUM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TERRARIUM_DATA_DIR", str(tmp_path))


def authoring(monkeypatch: pytest.MonkeyPatch, **variables: str) -> AuthoringConfig:
    for name, value in variables.items():
        monkeypatch.setenv(f"TERRARIUM_{name}", value)
    return load_runtime_config([]).authoring


def test_nothing_is_switched_on_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    found = authoring(monkeypatch)
    assert (found.local_writer, found.local_writer_quant) == ("off", "none")
    assert (found.local_images, found.local_images_quant) == ("off", "none")
    assert (found.local_writer_folder, found.local_writer_revision) == (None, None)


def test_the_environment_configures_them(monkeypatch: pytest.MonkeyPatch) -> None:
    found = authoring(
        monkeypatch,
        LOCAL_WRITER="auto",
        LOCAL_WRITER_FOLDER="/models/writer",
        LOCAL_WRITER_REVISION=COMMIT,
        LOCAL_WRITER_QUANT="int8",
        LOCAL_IMAGES="offloaded",
        LOCAL_IMAGES_QUANT="int8",
    )
    assert (found.local_writer, found.local_writer_quant) == ("auto", "int8")
    assert (found.local_writer_folder, found.local_writer_revision) == (Path("/models/writer"), COMMIT)
    assert (found.local_images, found.local_images_quant) == ("offloaded", "int8")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOCAL_WRITER", "yes"),
        ("LOCAL_WRITER_QUANT", "int4"),
        ("LOCAL_IMAGES_QUANT", "8"),
        ("LOCAL_WRITER_REVISION", "main"),
        ("LOCAL_WRITER_REVISION", "../../" + COMMIT[6:]),
        ("LOCAL_WRITER_REVISION", COMMIT.upper()),
    ],
)
def test_anything_else_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(LaunchError, match=f"TERRARIUM_{name}"):
        authoring(monkeypatch, **{name: value})
