"""Moss's place in the catalogue: how it is loaded, and what a person reads when its weights are not right."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from services.world_engine.catalogue import CatalogueEntry, WorldEngineCatalogue, entry_of
from services.world_engine.diorama.entry import Diorama
from services.world_engine.engine_card import LoadStep, ModelLoadError
from services.world_engine.moss.entry import Moss
from tests.services.moss.play import play, press, seed_of
from world_model.weights import PLAYED, graph_path

if TYPE_CHECKING:
    from runtime_config.runtime_config import MossFrames

PROJECT = Path(__file__).resolve().parents[3]

_NO_RUNTIME = """
import sys
import threading
from pathlib import Path
from services.world_engine.engine_card import ModelLoadError
from services.world_engine.catalogue import entry_of
from services.world_engine.moss.entry import Moss
entry = entry_of(Moss(Path(sys.argv[1]), "large"))
assert entry.is_ready
assert not {"onnxruntime", "torch", "cv2"} & set(sys.modules)
sys.modules["onnxruntime"] = None  # what an import of a missing package meets
try:
    entry.load("none", lambda step: None)
except ModelLoadError as error:
    print(error)
"""

_NO_TORCH = """
import sys
import threading
from pathlib import Path
from services.world_engine.moss.entry import Moss
Moss(Path(sys.argv[1]), "large").load("none", lambda step: None)
print("onnxruntime" in sys.modules, "torch" in sys.modules, "training" in sys.modules)
"""


@pytest.fixture
def weights(micro_folder: Path, tmp_path: Path) -> Path:
    """Weights that a test may damage."""
    return Path(shutil.copytree(micro_folder, tmp_path / "assets" / "moss"))


def refusal(entry: CatalogueEntry) -> str:
    """What the person who chooses it is told."""
    with pytest.raises(ModelLoadError) as refused:
        entry.load("none", lambda _: None)
    return str(refused.value)


def in_a_process(code: str, folder: Path) -> str:
    command = [sys.executable, "-c", code, str(folder)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.strip()


def test_the_entry_says_what_it_is(micro_folder: Path) -> None:
    entry = entry_of(Moss(micro_folder, "large"))
    assert (entry.model_id, entry.title) == ("terrarium/moss", "Moss (neural)")
    assert (entry.model_type, entry.placement, entry.quants) == ("neural", "cpu", ("none",))
    assert "neural network" in entry.description
    assert entry.is_ready
    assert entry.size_bytes == sum(graph_path(micro_folder, name).stat().st_size for name in PLAYED)


@pytest.mark.parametrize("frames", ["large", "small"])
def test_loading_reports_its_steps(micro_folder: Path, frames: MossFrames) -> None:
    reported: list[LoadStep] = []
    engine = entry_of(Moss(micro_folder, frames)).load("none", reported.append)
    assert reported == [LoadStep.READING, LoadStep.BUILDING, LoadStep.WARMING_UP]
    assert engine.spec.model_id == "terrarium/moss"
    assert (engine.spec.height, engine.spec.width) == ((64, 128) if frames == "large" else (32, 64))
    engine.close()


def test_an_engine_leaves_no_thread_behind(micro_folder: Path) -> None:
    """Not even one that is making a keyframe for a world that was closed meanwhile."""
    others = keyframe_threads()
    engine = entry_of(Moss(micro_folder, "small")).load("none", lambda _: None)
    world = engine.open_world(seed_of(engine), rng_seed=1)
    play(world, [press("W", "SHIFT", "RIGHT")] * 3)
    assert keyframe_threads() > others
    world.close()
    engine.close()
    assert keyframe_threads() <= others


def keyframe_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if "moss-keyframes" in thread.name and thread.is_alive()}


def test_an_unknown_quantisation_is_refused(micro_folder: Path) -> None:
    with pytest.raises(ModelLoadError, match="none"):
        entry_of(Moss(micro_folder, "large")).load("int8", lambda _: None)


@pytest.mark.parametrize("name", ["manifest.json", *(graph_path(Path(), graph).name for graph in PLAYED)])
def test_a_missing_or_truncated_file_is_named_with_the_remedy(weights: Path, name: str) -> None:
    path = weights / name
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    truncated = refusal(entry_of(Moss(weights, "large")))
    path.unlink()
    missing = refusal(entry_of(Moss(weights, "large")))
    for told in (truncated, missing):
        assert f"assets/moss/{name}" in told
        assert "Put back the folder" in told
        assert str(weights.parent.parent) not in told, "players need not know where the server lies"


def test_weights_of_another_version_are_refused(weights: Path) -> None:
    manifest = json.loads((weights / "manifest.json").read_text())
    (weights / "manifest.json").write_text(json.dumps({**manifest, "format": 99}))
    assert "format 99" in refusal(entry_of(Moss(weights, "large")))


def test_weights_of_the_generation_before_are_refused(weights: Path) -> None:
    (weights / "manifest.json").write_text(json.dumps({"format": 1, "config": {}, "files": {"dream": "00"}}))
    assert "format 1; this version reads 2" in refusal(entry_of(Moss(weights, "large")))


def test_graphs_that_do_not_fit_together_are_refused(weights: Path) -> None:
    manifest = json.loads((weights / "manifest.json").read_text())
    manifest["config"]["height"] = 64
    (weights / "manifest.json").write_text(json.dumps(manifest))
    assert "do not fit together" in refusal(entry_of(Moss(weights, "large")))


def test_without_weights_it_is_offered_but_no_default(weights: Path) -> None:
    whole = WorldEngineCatalogue([entry_of(Moss(weights, "large")), entry_of(Diorama)])
    assert whole.default.model_id == "terrarium/moss"
    graph_path(weights, "see").unlink()
    broken = entry_of(Moss(weights, "large"))
    catalogue = WorldEngineCatalogue([broken, entry_of(Diorama)])
    assert catalogue.default.model_id == "terrarium/diorama"
    assert catalogue.find("terrarium/moss") is broken
    assert "Cannot be played now" in broken.description
    assert "assets/moss/see.onnx is missing" in broken.description


def test_weights_that_are_put_back_can_be_loaded_at_once(micro_folder: Path, tmp_path: Path) -> None:
    entry = entry_of(Moss(tmp_path / "moss", "large"))
    assert not entry.is_ready
    assert entry.size_bytes is None
    shutil.copytree(micro_folder, tmp_path / "moss")
    entry.load("none", lambda _: None).close()


def test_onnx_runtime_is_imported_late_and_its_absence_explained(micro_folder: Path) -> None:
    assert "pip install --force-reinstall onnxruntime" in in_a_process(_NO_RUNTIME, micro_folder)


def test_play_needs_no_torch(micro_folder: Path) -> None:
    assert in_a_process(_NO_TORCH, micro_folder) == "True False False"
