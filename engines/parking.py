"""A model's tensors off their device and back. Their bytes wait in host memory, and each tensor stays the object it is.

Only the storages below the tensors lose their memory and get it again. So whatever holds a tensor, such as a view, a
module or compiled code, goes on with it afterwards.

The bytes cross through the pinned buffers of `engines.transfer`, and wait in plain memory: to have all of it pinned
would be no faster, and torch keeps pinned memory once it has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch

from engines.transfer import copy_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor, UntypedStorage


class ParkedTensors:
    """Made by `park`. Until `resume` nobody may compute with the tensors."""

    def __init__(self, storages: tuple[UntypedStorage, ...], copies: tuple[Tensor, ...]) -> None:
        self._storages = storages
        self._copies = copies  # uint8, [bytes of the storage] each

    @property
    def nbytes(self) -> int:
        """Of host memory."""
        return sum(copy.nbytes for copy in self._copies)

    def resume(self) -> None:
        """Bring the tensors back. Blocks.

        Raises:
            torch.OutOfMemoryError: the device has no room. They are as they were, and this can be called again.
        """
        try:
            for storage, copy in zip(self._storages, self._copies, strict=True):
                storage.resize_(copy.nbytes)
        except torch.OutOfMemoryError:
            _free(self._storages)
            raise
        copy_all([(copy, _bytes(storage)) for storage, copy in zip(self._storages, self._copies, strict=True)])
        self._storages, self._copies = (), ()


def park(tensors: Iterable[Tensor]) -> ParkedTensors:
    """Move what the tensors hold to host memory, and give the memory of their device back. Blocks.

    Raises:
        RuntimeError: the host has no memory for it; nothing has happened then.
    """
    storages = tuple(_storages(tensors))
    copies = tuple(torch.empty(storage.nbytes(), dtype=torch.uint8) for storage in storages)
    copy_all([(_bytes(storage), copy) for storage, copy in zip(storages, copies, strict=True)])
    _free(storages)
    return ParkedTensors(storages, copies)


def _storages(tensors: Iterable[Tensor]) -> Iterator[UntypedStorage]:
    """Each once. Memory that belongs to something else than torch cannot be given back, and is left alone."""
    seen: set[int] = set()
    for tensor in tensors:
        for plain in _plain(tensor):
            storage = plain.untyped_storage()
            if storage.nbytes() and storage.resizable() and storage.data_ptr() not in seen:
                seen.add(storage.data_ptr())
                yield storage


def _plain(tensor: Tensor) -> Iterator[Tensor]:
    """The tensor itself, or those that one of another package, such as a quantised one, is made of."""
    flatten: Any = getattr(tensor, "__tensor_flatten__", None)
    if flatten is None:
        yield tensor
        return
    for name in cast("list[str]", flatten()[0]):
        yield from _plain(getattr(tensor, name))


def _bytes(storage: UntypedStorage) -> Tensor:
    whole: Any = torch.empty(0, dtype=torch.uint8, device=storage.device)
    whole.set_(storage, 0, (storage.nbytes(),))  # whose type does not know plain storages
    return whole


def _free(storages: tuple[UntypedStorage, ...]) -> None:
    for storage in storages:
        storage.resize_(0)
    if any(storage.device.type == "cuda" for storage in storages):
        torch.cuda.empty_cache()  # other processes cannot use what torch keeps for itself
