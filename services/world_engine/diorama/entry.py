"""The catalogue entry of the diorama. Heavy modules are imported only when the engine is loaded."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

from services.world_engine.catalogue import CatalogueEntry
from services.world_engine.diorama.constants import FPS, FRAMES_PER_PASS
from services.world_engine.engine_card import EngineMemory, LoadReport, LoadStep, ModelLoadError

if TYPE_CHECKING:
    from services.world_engine.world_engine import WorldEngine


_RAM: Final = 256 << 20  # measured: 50 MiB, plus 50 MiB for each world


def diorama_entry() -> CatalogueEntry:
    return CatalogueEntry(
        model_id="terrarium/diorama",
        title="Diorama",
        description=(
            "Your picture as it is, in full sharpness: you glide over its ground towards its horizon, and where it "
            "ends, its mirror image goes on."
        ),
        model_type="procedural",
        licence="Apache-2.0",
        quants=("none",),
        placement="cpu",
        size_bytes=0,
        memory=EngineMemory(ram=_RAM),
        frames_per_pass=FRAMES_PER_PASS,
        fps=FPS,
        load=load_diorama,
    )


def load_diorama(quant: str, report: LoadReport) -> WorldEngine:
    """Build the engine and draw one pass.

    Raises:
        ModelLoadError: OpenCV is missing or broken, or the quantisation is unknown.
    """
    if quant != "none":
        raise ModelLoadError(f"The diorama has no weights to quantise; choose quantisation 'none', not '{quant}'.")
    report(LoadStep.READING)
    try:
        importlib.import_module("cv2")
    except ImportError as error:
        raise ModelLoadError(
            "The diorama needs OpenCV, which could not be imported. Install it with: pip install opencv-python-headless"
        ) from error
    from services.world_engine.diorama.engine import DioramaEngine, warm_up

    report(LoadStep.BUILDING)
    engine = DioramaEngine()
    report(LoadStep.WARMING_UP)
    warm_up(engine)
    return engine
