"""Where a model's files lie on this machine, and whether a package is there. Nothing heavy is imported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast


def quantising_needs(setting: str) -> str:
    """A sentence for the person who runs the server; `setting` is the variable that asks for it."""
    return f"That needs torchao: install the extra quantised, or set {setting}=none."


def snapshots_folder(cache_dir: Path, model_id: str) -> Path:
    """What a Hugging Face cache holds of a model: a folder for each commit."""
    return cache_dir / ("models--" + model_id.replace("/", "--")) / "snapshots"


def main_snapshot(cache_dir: Path, model_id: str) -> Path | None:
    """The commit that the model's main branch was at when it was downloaded."""
    snapshots = snapshots_folder(cache_dir, model_id)
    try:
        commit = (snapshots.parent / "refs" / "main").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return snapshots / Path(commit).name


def read_mapping(file: Path) -> dict[str, Any]:
    """A JSON object; an empty one for a file that is missing or holds anything else."""
    try:
        found: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
