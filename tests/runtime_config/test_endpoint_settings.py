"""What may be said about endpoints at start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime_config.authoring_config import AuthoringConfig, EndpointConfig
from runtime_config.endpoint_settings import check_endpoint
from runtime_config.launch_error import LaunchError
from runtime_config.launch_settings import load_runtime_config

if TYPE_CHECKING:
    from pathlib import Path


def test_nothing_is_configured_by_default() -> None:
    check_endpoint("WRITER", None)
    assert AuthoringConfig(writer_model="model", writer_key="key").writer is None


def test_the_address_loses_its_last_slash() -> None:
    config = AuthoringConfig(writer_endpoint="http://127.0.0.1:11434/v1/", writer_model="qwen")
    assert config.writer == EndpointConfig("http://127.0.0.1:11434/v1", "qwen")


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:11434",
        "file:///etc/passwd",
        "http://",
        "http://user:secret@host/v1",
        "http://host/v1?key=secret",
        "http://host/v1#x",
        "http://host:99999/v1",
        "http://ho st/v1",
        "http://host/\n",
        "http://[::1",
    ],
)
def test_invalid_addresses_are_refused(url: str) -> None:
    with pytest.raises(LaunchError, match="TERRARIUM_IMAGE_ENDPOINT") as caught:
        check_endpoint("IMAGE", EndpointConfig(url, "model"))
    assert "secret" not in str(caught.value)


def test_a_model_must_be_named() -> None:
    with pytest.raises(LaunchError, match="TERRARIUM_IMAGE_MODEL"):
        check_endpoint("IMAGE", EndpointConfig("http://host/v1", ""))


@pytest.mark.parametrize("key", ["a b", "a\nb", "ä"])
def test_a_key_must_fit_a_header(key: str) -> None:
    with pytest.raises(LaunchError, match="TERRARIUM_IMAGE_KEY") as caught:
        check_endpoint("IMAGE", EndpointConfig("http://host/v1", "model", key))
    assert key not in str(caught.value)


def test_the_environment_configures_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "WRITER_ENDPOINT": "http://127.0.0.1:11434/v1",
        "WRITER_MODEL": "qwen",
        "WRITER_SEES": "no",
        "IMAGE_ENDPOINT": "https://images.example/v1",
        "IMAGE_MODEL": "flux",
        "IMAGE_KEY": "secret-key",
        "IMAGE_SIZE": "1536x1024",
    }.items():
        monkeypatch.setenv(f"TERRARIUM_{name}", value)
    config = load_runtime_config(["--data-dir", str(tmp_path)])
    authoring = config.authoring
    assert authoring.writer == EndpointConfig("http://127.0.0.1:11434/v1", "qwen")
    assert authoring.images == EndpointConfig("https://images.example/v1", "flux", "secret-key")
    assert (authoring.writer_sees, authoring.image_size) == (False, "1536x1024")
    assert "secret-key" not in repr(config)


def test_a_malformed_size_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRARIUM_IMAGE_SIZE", "large")
    with pytest.raises(LaunchError, match="TERRARIUM_IMAGE_SIZE"):
        load_runtime_config(["--data-dir", str(tmp_path)])
