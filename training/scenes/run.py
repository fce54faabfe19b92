"""A run of the scene network on disk: a checkpoint in small files, and the curves of its losses."""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import torch

from training.curves import LossCurves
from training.part_files import PartFilesError, read_parts, write_parts
from training.run import RunFolderError
from world_model.config import ModelConfig
from world_model.scene_net import SceneNet

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

_NAME: Final = "checkpoint"
_UNREADABLE: Final = (RuntimeError, EOFError, ValueError, KeyError, TypeError, pickle.UnpicklingError)


@dataclass(frozen=True, slots=True)
class SceneCheckpoint:
    """What a run has come to after `step` steps and `spent_s` seconds of training. The weights are state dicts."""

    config: ModelConfig
    step: int
    spent_s: float
    learning: Mapping[str, Tensor]
    average: Mapping[str, Tensor]
    optimiser: dict[str, Any]

    def network(self, *, averaged: bool) -> SceneNet:
        """The network as it learns, or with the average in place: what is judged and shipped."""
        network = SceneNet(self.config)
        network.load_state_dict(self.average if averaged else self.learning)
        return network


class SceneRunFolder:
    """Used by one process at a time. No file in it is larger than 16 MiB."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path, self.curves = path, LossCurves(path)

    def save(self, checkpoint: SceneCheckpoint) -> None:
        """Replace the checkpoint; who is interrupted here keeps the one before."""
        data = io.BytesIO()
        state = {name: getattr(checkpoint, name) for name in ("step", "spent_s", "learning", "average", "optimiser")}
        torch.save({"config": checkpoint.config.to_plain(), **state}, data)
        write_parts(self.path, _NAME, checkpoint.step, data.getvalue())

    def load(self) -> SceneCheckpoint | None:
        """The last checkpoint, or None in a new folder.

        Raises:
            RunFolderError: the checkpoint cannot be read.
        """
        try:
            data = read_parts(self.path, _NAME)
            if data is None:
                return None
            state: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
            found = SceneCheckpoint(
                config=ModelConfig.from_plain(state["config"]),
                step=int(state["step"]),
                spent_s=float(state.get("spent_s", 0.0)),
                learning=state["learning"],
                average=state["average"],
                optimiser=state["optimiser"],
            )
            found.network(averaged=True)
        except (PartFilesError, *_UNREADABLE) as error:
            raise RunFolderError(
                f"The checkpoint in {self.path} cannot be read: {error} Remove it to begin this run anew."
            ) from error
        return found
