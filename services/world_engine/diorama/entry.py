"""The plug-ins of the diorama, the still and the stroll. Heavy modules are imported only when the engine is loaded."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.model_hub.hub_cache import default_cache_dir
from services.picture_views.picture_views import CLOSE_UP
from services.torch_worker.process_torch_worker import ProcessTorchWorker
from services.world_engine.depth.depth_anything_files import DepthAnythingFiles, DepthAnythingUsable
from services.world_engine.diorama.constants import FPS, FRAMES_PER_PASS, STROLL_ID
from services.world_engine.engine_card import EngineCard, EngineMemory, LoadReport, LoadStep, ModelLoadError
from world_model.weights import WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime_config.runtime_config import RuntimeConfig
    from services.torch_worker.torch_worker import TorchWorker, WorkerSpec
    from services.world_engine.diorama.engine import Manner
    from services.world_engine.world_engine import WorldEngine


_RAM: Final = 256 << 20  # measured: 50 MiB, plus 50 MiB for each world
_DEPTH_RAM: Final = 1 << 30  # measured: 660 MiB, in a process of its own
_STROLL: Final = (
    "For open country with trees: they stand upright, and you walk past them and see what is behind. Other pictures "
    "look as in the diorama."
)
_BY_DEPTH_ANYTHING: Final = (
    " Where the network that ships is not sure, Depth Anything V2 tells what is near; that takes some seconds."
)
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


@dataclass(frozen=True, slots=True)
class Stroll:
    """By the depth of Moss's network where it is sure, and otherwise by Depth Anything where `files` has it."""

    files: DepthAnythingFiles
    start_worker: Callable[[WorkerSpec], TorchWorker]

    @classmethod
    def configured(cls, config: RuntimeConfig) -> Stroll:
        return cls(DepthAnythingFiles(default_cache_dir(os.environ), config.engines.models_dir), ProcessTorchWorker)

    @property
    def card(self) -> EngineCard:
        """Looks at the files of the depth network anew, and so blocks."""
        is_deep = isinstance(self.files.look(), DepthAnythingUsable)
        return EngineCard(
            model_id=STROLL_ID,
            title="Stroll",
            description=_STROLL + (_BY_DEPTH_ANYTHING if is_deep else ""),
            model_type="procedural",
            licence="Apache-2.0",
            quants=("none",),
            placement="cpu",
            size_bytes=0,
            memory=EngineMemory(ram=_RAM + _DEPTH_RAM if is_deep else _RAM),
            frames_per_pass=FRAMES_PER_PASS,
            fps=FPS,
            at_home_in=frozenset({"simulator"}),  # the seeds that show the simulator are marked so
        )

    def load(self, quant: str, report: LoadReport) -> WorldEngine:
        """Build the engine, have its depth networks look at one picture, and draw one pass.

        Where Depth Anything cannot be loaded, Moss's network is used alone, and the log says why.

        Raises:
            ModelLoadError: OpenCV, ONNX Runtime or the weights of Moss's network are missing or broken, or the
                quantisation is unknown.
        """
        _prepare("The stroll", quant, report)
        try:
            from services.world_engine.diorama.depths import strolls_of
        except (ImportError, OSError) as error:
            raise ModelLoadError(_NO_DEPTH) from error
        try:
            strolls = strolls_of(self.files.look(), self.start_worker)
        except WeightsError as error:
            raise ModelLoadError(f"The stroll cannot tell what is near. {error}") from error
        return _built(strolls.first, report, spare=strolls.spare, release=strolls.close)


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


def _built(
    manner: Manner, report: LoadReport, *, spare: Manner | None = None, release: Callable[[], None] = lambda: None
) -> WorldEngine:
    from services.world_engine.diorama.engine import DioramaEngine, warm_up

    report(LoadStep.BUILDING)
    engine = DioramaEngine(manner, spare=spare, release=release)
    report(LoadStep.WARMING_UP)
    try:
        warm_up(engine)
    except BaseException:  # whatever ends this, nothing stays behind
        engine.close()
        raise
    return engine
