"""Tiny Waypoint models as entries of a catalogue."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runtime_config.engines_config import EnginesConfig
from services.world_engine.catalogue import entry_of as catalogue_entry_of
from services.world_engine.waypoint.entry import WaypointPlugin
from services.world_engine.waypoint.loading import load_engine
from services.world_engine.waypoint.published import WAYPOINT_1_5 as MODEL_1_5
from services.world_engine.waypoint.published import WAYPOINT_1_5_360P, WAYPOINT_1_SMALL
from tests.engines.waypoint.installed import WAYPOINT_1_5

if TYPE_CHECKING:
    from torch import Tensor

    from services.world_engine.catalogue import CatalogueEntry
    from services.world_engine.engine_card import LoadReport
    from services.world_engine.waypoint.engine import WaypointEngine

MODELS: Final = (MODEL_1_5, WAYPOINT_1_5_360P, WAYPOINT_1_SMALL)


def plugin_of(models_dir: Path | None, model_id: str = WAYPOINT_1_5, cache_dir: Path = Path("none")) -> WaypointPlugin:
    model = next(model for model in MODELS if model.model_id == model_id)
    return WaypointPlugin(model, EnginesConfig(models_dir=models_dir), cache_dir, Path("kernels"))


def entry_of(models_dir: Path | None, model_id: str = WAYPOINT_1_5, cache_dir: Path = Path("none")) -> CatalogueEntry:
    """Loads in this process, without the seconds that one of its own takes to start."""
    return loading_here(plugin_of(models_dir, model_id, cache_dir))


def loading_here(plugin: WaypointPlugin) -> CatalogueEntry:
    def load(quant: str, report: LoadReport) -> WaypointEngine:
        return load_engine(plugin.options(), quant, report)

    return replace(catalogue_entry_of(plugin), load=load)


def engine_of(models_dir: Path, model_id: str = WAYPOINT_1_5) -> WaypointEngine:
    return load_engine(plugin_of(models_dir, model_id).options(), "none", lambda _: None)


class Spelling:
    """A text encoder of a sort: the same words are the same embedding."""

    def __init__(self, width: int) -> None:
        self._width = width

    def embedding(self, words: str) -> Tensor:
        import torch

        return torch.randn(4, self._width, generator=torch.Generator().manual_seed(len(words)))
