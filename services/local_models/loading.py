"""Turns errors of loading a model, inside its worker's process, into sentences."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from services.child_process.child_main import is_out_of_memory
from services.torch_worker.worker_service import ServiceRefusalError

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def loading(model: str, placement: str) -> Generator[None]:
    """Wraps the code that loads `model`, by the name that people know. Out-of-memory errors pass through unchanged.

    Raises:
        ServiceRefusalError: there is no GPU for it, a package is missing, or the files are damaged.
    """
    if placement != "cpu" and not torch.cuda.is_available():
        raise ServiceRefusalError(
            f"The {model} is set to run on a GPU, and torch finds none. Install the torch build for your GPU."
        )
    try:
        yield
    except ServiceRefusalError:
        raise
    except Exception as error:  # libraries raise exceptions of any class
        if is_out_of_memory(error):
            raise
        if isinstance(error, ImportError):
            message = f"The {model} cannot be loaded: a package is missing. Install the extra models."
        else:
            message = f"The files of the {model} are damaged or incomplete. Remove them and download them again."
        raise ServiceRefusalError(message) from error
