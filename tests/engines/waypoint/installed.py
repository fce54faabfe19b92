"""Tiny models where a server finds them: in a folder of models, or in the hub's cache."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from tests.engines.waypoint.published import tiny_1, tiny_1_5, write_image_autoencoder, write_model, write_taehv

if TYPE_CHECKING:
    from pathlib import Path

WAYPOINT_1_5: Final = "Overworld/Waypoint-1.5-1B"
WAYPOINT_1_5_360P: Final = "Overworld/Waypoint-1.5-1B-360P"
WAYPOINT_1: Final = "Overworld/Waypoint-1-Small"
OWL_VAE: Final = "OpenWorldLabs/owl_vae_f16_c16_distill_v0_nogan"
_COMMIT: Final = "0123456789abcdef0123456789abcdef01234567"


def install_waypoint_1_5(models_dir: Path, model_id: str = WAYPOINT_1_5) -> Path:
    """Write a model of the newer generation as `models_dir/owner/name`; that folder."""
    config = tiny_1_5()
    folder = write_model(models_dir / model_id, config)
    write_taehv(folder / "vae", config)
    return folder


def install_waypoint_1(models_dir: Path) -> Path:
    """Write a model of the first generation, and its autoencoder beside it; the model's folder."""
    config = tiny_1()
    write_image_autoencoder(models_dir / OWL_VAE, config)
    return write_model(models_dir / WAYPOINT_1, config)


def cache(folder: Path, cache_dir: Path, model_id: str) -> Path:
    """Copy a model into a hub's cache as a pull of its main branch leaves it; the snapshot's folder."""
    kept = cache_dir / f"models--{model_id.replace('/', '--')}"
    snapshot = kept / "snapshots" / _COMMIT
    shutil.copytree(folder, snapshot)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(_COMMIT, encoding="ascii")
    return snapshot
