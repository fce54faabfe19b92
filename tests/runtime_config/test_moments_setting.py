"""The memory for kept moments and rewinding can be set at start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime_config.launch_error import LaunchError
from runtime_config.launch_settings import load_runtime_config
from runtime_config.runtime_config import MIB

if TYPE_CHECKING:
    from pathlib import Path


def test_the_memory_for_moments_can_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flags = ["--data-dir", str(tmp_path)]
    monkeypatch.delenv("TERRARIUM_MOMENTS_MIB", raising=False)
    assert load_runtime_config(flags).limits.moment_bytes is None
    monkeypatch.setenv("TERRARIUM_MOMENTS_MIB", "32")
    assert load_runtime_config(flags).limits.moment_bytes == 32 * MIB
    monkeypatch.setenv("TERRARIUM_MOMENTS_MIB", "none")
    with pytest.raises(LaunchError, match="TERRARIUM_MOMENTS_MIB"):
        load_runtime_config(flags)
