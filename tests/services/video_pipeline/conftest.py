"""A tiny LTX-2 on the disk, once for all tests, and sources to make films from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime_config.constants import SHIPPED_SEEDS_DIR
from services.bundled_ffmpeg import bundled_ffmpeg

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture(name="model", scope="session")
def fixture_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the model."""
    folder = tmp_path_factory.mktemp("ltx")
    command = [sys.executable, "-W", "ignore", "-m", "tests.services.video_pipeline.tiny_ltx", str(folder)]
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, env=offline)
    return folder


@pytest.fixture(name="media", scope="session")
def fixture_media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `walk.mp4` (2 s at 24 fps, 128 x 64, with sound), `silent.mp4`, `tone.wav` and `picture.png`.

    `hill.mp4` shows a picture whose depth is known well, for 2 s.
    """
    folder = tmp_path_factory.mktemp("media")
    picture = ("-f", "lavfi", "-i", "testsrc2=size=128x64:rate=24")
    tone = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=24000")
    encoded = ("-t", "2", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac")
    for arguments in (
        (*picture, *tone, *encoded, "walk.mp4"),
        (*picture, *encoded, "silent.mp4"),
        (*tone, "-t", "2", "tone.wav"),
        ("-loop", "1", "-i", str(SHIPPED_SEEDS_DIR / "blossom_hill.jpg"), "-vf", "scale=128:64", *encoded, "hill.mp4"),
    ):
        command = [str(bundled_ffmpeg()), "-nostdin", "-loglevel", "error", *arguments]
        subprocess.run(command, cwd=folder, check=True)
    cv2.imwrite(str(folder / "picture.png"), np.full((80, 120, 3), (200, 30, 60), np.uint8))
    return folder
