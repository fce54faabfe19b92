"""LoRAs of this server: files that its owner has put into a folder, by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from error_types import DomainError, ErrorCode

if TYPE_CHECKING:
    from pathlib import Path

_SUFFIX: Final = ".safetensors"


class LoraFolder:
    """Every method blocks. A name is looked up among the files that the folder has, and never made a path."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        return sorted(self._files())

    def find(self, name: str) -> Path:
        """Raises: DomainError, there is none of that name."""
        path = self._files().get(name)
        if path is None:
            message = "There is no such LoRA on this server. GET /api/video/specs lists those that there are."
            raise DomainError(message, ErrorCode.FILM_LORA_REFUSED)
        return path

    def _files(self) -> dict[str, Path]:
        try:
            return {path.stem: path for path in self._folder.iterdir() if path.suffix == _SUFFIX and path.is_file()}
        except OSError:
            return {}
