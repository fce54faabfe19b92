"""The files of a model folder, read without trusting them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, cast

from safetensors import SafetensorError, safe_open

from engines import model_folder
from engines.waypoint.errors import ModelFolderError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import torch
    from torch import Tensor

Shape = tuple[int, ...]

_PICKLES: Final = (".pth", ".pt", ".bin", ".ckpt", ".pkl")
_FLOATS: Final = frozenset({"F16", "BF16", "F32"})


class _Slice(Protocol):
    def get_shape(self) -> list[int]: ...
    def get_dtype(self) -> str: ...


class _OpenFile(Protocol):
    def keys(self) -> list[str]: ...
    def get_slice(self, name: str) -> _Slice: ...
    def get_tensor(self, name: str) -> Tensor: ...


def file_in(folder: Path, name: str) -> Path:
    """The file of that name.

    Raises:
        ModelFolderError: there is no such file, or a link leads out of the folder and of the hub's cache.
    """
    return model_folder.file_in(folder, name, ModelFolderError, hint=lambda: _only_pickles(folder))


def sole_safetensors(folder: Path) -> str:
    """The name of the one file of weights in a folder whose files have no fixed name.

    Raises:
        ModelFolderError: there is none, or more than one.
    """
    _check_folder(folder)
    found = sorted(path.name for path in folder.glob("*.safetensors"))
    match found:
        case [name]:
            return name
        case []:
            raise ModelFolderError(f"The folder {folder.name} has no safetensors file.{_only_pickles(folder)}")
        case _:
            raise ModelFolderError(f"The folder {folder.name} has several safetensors files; leave one.")


class TensorFile:
    """The tensors of one safetensors file, in memory only while they are read."""

    def __init__(self, folder: Path, name: str) -> None:
        """Raises:
        ModelFolderError: the file is missing, truncated, or no safetensors file.
        """
        path = file_in(folder, name)
        self.name = name
        try:
            self._file = cast("_OpenFile", safe_open(path, framework="pt", device="cpu"))
            self.shapes: Mapping[str, Shape] = dict(self._described())
        except (SafetensorError, OSError, ValueError, OverflowError) as error:
            raise ModelFolderError(_unreadable(path)) from error

    def _described(self) -> Iterator[tuple[str, Shape]]:
        for name in self._file.keys():  # noqa: SIM118 - it is a file, not a mapping
            stored = self._file.get_slice(name)
            if stored.get_dtype() not in _FLOATS:
                raise ModelFolderError(f"{self.name} has {name} in {stored.get_dtype()}, where it must have floats.")
            yield name, tuple(stored.get_shape())

    def check(self, expected: Mapping[str, Shape]) -> None:
        """Raises:
        ModelFolderError: a tensor is missing, unknown, or of another shape than expected.
        """
        missing, unknown = sorted(expected.keys() - self.shapes), sorted(self.shapes.keys() - expected)
        if missing:
            raise ModelFolderError(f"{self.name} lacks {_some(missing)}. It is incomplete, or of another model.")
        if unknown:
            raise ModelFolderError(f"{self.name} has {_some(unknown)}, which this model does not have.")
        for name, shape in expected.items():
            if self.shapes[name] != shape:
                raise ModelFolderError(
                    f"{self.name} has {name} with the shape {list(self.shapes[name])}; "
                    f"this model asks for {list(shape)}."
                )

    def read(self, name: str) -> Tensor:
        """One tensor on the CPU, in the precision it is stored in."""
        return self._file.get_tensor(name)

    def read_all(self, dtype: torch.dtype, device: torch.device) -> dict[str, Tensor]:
        return {name: self.read(name).to(device, dtype) for name in self.shapes}


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise ModelFolderError(f"There is no model folder {folder}.")


def _only_pickles(folder: Path) -> str:
    if not any(path.suffix in _PICKLES for path in folder.iterdir()):
        return ""
    return (
        " It has weights in Python's pickle format, which can run any program when they are read; "
        "this runtime reads safetensors alone."
    )


def _unreadable(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(2)
    if start == b"PK" or (start[:1] == b"\x80" and start[1:] in {b"\x02", b"\x03", b"\x04", b"\x05"}):
        return f"{path.name} is a pickle under another name, not a safetensors file; it is not read."
    return f"{path.name} is truncated or damaged. Delete it and fetch it again."


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
