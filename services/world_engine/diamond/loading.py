"""Loads DIAMOND for play. It runs where torch may be imported: in the engine host's process."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.world_engine.diamond.published import RUNTIME, TITLE
from services.world_engine.engine_card import LoadReport, LoadStep, ModelLoadError

if TYPE_CHECKING:
    from engines.diamond import LoadOptions
    from runtime_config.engines_config import EngineDevice
    from services.world_engine.diamond.engine import DiamondEngine

_NO_TORCH: Final = f"{TITLE} needs torch, which could not be imported. Install the extra engines again."
_NO_ROOM: Final = (
    f"{TITLE} does not fit into the memory that is free on the graphics card. Unload other models, and try again."
)


def load_engine(quant: str, report: LoadReport, *, folder: str, device: EngineDevice, exact: bool) -> DiamondEngine:
    """Read the weights, build the networks and play one pass. Blocks. `folder` is `csgo` of the repository.

    Raises:
        ModelLoadError: files are missing, damaged or unsafe; torch is missing, or sees no card where one is asked for;
            or the card has too little memory.
    """
    if quant != "none":
        raise ModelLoadError(f"{TITLE} has its weights in full precision only; choose 'none', not '{quant}'.")
    report(LoadStep.READING)
    try:
        import torch

        from engines.diamond import DiamondError, load_diamond
        from services.world_engine.diamond.engine import DiamondEngine, warm_up
        from services.world_engine.world_engine import EngineFaultError
    except (ImportError, OSError) as error:
        raise ModelLoadError(_NO_TORCH) from error
    try:
        options = _options(device)
        model = load_diamond(Path(folder), options)
        report(LoadStep.BUILDING)
        way = f"{options.sampling.name} {options.dtype} {options.device}"  # each makes other frames of the same weights
        weights_hash = hashlib.sha256(f"{RUNTIME} {model.weights_hash} {way}".encode()).hexdigest()
        # A processor gains nothing from a batch.
        engine = DiamondEngine(model, weights_hash=weights_hash, exact=exact or options.device == "cpu")
        report(LoadStep.WARMING_UP)
        warm_up(engine)
    except (DiamondError, EngineFaultError) as error:
        raise ModelLoadError(f"{TITLE} cannot be loaded. {error}") from error
    except torch.OutOfMemoryError as error:
        raise ModelLoadError(_NO_ROOM) from error
    except OSError as error:
        raise ModelLoadError(f"The files of {TITLE} could not be read: {error.strerror or error}.") from error
    return engine


def _options(device: EngineDevice) -> LoadOptions:
    """The full number of steps on a card, the fewest on a processor: that is how the model was published."""
    import torch

    from engines.diamond import FAST, FULL, LoadOptions

    if device == "cuda" or (device == "auto" and torch.cuda.is_available()):
        return LoadOptions(device="cuda", dtype=torch.bfloat16, sampling=FULL)
    return LoadOptions(device="cpu", dtype=torch.float32, sampling=FAST)
