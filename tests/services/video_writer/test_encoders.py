"""How an encoder is chosen and set: it keeps up, and holds little back."""

from __future__ import annotations

import pytest

from services.video_writer._encoders import software_encoder
from tests.services.video_writer.videos import plan


def option(width: int, height: int, fps: float, cores: int, name: str) -> str:
    options = software_encoder(plan(width=width, height=height, fps=fps), cores).options
    return options[options.index(name) + 1]


@pytest.mark.parametrize(
    ("width", "height", "fps", "cores", "preset", "threads"),
    [
        (224, 128, 30, 2, "veryfast", "1"),
        (640, 360, 60, 2, "veryfast", "1"),
        (1280, 720, 60, 2, "superfast", "1"),
        (1280, 720, 60, 8, "veryfast", "2"),
        (1920, 1080, 60, 2, "ultrafast", "2"),
        (640, 360, 30, 1, "veryfast", "1"),
    ],
)
def test_the_preset_leaves_the_machine_to_the_game(
    width: int, height: int, fps: float, cores: int, preset: str, threads: str
) -> None:
    assert option(width, height, fps, cores, "-preset") == preset
    assert option(width, height, fps, cores, "-threads") == threads


@pytest.mark.parametrize("fps", [1, 5, 10, 15, 24, 30, 60, 120])
def test_frames_wait_less_than_half_a_second_in_the_encoder(fps: float) -> None:
    b_frames = int(option(640, 360, fps, 4, "-bf"))
    lookahead = int(option(640, 360, fps, 4, "-x264-params").split("rc-lookahead=")[1].split(":")[0])
    assert b_frames + lookahead + 1 <= max(1, 0.5 * fps)
