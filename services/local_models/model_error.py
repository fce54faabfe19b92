"""Why a model that writes or paints scenes gave no answer, whether it runs here or behind an endpoint."""

from __future__ import annotations

from enum import StrEnum


class ModelFault(StrEnum):
    NOT_LOADED = "not_loaded"  # the model is missing, damaged, or does not fit
    OUT_OF_MEMORY = "out_of_memory"
    REFUSED = "refused"  # by the maker of the model
    FAILED = "failed"


class ModelError(RuntimeError):
    """`str()` of it is a sentence for the person who asked, or who runs the server."""

    def __init__(self, fault: ModelFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
