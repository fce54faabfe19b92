"""The published weights are a `.pt` file: a ZIP of raw numbers, and a pickle that says which tensors they are.

A pickle is a program. torch's restricted interpreter (`weights_only`) runs this one: it knows tensors and plain
containers, and refuses every other name before it is looked up. The file must also be a plain ZIP. Nothing in it may be
compressed, so that reading takes no more memory than the file has bytes; and older formats are refused, because they
have readers of their own. Converting the file first would be no safer: the converter reads the same pickle.
"""

from __future__ import annotations

import hashlib
import pickle
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import torch
from torch import Tensor

from engines.diamond.errors import ModelFolderError
from engines.model_folder import file_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Shape = tuple[int, ...]

_FLOATS: Final = (torch.float32, torch.float16, torch.bfloat16)
_LARGEST_PICKLE: Final = 16 << 20  # bytes; that of the published file is far below a megabyte


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`tensors` lie in the file, which must not change while they are used."""

    tensors: dict[str, Tensor]
    sha256: str  # of the whole file, hex


def read_checkpoint(folder: Path, name: str, expected: Mapping[str, Shape]) -> Checkpoint:
    """Raises:
    ModelFolderError: the file is missing, damaged, asks for more than tensors, or has others than those expected.
    """
    path = file_in(folder, name, ModelFolderError)
    try:
        _check_archive(path, name)
        loaded: object = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise ModelFolderError(
            f"{name} asks for more than tensors when it is read. It may hold a program, and is not read. Fetch the "
            "published file again."
        ) from error
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ModelFolderError(f"{name} is truncated or damaged. Delete it and fetch it again.") from error
    tensors = _tensors_of(loaded, name)
    _check_shapes(tensors, expected, name)
    with path.open("rb") as file:
        return Checkpoint(tensors, hashlib.file_digest(file, "sha256").hexdigest())


def _check_archive(path: Path, name: str) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
    for part in parts:
        is_pickle = part.filename.endswith(".pkl")
        if part.compress_type != zipfile.ZIP_STORED or (is_pickle and part.file_size > _LARGEST_PICKLE):
            raise ModelFolderError(f"{name} is not a file that torch.save writes; it is not read.")


def _tensors_of(loaded: object, name: str) -> dict[str, Tensor]:
    if not isinstance(loaded, dict):
        raise ModelFolderError(f"{name} holds no table of tensors.")
    table = cast("dict[object, object]", loaded)
    for key, value in table.items():
        is_plain = isinstance(value, Tensor) and value.layout == torch.strided and value.dtype in _FLOATS
        if not isinstance(key, str) or not is_plain:
            raise ModelFolderError(f"{name} has {key!s:.60}, which is no tensor of floats.")
    return cast("dict[str, Tensor]", loaded)


def _check_shapes(tensors: Mapping[str, Tensor], expected: Mapping[str, Shape], name: str) -> None:
    missing, unknown = sorted(expected.keys() - tensors), sorted(tensors.keys() - expected)
    if missing:
        raise ModelFolderError(f"{name} lacks {_some(missing)}. It is incomplete, or of another model.")
    if unknown:
        raise ModelFolderError(f"{name} has {_some(unknown)}, which this model does not have.")
    for key, shape in expected.items():
        if tuple(tensors[key].shape) != shape:
            raise ModelFolderError(
                f"{name} has {key} with the shape {list(tensors[key].shape)}; this model asks for {list(shape)}."
            )


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
