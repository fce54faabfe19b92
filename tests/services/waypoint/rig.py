"""Tiny Waypoint models as entries of a catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runtime_config.engines_config import EnginesConfig
from services.world_engine.waypoint.entry import waypoint_plugins
from tests.engines.waypoint.installed import WAYPOINT_1_5

if TYPE_CHECKING:
    from services.world_engine.catalogue import CatalogueEntry
    from services.world_engine.waypoint.entry import WaypointPlugin


def plugin_of(models_dir: Path | None, model_id: str = WAYPOINT_1_5, cache_dir: Path = Path("none")) -> WaypointPlugin:
    plugins = waypoint_plugins(EnginesConfig(models_dir=models_dir), cache_dir, Path("kernels"))
    return next(plugin for plugin in plugins if plugin.model.model_id == model_id)


def entry_of(models_dir: Path | None, model_id: str = WAYPOINT_1_5, cache_dir: Path = Path("none")) -> CatalogueEntry:
    return plugin_of(models_dir, model_id, cache_dir).entry()
