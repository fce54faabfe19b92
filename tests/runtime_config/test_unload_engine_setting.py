"""Whether the world engine may give way to a scene can be set at start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime_config.launch_error import LaunchError
from runtime_config.launch_settings import load_runtime_config

if TYPE_CHECKING:
    from pathlib import Path


def test_the_engine_can_be_kept_or_always_unloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flags = ["--data-dir", str(tmp_path)]
    monkeypatch.delenv("TERRARIUM_UNLOAD_ENGINE", raising=False)
    assert load_runtime_config(flags).authoring.unload_engine == "auto"
    for setting in ("always", "never"):
        monkeypatch.setenv("TERRARIUM_UNLOAD_ENGINE", setting)
        assert load_runtime_config(flags).authoring.unload_engine == setting
    monkeypatch.setenv("TERRARIUM_UNLOAD_ENGINE", "sometimes")
    with pytest.raises(LaunchError, match="TERRARIUM_UNLOAD_ENGINE"):
        load_runtime_config(flags)
