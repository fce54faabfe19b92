"""The plug-ins of the diorama, the still and the stroll. Heavy modules are imported only when the engine is loaded."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

from runtime_config.constants import MOSS_DIR
from services.picture_views.picture_views import CLOSE_UP
from services.world_engine.diorama.constants import FPS, FRAMES_PER_PASS
from services.world_engine.engine_card import EngineCard, EngineMemory, LoadReport, LoadStep, ModelLoadError
from world_model.weights import WeightsError, read_weights

if TYPE_CHECKING:
    from services.world_engine.diorama.engine import Manner
    from services.world_engine.world_engine import WorldEngine


_RAM: Final = 256 << 20  # measured: 50 MiB, plus 50 MiB for each world
_NO_DEPTH: Final = (
    "The stroll needs ONNX Runtime to tell what is near, which could not be imported. Install it again with: "
    "pip install --force-reinstall onnxruntime"
)


class Diorama:
    card: Final = EngineCard(
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
    )

    @classmethod
    def load(cls, quant: str, report: LoadReport) -> WorldEngine:
        """Build the engine and draw one pass.

        Raises:
            ModelLoadError: OpenCV is missing or broken, or the quantisation is unknown.
        """
        _prepare("The diorama", quant, report)
        from services.world_engine.diorama.engine import WALK

        return _built(WALK, report)


class Still:
    card: Final = EngineCard(
        model_id="terrarium/still",
        title="Still",
        description=(
            "For faces, things near by and pages: your picture stands before you, and you lean towards it and look "
            "around it. Nothing is walked over."
        ),
        model_type="procedural",
        licence="Apache-2.0",
        quants=("none",),
        placement="cpu",
        size_bytes=0,
        memory=EngineMemory(ram=_RAM),
        frames_per_pass=FRAMES_PER_PASS,
        fps=FPS,
        at_home_in=frozenset({CLOSE_UP}),
    )

    @classmethod
    def load(cls, quant: str, report: LoadReport) -> WorldEngine:
        """Build the engine and draw one pass.

        Raises:
            ModelLoadError: OpenCV is missing or broken, or the quantisation is unknown.
        """
        _prepare("The still", quant, report)
        from services.world_engine.diorama.engine import LEAN

        return _built(LEAN, report)


class Stroll:
    card: Final = EngineCard(
        model_id="terrarium/stroll",
        title="Stroll",
        description=(
            "For open country with trees: they stand upright, and you walk past them and see what is behind. Other "
            "pictures look as in the diorama."
        ),
        model_type="procedural",
        licence="Apache-2.0",
        quants=("none",),
        placement="cpu",
        size_bytes=0,
        memory=EngineMemory(ram=_RAM),
        frames_per_pass=FRAMES_PER_PASS,
        fps=FPS,
        at_home_in=frozenset({"simulator"}),  # the seeds that show the simulator are marked so
    )

    @classmethod
    def load(cls, quant: str, report: LoadReport) -> WorldEngine:
        """Build the engine with the depth network of Moss, and draw one pass.

        Raises:
            ModelLoadError: OpenCV, ONNX Runtime or the network's weights are missing or broken, or the quantisation is
                unknown.
        """
        _prepare("The stroll", quant, report)
        try:
            from services.world_engine.depth.moss_depth import MossDepth
            from world_model.runtime import Runtime
        except (ImportError, OSError) as error:
            raise ModelLoadError(_NO_DEPTH) from error
        from services.world_engine.diorama.engine import stroll

        try:
            manifest, graphs = read_weights(MOSS_DIR)
            depth = MossDepth(Runtime(manifest, {"start": graphs["start"]}))
        except WeightsError as error:
            raise ModelLoadError(f"The stroll cannot tell what is near. {error}") from error
        return _built(stroll(depth, manifest.files["start"]), report)


def _prepare(name: str, quant: str, report: LoadReport) -> None:
    if quant != "none":
        raise ModelLoadError(f"{name} has no weights to quantise; choose quantisation 'none', not '{quant}'.")
    report(LoadStep.READING)
    try:
        importlib.import_module("cv2")
    except ImportError as error:
        raise ModelLoadError(
            f"{name} needs OpenCV, which could not be imported. Install it with: pip install opencv-python-headless"
        ) from error


def _built(manner: Manner, report: LoadReport) -> WorldEngine:
    from services.world_engine.diorama.engine import DioramaEngine, warm_up

    report(LoadStep.BUILDING)
    engine = DioramaEngine(manner)
    report(LoadStep.WARMING_UP)
    warm_up(engine)
    return engine
