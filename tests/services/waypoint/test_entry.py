"""Waypoint in the catalogue: what is offered, what is missing, and what a person reads of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("torch", reason="the extra engines is not installed")

from runtime_config.engines_config import EnginesConfig
from runtime_config.runtime_config import RuntimeConfig
from services.world_engine.engine_card import LoadStep, ModelLoadError
from services.world_engine.plugins.discovery import InstalledEngines
from services.world_engine.plugins.entry_points import EnginePoint
from tests.engines.waypoint.installed import (
    OWL_VAE,
    WAYPOINT_1,
    WAYPOINT_1_5,
    WAYPOINT_1_5_360P,
    cache,
    install_waypoint_1_5,
)
from tests.services.waypoint.rig import MODELS, entry_of, loading_here, plugin_of

if TYPE_CHECKING:
    from services.world_engine.catalogue import CatalogueEntry

pytestmark = pytest.mark.xdist_group("torch")

PROJECT = Path(__file__).resolve().parents[3]

_LISTED = """
import sys
from pathlib import Path
from runtime_config.engines_config import EnginesConfig
from services.world_engine.waypoint.entry import Waypoint15, WaypointPlugin
from services.world_engine.waypoint.published import WAYPOINT_1_5
assert WaypointPlugin(WAYPOINT_1_5, EnginesConfig(models_dir=Path(sys.argv[1])), Path("none"), Path("none")).card
print({"torch", "safetensors", "yaml"} & set(sys.modules))
"""


def refusal(entry: CatalogueEntry, quant: str = "none") -> str:
    with pytest.raises(ModelLoadError) as refused:
        entry.load(quant, lambda _: None)
    return str(refused.value)


def test_every_published_model_is_offered_with_what_it_takes() -> None:
    for model in MODELS:
        entry = entry_of(None, model.model_id)
        assert not entry.is_ready
        assert entry.licence == "Apache-2.0"
        assert entry.placement == "device"
        assert (entry.size_bytes or 0) >= 3_700_000_000
        assert entry.memory.vram >= 4 << 30
        assert entry.quants[0] == "none"
        assert {"fp8w8a8", "intw8a8"} <= set(entry.quants)
        assert "graphics card" in plugin_of(None, model.model_id).card.description
    assert [model.model_id for model in MODELS] == [WAYPOINT_1_5, WAYPOINT_1_5_360P, WAYPOINT_1]


def test_eight_bits_are_offered_only_where_they_can_be_had() -> None:
    without = replace(plugin_of(None), has_package={"torch", "safetensors", "yaml"}.__contains__)
    assert without.card.quants == ("none",)


def test_listing_imports_nothing_heavy(models_dir: Path) -> None:
    command = [sys.executable, "-c", _LISTED, str(models_dir)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_model_that_is_not_on_the_disk_says_how_to_get_it() -> None:
    entry = entry_of(None)
    told = entry.not_pulled() or ""
    assert "not on this server's disk" in told
    assert "Models view" in told
    assert "3.7 GB" in told
    assert refusal(entry) == entry.missing == told
    assert told in entry.description


def test_a_model_without_its_autoencoder_is_there_in_part(models_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(models_dir / WAYPOINT_1, tmp_path / WAYPOINT_1)
    entry = entry_of(tmp_path, WAYPOINT_1)
    assert "only in part" in (entry.missing or "")
    shutil.copytree(models_dir / OWL_VAE, tmp_path / OWL_VAE)
    assert entry.not_pulled() is None
    assert entry_of(tmp_path, WAYPOINT_1).is_ready


def test_a_model_in_the_cache_of_the_hub_is_ready(models_dir: Path, tmp_path: Path) -> None:
    cache(models_dir / WAYPOINT_1_5, tmp_path, WAYPOINT_1_5)
    assert entry_of(None, cache_dir=tmp_path).is_ready
    (tmp_path / "models--Overworld--Waypoint-1.5-1B" / "refs" / "main").unlink()
    assert not entry_of(None, cache_dir=tmp_path).is_ready


def test_entries_that_have_not_changed_are_the_same(tmp_path: Path) -> None:
    """An engine in memory is unloaded when its entry has become another one."""
    point = EnginePoint("terrarium", "waypoint", "services.world_engine.waypoint.entry:Waypoint15")
    engines, config = InstalledEngines([point], []), RuntimeConfig(engines=EnginesConfig(models_dir=tmp_path))
    (before,) = engines.entries(config)
    assert engines.entries(config) == [before]
    assert engines.entries(config)[0] is before
    install_waypoint_1_5(tmp_path)
    (after,) = engines.entries(config)
    assert (before.is_ready, after.is_ready) == (False, True)


def test_packages_that_are_missing_are_named_by_their_extra(models_dir: Path) -> None:
    entry = loading_here(replace(plugin_of(models_dir), has_package={"safetensors", "yaml"}.__contains__))
    assert "Install the extra engines" in refusal(entry)


def test_a_load_tells_its_steps(models_dir: Path) -> None:
    steps: list[LoadStep] = []
    engine = entry_of(models_dir).load("none", steps.append)
    assert steps == [LoadStep.READING, LoadStep.BUILDING, LoadStep.WARMING_UP]
    assert engine.spec.model_id == WAYPOINT_1_5
    assert (engine.spec.frames_per_pass, engine.spec.fps) == (4, 60)
    assert engine.spec.snapshot_bytes > 10_000
    engine.close()


def test_an_unknown_quantisation_is_refused(models_dir: Path) -> None:
    assert "none, intw8a8, fp8w8a8" in refusal(entry_of(models_dir), "int4")


def test_a_card_that_is_not_there_is_refused(models_dir: Path) -> None:
    plugin = plugin_of(models_dir)
    entry = loading_here(replace(plugin, config=replace(plugin.config, device="cuda")))
    assert "--engine-device cpu" in refusal(entry)


def test_without_a_graphics_card_none_of_its_memory_is_claimed(models_dir: Path, tmp_path: Path) -> None:
    tiny = replace(plugin_of(models_dir), has_card=False)
    assert (tiny.card.placement, tiny.card.memory.vram, tiny.card.missing) == ("cpu", 0, None)
    assert tiny.card.description.endswith("No graphics card was found on this machine.")
    large = shutil.copytree(models_dir / WAYPOINT_1_5, tmp_path / WAYPOINT_1_5)
    header = json.dumps({"w": {"dtype": "U8", "shape": [257 << 20], "data_offsets": [0, 257 << 20]}}).encode()
    (large / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    os.truncate(large / "model.safetensors", 8 + len(header) + (257 << 20))  # a hole, and no bytes on the disk
    told = replace(plugin_of(tmp_path), has_card=False).card
    assert (told.placement, told.memory.vram) == ("cpu", 0)
    assert "set --engine-device cpu" in (told.missing or "")
    assert plugin_of(tmp_path).card.memory.vram >= 4 << 30


def test_on_a_processor_the_card_says_how_slow_it_is(models_dir: Path) -> None:
    plugin = plugin_of(models_dir)
    entry = loading_here(replace(plugin, config=replace(plugin.config, device="cpu")))
    assert (entry.placement, entry.memory.vram) == ("cpu", 0)
    assert "seconds for each picture" in entry.description


def test_a_damaged_model_says_so(tmp_path: Path) -> None:
    weights = install_waypoint_1_5(tmp_path) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    assert "model.safetensors" in refusal(entry_of(tmp_path))


def test_other_weights_have_another_hash(models_dir: Path, tmp_path: Path) -> None:
    """And the same weights have the same one, wherever they lie."""

    def hash_of(entry: CatalogueEntry) -> str:
        engine = entry.load("none", lambda _: None)
        engine.close()
        return engine.spec.weights_hash

    here = hash_of(entry_of(models_dir))
    copied = shutil.copytree(models_dir / WAYPOINT_1_5, tmp_path / WAYPOINT_1_5)
    assert hash_of(entry_of(tmp_path)) == here
    config = copied / "config.yaml"
    config.write_text(config.read_text().replace("- 0.3", "- 0.25"))
    assert hash_of(entry_of(tmp_path)) != here
