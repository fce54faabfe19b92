"""Engines by their id: those of the server and of other packages, as the server itself finds them."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from runtime_config.launch_settings import load_runtime_config
from services.world_engine.diorama.constants import HALF_FOV
from services.world_engine.engine_card import ModelLoadError
from services.world_engine.plugins.discovery import InstalledEngines
from world_model.config import ModelConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.world_engine.world_engine import WorldEngine
    from training.evaluation.trials import Picture

# Half the angle of view of the width, of engines that walk through a picture by the keys and the mouse of a person in
# the simulator. Such an engine can be held against the simulator; of others nobody knows what should be seen.
_HALF_VIEWS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "terrarium/diorama": HALF_FOV,
        "terrarium/stroll": HALF_FOV,
        "terrarium/moss": 0.5 * ModelConfig().fov,
    }
)
_USUAL_HALF_VIEW: Final = math.radians(36.0)


class NoEngineError(Exception):
    """There is no such engine, or it cannot be loaded; the message says why."""


def load_engine(model_id: str) -> WorldEngine:
    """Load an engine in its best quantisation. Settings are those of the environment.

    Raises:
        NoEngineError: nothing has this id, or it cannot be loaded on this machine.
    """
    entries = {entry.model_id: entry for entry in InstalledEngines().entries(load_runtime_config([], for_reading=True))}
    entry = entries.get(model_id)
    if entry is None:
        raise NoEngineError(f"There is no engine '{model_id}'. There are: {', '.join(sorted(entries))}.")
    reason = entry.not_pulled()
    if reason is not None:
        raise NoEngineError(reason)
    try:
        return entry.load(entry.quants[0], lambda _step: None)
    except ModelLoadError as error:
        raise NoEngineError(str(error)) from error


def half_view_of(model_id: str) -> float | None:
    """Half the angle of view of an engine that can be held against the simulator, rad; None: it cannot."""
    return _HALF_VIEWS.get(model_id)


def assumed_half_view(model_id: str) -> float:
    """The same, of any engine: where nobody knows it, what is usual."""
    return _HALF_VIEWS.get(model_id, _USUAL_HALF_VIEW)


def fitted(picture: Picture, engine: WorldEngine) -> Picture:
    """The middle of a picture at an engine's size, uint8 [h, w, 3]."""
    height, width = engine.spec.height, engine.spec.width
    scale = max(height / picture.shape[0], width / picture.shape[1])
    size = max(width, round(picture.shape[1] * scale)), max(height, round(picture.shape[0] * scale))
    whole = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    top, left = (whole.shape[0] - height) // 2, (whole.shape[1] - width) // 2
    return np.ascontiguousarray(whole[top : top + height, left : left + width])
