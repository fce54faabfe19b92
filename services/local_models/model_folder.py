"""What the files of a model on this machine say of it. Nothing heavy is imported."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from pathlib import Path


def quantising_needs(setting: str) -> str:
    """A sentence for the person who runs the server; `setting` is the variable that asks for it."""
    return f"That needs torchao: install the extra quantised, or set {setting}=none."


def read_mapping(file: Path) -> dict[str, Any]:
    """A JSON object; an empty one for a file that is missing or holds anything else."""
    try:
        found: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
