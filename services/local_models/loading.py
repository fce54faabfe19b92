"""What goes wrong while a model is read from the disk in a worker's process, in words."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from services.torch_worker.worker_service import ServiceRefusalError, is_out_of_memory

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def loading(model: str, placement: str) -> Generator[None]:
    """Around the code that loads; `model` is what a person calls it. A lack of memory passes through as it is.

    Raises:
        ServiceRefusalError: there is no device for it, a package is missing, or the files are damaged.
    """
    if placement != "cpu" and not torch.cuda.is_available():
        raise ServiceRefusalError(
            f"The {model} is to be on a GPU, and torch finds none. Install the torch made for it."
        )
    try:
        yield
    except ServiceRefusalError:
        raise
    except Exception as error:  # libraries raise what they like
        if is_out_of_memory(error):
            raise
        if isinstance(error, ImportError):
            message = f"The {model} cannot be loaded: a package is missing. Install the extra models."
        else:
            message = f"The files of the {model} are damaged or incomplete. Remove them and download them again."
        raise ServiceRefusalError(message) from error
