"""A training run on disk: checkpoints to resume from, and the curves of its losses."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import torch

from training.curves import LossCurves
from training.networks import make_networks
from world_model.config import ModelConfig

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from training.networks import Networks
    from training.stage import Stage

_UNREADABLE: Final = (OSError, RuntimeError, EOFError, ValueError, KeyError, TypeError, pickle.UnpicklingError)


class RunFolderError(Exception):
    """A run cannot go on from its folder; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come: stages that are finished, and steps of the one that is not."""

    finished: tuple[str, ...] = ()
    step: int = 0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a run has come to. Weights and averages are state dicts by network."""

    config: ModelConfig
    progress: Progress
    networks: Mapping[str, Mapping[str, Tensor]]
    averages: Mapping[str, Mapping[str, Tensor]]  # of the stage under way
    optimiser: dict[str, Any] | None  # of the stage under way, if one is

    def restored(self, device: torch.device, *, averaged: bool) -> Networks:
        """The networks as they learn, or with the averages in place: what is shipped."""
        networks = make_networks(self.config, device)
        for name, module in networks.named().items():
            learning = self.networks[name]
            module.load_state_dict(self.averages.get(name, learning) if averaged else learning)
        return networks

    def take_up(self, stage: Stage) -> None:
        """Give a stage the optimiser and the averages that it had."""
        if self.optimiser is not None:
            stage.optimiser.load_state_dict(self.optimiser)
            for name, module in stage.averages.items():
                module.load_state_dict(self.averages[name])


class RunFolder:
    """Used by one process at a time."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path, self.curves = path, LossCurves(path)
        self._checkpoint = path / "checkpoint.pt"

    def save(self, networks: Networks, progress: Progress, stage: Stage | None) -> None:
        """Networks, progress and what the stage under way needs to go on; written whole or not at all."""
        state: dict[str, Any] = {
            "config": networks.config.to_plain(),
            "networks": {name: module.state_dict() for name, module in networks.named().items()},
            "finished": list(progress.finished),
            "step": progress.step,
            "optimiser": None if stage is None else stage.optimiser.state_dict(),
            "averages": {} if stage is None else {n: m.state_dict() for n, m in stage.averages.items()},
        }
        _save(self._checkpoint, state)

    def load(self) -> Checkpoint | None:
        """The last checkpoint, or None in a new folder.

        Raises:
            RunFolderError: the checkpoint cannot be read.
        """
        if not self._checkpoint.exists():
            return None
        try:
            state = _load(self._checkpoint)
            found = Checkpoint(
                config=ModelConfig.from_plain(state["config"]),
                progress=Progress(tuple(map(_stage_of, state["finished"])), int(state["step"])),
                networks=state["networks"],
                averages=state["averages"],
                optimiser=state["optimiser"],
            )
            found.restored(torch.device("cpu"), averaged=True)
        except _UNREADABLE as error:
            raise RunFolderError(
                f"The checkpoint {self._checkpoint} is damaged or of another version; remove it to begin this run anew."
            ) from error
        return found


def _stage_of(name: str) -> str:
    """The stage of a name in a checkpoint: that of the depth network was another one once."""
    return "depth" if name == "sight" else name


def _save(path: Path, state: dict[str, Any]) -> None:
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def _load(path: Path) -> dict[str, Any]:
    return torch.load(path, map_location="cpu", weights_only=True)
