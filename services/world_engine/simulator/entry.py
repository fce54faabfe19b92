"""The plug-in of the simulator. Heavy modules are imported only when the engine is loaded."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from services.world_engine.engine_card import EngineCard, EngineMemory, LoadReport, LoadStep, ModelLoadError
from services.world_engine.simulator._constants import FPS, FRAMES_PER_PASS, MODEL_ID, TITLE

if TYPE_CHECKING:
    from services.world_engine.world_engine import WorldEngine

_RAM: Final = 256 << 20  # measured: 134 MiB, mostly of the compiler, plus 12 MiB for each world
_EXTRA: Final = (
    "The simulator needs a package that is not installed. "
    "Install the extra simulator: pip install -c constraints.txt -e .[simulator]"
)
_REMEDY: Final = "Install it again with: pip install --force-reinstall numba"
_NO_NUMBA: Final = f"The simulator needs numba, which could not be imported. {_REMEDY}"


def _missing() -> str | None:
    return _EXTRA if find_spec("numba") is None else None


class Simulator:
    card: Final = EngineCard(
        model_id=MODEL_ID,
        title=TITLE,
        description=(
            "Not your picture, but an endless computed land in its colours, with woods, water and villages to walk to."
        ),
        model_type="procedural",
        licence="Apache-2.0",
        quants=("none",),
        placement="cpu",
        size_bytes=0,
        memory=EngineMemory(ram=_RAM),
        frames_per_pass=FRAMES_PER_PASS,
        fps=FPS,
        missing=_missing(),
    )

    @classmethod
    def load(cls, quant: str, report: LoadReport) -> WorldEngine:
        """Compile the kernels (once per machine) and draw one pass.

        Raises:
            ModelLoadError: numba is missing or cannot compile, or the quantisation is unknown.
        """
        if quant != "none":
            raise ModelLoadError(
                f"The simulator has no weights to quantise; choose quantisation 'none', not '{quant}'."
            )
        report(LoadStep.READING)
        try:
            from services.world_engine.simulator.engine import SimulatorEngine, warm_up
        except (ImportError, OSError) as error:
            raise ModelLoadError(_missing() or _NO_NUMBA) from error
        report(LoadStep.BUILDING)
        engine = SimulatorEngine()
        report(LoadStep.WARMING_UP)
        from numba.core.errors import NumbaError

        try:
            warm_up(engine)
        except (NumbaError, OSError) as error:
            raise ModelLoadError(f"numba could not compile the simulator on this machine. {_REMEDY}") from error
        return engine
