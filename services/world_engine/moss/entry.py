"""The plug-in of Moss; imports nothing heavy until it is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from runtime_config.constants import MOSS_DIR
from services.world_engine.engine_card import EngineCard, EngineMemory, LoadReport, LoadStep, ModelLoadError
from services.world_engine.moss.constants import FPS, FRAMES_PER_PASS, MODEL_ID, TITLE
from world_model.weights import PLAYED, Manifest, WeightsError, graph_path, read_weights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runtime_config.runtime_config import MossFrames, RuntimeConfig
    from services.world_engine.moss.engine import MossEngine

_DESCRIPTION: Final = (
    "A small neural network takes the picture apart into soft layers, and you walk among them: trees and slopes pass "
    "by as they should, and what nobody has seen is made up of what was."
)
# The worlds whose views it plays better than other engines, judged by looking (docs/evaluation.md): none yet, not
# even its own simulator. The seeds that show the simulator are marked with "simulator".
_AT_HOME_IN: Final[frozenset[str]] = frozenset()
_RAM: Final = 256 << 20  # worlds share the weights, and have 21 MiB each
_NO_RUNTIME: Final = (
    "Moss needs ONNX Runtime, which could not be imported. Install it again with: "
    "pip install --force-reinstall onnxruntime"
)


@dataclass(frozen=True, slots=True)
class Moss:
    """The weights in `folder`, played in frames of that size."""

    folder: Path
    frames: MossFrames

    @classmethod
    def configured(cls, config: RuntimeConfig) -> Moss:
        return cls(config.moss.weights or MOSS_DIR, config.moss.frames)

    @property
    def card(self) -> EngineCard:
        """Looks at the files anew, and so blocks."""
        return EngineCard(
            model_id=MODEL_ID,
            title=TITLE,
            description=_DESCRIPTION,
            model_type="neural",
            licence="Apache-2.0",
            size_bytes=_size_of(self.folder),
            memory=EngineMemory(ram=_RAM),
            frames_per_pass=FRAMES_PER_PASS,
            fps=FPS,
            missing=_missing(self.folder),
            at_home_in=_AT_HOME_IN,
        )

    def load(self, quant: str, report: LoadReport) -> MossEngine:
        """Read the weights, make the sessions of the runtime and play one pass.

        Raises:
            ModelLoadError: weights are missing, damaged or of another version, ONNX Runtime is missing or refuses them,
                or the quantisation is unknown.
        """
        return _load(self.folder, self.frames, quant, report)


def _load(folder: Path, frames: MossFrames, quant: str, report: LoadReport) -> MossEngine:
    if quant != "none":
        raise ModelLoadError(f"Moss has its weights in full precision only; choose 'none', not '{quant}'.")
    report(LoadStep.READING)
    manifest, graphs = _read(folder)
    report(LoadStep.BUILDING)
    try:
        from services.world_engine.moss.engine import MossEngine, warm_up
        from world_model.runtime import Runtime
    except (ImportError, OSError) as error:
        raise ModelLoadError(_NO_RUNTIME) from error
    try:
        engine = MossEngine(Runtime(manifest, graphs), frames)
    except WeightsError as error:
        raise ModelLoadError(str(error)) from error
    report(LoadStep.WARMING_UP)
    try:
        warm_up(engine)
    except Exception as error:  # the runtime's exceptions share no base class of their own
        engine.close()
        raise ModelLoadError(
            f"The weights in {_short(folder)} do not fit together. Put back the folder from a fresh copy of this "
            "repository or release, or export the weights again."
        ) from error
    return engine


def _missing(folder: Path) -> str | None:
    """What keeps Moss from being played, or None."""
    if find_spec("onnxruntime") is None:
        return _NO_RUNTIME
    try:
        _read(folder)
    except ModelLoadError as error:
        return str(error)
    return None


def _read(folder: Path) -> tuple[Manifest, Mapping[str, bytes]]:
    try:
        return read_weights(folder, PLAYED)
    except WeightsError as error:
        # Players read this, and need not know where on its machine the server lies.
        raise ModelLoadError(str(error).replace(str(folder), _short(folder))) from error


def _short(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


def _size_of(folder: Path) -> int | None:
    try:
        return sum(graph_path(folder, name).stat().st_size for name in PLAYED)
    except OSError:
        return None
