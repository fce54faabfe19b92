"""Loads a Waypoint model for play. It runs where torch may be imported: in the engine host's process."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from services.world_engine.engine_card import LoadReport, LoadStep, ModelLoadError
from services.world_engine.waypoint.published import QUANTS

if TYPE_CHECKING:
    from engines.waypoint import LoadOptions, Quantisation
    from runtime_config.engines_config import EngineDevice
    from services.world_engine.waypoint.engine import WaypointEngine

_TINY: Final = 256 << 20  # bytes of weights that a processor plays at once
NO_CARD: Final = (
    "{title} is made for a graphics card, and torch finds none that it can use here. A processor takes seconds for "
    "each picture; to try it all the same, set --engine-device cpu."
)
_NO_TORCH: Final = "{title} needs torch, which could not be imported. Install the extra engines again."


@dataclass(frozen=True, slots=True, kw_only=True)
class WaypointOptions:
    """What a load needs to know, in values that can cross to another process. Folders are paths.

    `text_encoder` is the folder of a UMT5; None: prompts are not heard.
    """

    model_id: str
    title: str
    model_folder: str
    vae_folder: str
    device: EngineDevice
    compile: bool
    exact: bool
    text_encoder: str | None = None


def load_hosted(*, quant: str, report: LoadReport, **options: Any) -> WaypointEngine:
    """`load_engine`, as an engine host calls it: the process is the engine's own. Raises: ModelLoadError."""
    chosen = WaypointOptions(**options)
    if is_tiny(Path(chosen.model_folder)):
        with suppress(ImportError, OSError):  # which the load tells of
            import torch

            # Several would wait for each other longer than they work. Set before the load: what is computed there, such
            # as the tables of noise levels, depends on their number in its last bits.
            torch.set_num_threads(1)
    return load_engine(chosen, quant, report)


def load_engine(options: WaypointOptions, quant: str, report: LoadReport) -> WaypointEngine:
    """Read the weights, build the network, and play until everything has run once. Blocks.

    Raises:
        ModelLoadError: the quantisation is unknown; files are missing, damaged or not what they should be; torch is
            missing, sees no card, or finds too little memory on it.
    """
    quantisation = QUANTS.get(quant)
    if quantisation is None:
        raise ModelLoadError(f"{options.title} comes in {', '.join(QUANTS)}, and not in {quant}.")
    report(LoadStep.READING)
    model_folder, vae_folder = Path(options.model_folder), Path(options.vae_folder)
    try:
        import torch

        from engines.waypoint import WaypointError, load_waypoint
        from services.world_engine.waypoint.engine import WaypointEngine, warm_up
        from services.world_engine.waypoint.identity import weights_hash
        from services.world_engine.waypoint.prompts import prompts_of
    except (ImportError, OSError) as error:
        raise ModelLoadError(_NO_TORCH.format(title=options.title)) from error
    try:
        hashed = weights_hash(model_folder, vae_folder)
        report(LoadStep.BUILDING)
        text_encoder = None if options.text_encoder is None else Path(options.text_encoder)
        model = load_waypoint(model_folder, vae_folder, _load_options(options, quantisation))
        engine = WaypointEngine(
            model,
            model_id=options.model_id,
            title=options.title,
            weights_hash=hashed,
            exact=options.exact or model.device.type == "cpu",
            prompts=prompts_of(model.config, text_encoder),
        )
        report(LoadStep.WARMING_UP)
        warm_up(engine)
    except WaypointError as error:
        raise ModelLoadError(f"{options.title} cannot be loaded. {error}") from error
    except torch.OutOfMemoryError as error:
        raise ModelLoadError(
            f"{options.title} does not fit into the memory that is free on the graphics card. Unload other models, or "
            "choose a quantisation with smaller numbers."
        ) from error
    except OSError as error:
        raise ModelLoadError(f"The files of {options.title} could not be read: {error.strerror or error}.") from error
    return engine


def _load_options(options: WaypointOptions, quantisation: Quantisation) -> LoadOptions:
    """Raises:
    ModelLoadError: there is no card, and the model is not one for processors.
    """
    import torch

    from engines.waypoint import LoadOptions

    has_card, tiny = torch.cuda.is_available(), is_tiny(Path(options.model_folder))
    match options.device:
        case "cpu":
            device = "cpu"
        case "auto" if tiny and not has_card:
            device = "cpu"
        case "auto" | "cuda":
            if not has_card:
                raise ModelLoadError(NO_CARD.format(title=options.title))
            device = "cuda"
    on_card = device == "cuda"
    return LoadOptions(
        device=device,
        dtype=torch.float32 if tiny and not on_card else torch.bfloat16,
        quantisation=quantisation,
        compile=on_card and options.compile,
        cuda_graphs=on_card and options.compile,
    )


def is_tiny(folder: Path) -> bool:
    """Whether a processor plays the model at once. Reads a directory."""
    try:
        return (folder / "model.safetensors").stat().st_size <= _TINY
    except OSError:
        return False
