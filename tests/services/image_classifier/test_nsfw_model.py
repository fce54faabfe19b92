"""The model inside the worker, without the worker: what it loads, what it refuses, how it grades."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from services.torch_worker.worker_service import ServiceRefusalError
from tests.services.image_classifier.tiny_classifier import GRADES, tiny_files, write_tiny_classifier

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from services.torch_worker.torch_worker import Plain

DARK = np.full((90, 160, 3), 30, dtype=np.uint8)
BRIGHT = np.full((90, 160, 3), 220, dtype=np.uint8)


class QuietJob:
    def report(self, progress: Plain) -> None:
        del progress

    def check(self) -> None:
        pass


def grades(folder: Path, picture: Plain, *, on_device: bool = False) -> Mapping[str, float]:
    import torch

    from services.image_classifier.nsfw_model import build_nsfw_model  # torch takes seconds; most tests do without

    was_on = torch.is_grad_enabled()
    try:
        answer = build_nsfw_model(str(folder), 1).handle(
            "judge", {"picture": picture, "on_device": on_device}, QuietJob()
        )
    finally:
        torch.set_grad_enabled(was_on)  # the model has its process for itself, and these tests have not
    return cast("Mapping[str, float]", answer)


@pytest.mark.parametrize("order", [GRADES, ("high", "medium", "low", "neutral"), ("LOW", "neutral", "high", "medium")])
def test_each_grade_includes_those_above_it_whatever_their_order_in_the_model(
    tmp_path: Path, order: tuple[str, ...]
) -> None:
    write_tiny_classifier(tmp_path, grades=order)
    folder = tiny_files(tmp_path).folder
    dark, bright = grades(folder, DARK), grades(folder, BRIGHT)
    assert dark["low"] < 0.1
    assert bright["high"] > 0.9
    for found in (dark, bright):
        assert 0 <= found["high"] <= found["medium"] <= found["low"] <= 1


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 896, 3), (2000, 20, 3)])
def test_pictures_of_any_shape_are_graded(tmp_path: Path, shape: tuple[int, ...]) -> None:
    write_tiny_classifier(tmp_path)
    assert grades(tiny_files(tmp_path).folder, np.full(shape, 30, dtype=np.uint8))["low"] < 0.5


def test_a_missing_device_is_replaced_by_the_cpu(tmp_path: Path) -> None:
    write_tiny_classifier(tmp_path)
    folder = tiny_files(tmp_path).folder
    assert grades(folder, BRIGHT, on_device=True)["high"] > 0.9


def test_an_answer_of_no_use_is_refused(tmp_path: Path) -> None:
    write_tiny_classifier(tmp_path, verdict="nan")
    with pytest.raises(ServiceRefusalError, match="no usable answer"):
        grades(tiny_files(tmp_path).folder, DARK)


def _cut_weights(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-5000])


def _noise(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(os.urandom(20_000))


def _pickled_weights(folder: Path) -> None:
    """Loading those would run whatever code somebody put into them."""
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _broken_config(folder: Path) -> None:
    (folder / "config.json").write_text("[]")


def _no_processor(folder: Path) -> None:
    (folder / "preprocessor_config.json").unlink()


def _other_grades(folder: Path) -> None:
    shutil.rmtree(folder)
    write_tiny_classifier(folder.parents[2], grades=("safe", "nsfw"))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_cut_weights, "damaged"),
        (_noise, "damaged"),
        (_pickled_weights, "damaged"),
        (_broken_config, "damaged"),
        (_no_processor, "damaged"),
        (_other_grades, "other grades"),
    ],
)
def test_files_that_do_not_fit_are_refused_with_a_sentence(
    tmp_path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    write_tiny_classifier(tmp_path)
    folder = tiny_files(tmp_path).folder
    spoil(folder)
    with pytest.raises(ServiceRefusalError, match=words) as caught:
        grades(folder, DARK)
    assert str(tmp_path) not in str(caught.value)


def test_a_torchvision_that_does_not_fit_is_named() -> None:
    """What importing it says where it was built for another torch."""
    from services.image_classifier.nsfw_model import explain

    error = ModuleNotFoundError("Could not import module 'TimmWrapperForImageClassification'.")
    error.__cause__ = RuntimeError("operator torchvision::nms does not exist")
    assert "torchvision does not match torch" in explain(error)
    assert "extras models and safety" in explain(ImportError("No module named 'timm'"))
