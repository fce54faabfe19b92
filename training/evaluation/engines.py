"""Engines by their id: those of the server and of other packages, as the server itself finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from runtime_config.launch_settings import load_runtime_config
from services.world_engine.engine_card import ModelLoadError
from services.world_engine.plugins.discovery import InstalledEngines

if TYPE_CHECKING:
    from services.world_engine.world_engine import WorldEngine
    from training.evaluation.trials import Picture


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


def fitted(picture: Picture, engine: WorldEngine) -> Picture:
    """The middle of a picture at an engine's size, uint8 [h, w, 3]."""
    height, width = engine.spec.height, engine.spec.width
    scale = max(height / picture.shape[0], width / picture.shape[1])
    size = max(width, round(picture.shape[1] * scale)), max(height, round(picture.shape[0] * scale))
    whole = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    top, left = (whole.shape[0] - height) // 2, (whole.shape[1] - width) // 2
    return np.ascontiguousarray(whole[top : top + height, left : left + width])
