"""The simulator's place in the catalogue, and how it is loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from services.world_engine.engine_card import LoadStep, ModelLoadError
from services.world_engine.simulator.entry import Simulator

PROJECT = Path(__file__).resolve().parent.parent.parent.parent


def test_the_entry_says_that_it_is_not_neural() -> None:
    entry = Simulator.card
    assert entry.model_id == "terrarium/simulator"
    assert "Not your picture" in entry.description
    assert "not neural" in entry.title
    assert (entry.model_type, entry.placement, entry.quants) == ("procedural", "cpu", ("none",))


def test_loading_reports_its_steps() -> None:
    steps: list[LoadStep] = []
    engine = Simulator.load("none", steps.append)
    assert steps == [LoadStep.READING, LoadStep.BUILDING, LoadStep.WARMING_UP]
    assert engine.spec.model_id == "terrarium/simulator"
    engine.close()


def test_an_unknown_quantisation_is_refused() -> None:
    with pytest.raises(ModelLoadError, match="quantisation"):
        Simulator.load("int8", lambda _: None)


def test_asking_for_the_entry_imports_no_numba() -> None:
    code = (
        "import sys; from services.world_engine.simulator.entry import Simulator; Simulator.card;"
        "print('numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_without_numba_its_card_and_its_loading_say_what_to_do() -> None:
    """A finder that hides numba, in a process of its own."""
    code = (
        "import sys\n"
        "from services.world_engine.engine_card import ModelLoadError\n"
        "sys.path[:] = [path for path in sys.path if 'site-packages' not in path]\n"
        "sys.path_importer_cache.clear()\n"
        "sys.modules['numba'] = None\n"
        "from services.world_engine.simulator.entry import Simulator\n"
        "print(Simulator.card.missing)\n"
        "try:\n"
        "    Simulator.load('none', lambda step: None)\n"
        "except ModelLoadError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    missing, message = done.stdout.strip().splitlines()
    assert missing == message
    assert "Install the extra simulator: pip install" in message
