"""Each world model that the server offers: whether it can be loaded here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.doctor.check import Bad, Check, Good, Warned, parted
from services.memory_planner.engine_fit import DoesNotFit, Fits, FitUnknown, Tight

if TYPE_CHECKING:
    from handlers.doctor.check import Finding
    from services.memory_planner.engine_fit import EngineFit
    from services.world_engine.catalogue import CatalogueEntry


def check_model(entry: CatalogueEntry, fit: EngineFit) -> Check:
    return Check(f"model:{entry.model_id}", entry.title, _model(entry, fit))


def _model(entry: CatalogueEntry, fit: EngineFit) -> Finding:
    if entry.missing is not None:
        found, mend = parted(entry.missing)
        # What has to be pulled first is no fault; a part of the server that is not there is one.
        return Warned(found, mend) if entry.repositories else Bad(found, mend)
    where = "on the processor" if entry.placement == "cpu" else "on the card"
    match fit:
        case Fits():
            return Good(f"It plays {where}.")
        case Tight(reason):
            return Good(f"It plays {where}, with little room to spare. {reason}")
        case DoesNotFit(reason):
            return Warned(reason, "Unload what you do not need, or choose a smaller quantisation or another model.")
        case FitUnknown(reason):
            return Warned(reason, "It may run all the same: load it from the models of the page, with “load anyway”.")
