"""A pull that kill -9 cuts goes on where it was, in another process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime_config.hub_config import HubConfig
from services.model_hub.hugging_face_hub import HuggingFaceHub
from services.model_hub.model_hub import OnDisk, Partly
from tests.hub.models import MODEL, repository, small_model
from tests.hub.stand_in_hub import stand_in_hub

if TYPE_CHECKING:
    from tests.hub.stand_in_hub import StandInHub

PROJECT = Path(__file__).resolve().parents[3]
KILLS = 4
SIZE = 200_000_000
# What a kill loses was on its way: what the link carries while a pull waits for its turn on a busy machine. So the link
# is slow enough that a turn of 100 ms may be missed.
BYTES_PER_S = 5e6


def command(there: StandInHub, cache: Path) -> list[str]:
    return [sys.executable, "-m", "tests.hub.pulling_process", str(cache), there.base_url]


def killed_at(there: StandInHub, cache: Path, size: int) -> None:
    """Pull in a process of its own, and kill that when so many bytes have come."""
    with subprocess.Popen(command(there, cache), cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        come = next((int(line) for line in process.stdout if int(line) >= size), None)
        assert come is not None, "the pull was over before it could be killed"
        process.kill()
        process.wait()


@pytest.mark.trial
def test_at_most_one_percent_is_fetched_again(tmp_path: Path) -> None:
    with stand_in_hub({MODEL: small_model(SIZE)}) as there:
        there.bytes_per_s = BYTES_PER_S
        hub = HuggingFaceHub(tmp_path, HubConfig(there.base_url), environ={})
        for kill in range(1, KILLS + 1):
            killed_at(there, tmp_path, kill * SIZE // (KILLS + 1))
            assert isinstance(hub.find(repository()), Partly)
        subprocess.run(command(there, tmp_path), cwd=PROJECT, stdout=subprocess.DEVNULL, check=True)
        found = hub.find(repository())
    assert isinstance(found, OnDisk)
    received = there.bytes_sent
    again = (received - found.size_bytes) / found.size_bytes
    sys.stdout.write(f"{again:.3%} fetched again over {KILLS} kills\n")
    assert again <= 0.01
