"""Loads the engine that a plan was made with, or says why this machine does not have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replay.plan import ReplayError
from services.world_engine.engine_card import LoadStep, ModelLoadError

if TYPE_CHECKING:
    from services.world_engine.catalogue import CatalogueEntry, WorldEngineCatalogue
    from services.world_engine.world_engine import WorldEngine, WorldSpec
    from services.world_files.world_file import ModelFacts


def load_engine(catalogue: WorldEngineCatalogue, model: ModelFacts) -> WorldEngine:
    """Raises: ReplayError, the model is unknown, cannot be loaded, or has other weights here."""
    engine = load_engine_of(find_entry(catalogue, model), model.quant)
    try:
        require_same(engine.spec, model)
    except ReplayError:
        engine.close()
        raise
    return engine


def find_entry(catalogue: WorldEngineCatalogue, model: ModelFacts) -> CatalogueEntry:
    """Raises: ReplayError, the model is unknown here, or not as it was quantised."""
    entry = catalogue.find(model.id)
    if entry is None:
        known = ", ".join(entry.model_id for entry in catalogue.entries())
        raise ReplayError(f"This was made with {model.id}, which is not here. There is: {known}.")
    if model.quant not in entry.quants:
        raise ReplayError(f"This was made with {model.id} as “{model.quant}”, which is not here.")
    return entry


def require_same(spec: WorldSpec, model: ModelFacts) -> None:
    """Raises: ReplayError, the engine has other weights than those that made what is to be replayed."""
    here = (spec.weights_hash, spec.frames_per_pass, spec.fps, spec.width, spec.height)
    if here != (model.weights_hash, model.frames_per_pass, model.fps, model.width, model.height):
        raise ReplayError(
            f"This was made with other weights of {model.id} (or another version of it) than are here: "
            f"{model.weights_hash[:12]}, not {spec.weights_hash[:12]}. It would come out differently."
        )


def load_engine_of(entry: CatalogueEntry, quant: str) -> WorldEngine:
    """Raises: ReplayError, it cannot be loaded."""
    try:
        return entry.load(quant, _ignore)
    except ModelLoadError as error:
        raise ReplayError(str(error)) from error


def _ignore(_: LoadStep) -> None:
    """A replay does not show the steps of a load."""
