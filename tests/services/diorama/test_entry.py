"""The catalogue entry: what it offers, how it loads, what it imports."""

from __future__ import annotations

import subprocess
import sys

import pytest

from services.world_engine.catalogue import WorldEngineCatalogue, entry_of
from services.world_engine.diorama.entry import Diorama
from services.world_engine.engine_card import LoadStep, ModelLoadError

_CHECK = """
import sys
from services.world_engine.diorama.entry import Diorama
assert "cv2" not in sys.modules
sys.modules["cv2"] = None  # what an import of a missing package meets
from services.world_engine.engine_card import ModelLoadError
try:
    Diorama.load("none", lambda step: None)
except ModelLoadError as error:
    print(error)
"""


def test_the_entry_loads_an_engine_of_its_own_id() -> None:
    steps: list[LoadStep] = []
    engine = Diorama.load("none", steps.append)
    assert engine.spec.model_id == Diorama.card.model_id
    assert steps == [LoadStep.READING, LoadStep.BUILDING, LoadStep.WARMING_UP]
    engine.close()


def test_the_entry_fits_a_catalogue() -> None:
    assert WorldEngineCatalogue([entry_of(Diorama)]).default.model_id == "terrarium/diorama"


def test_unknown_quantisation_is_refused() -> None:
    with pytest.raises(ModelLoadError, match="none"):
        Diorama.load("int8", lambda _: None)


def test_opencv_is_imported_late_and_its_absence_explained() -> None:
    result = subprocess.run([sys.executable, "-c", _CHECK], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "pip install opencv-python-headless" in result.stdout
