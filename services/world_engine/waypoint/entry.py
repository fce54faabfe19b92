"""The Waypoint models in the catalogue. Nothing heavy is imported before one of them is loaded."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from services.engine_host.engine_host import host_engine
from services.engine_host.host_settings import HostSettings
from services.machine import has_nvidia_driver, is_installed
from services.model_hub.cached_models import find_model
from services.model_hub.hub_cache import default_cache_dir
from services.model_hub.model_hub import Absent, Damaged, OnDisk, Partly
from services.world_engine.engine_card import EngineCard, EngineMemory, LoadReport, ModelLoadError
from services.world_engine.waypoint.loading import NO_CARD, WaypointOptions, is_tiny
from services.world_engine.waypoint.published import (
    GIB,
    QUANTS,
    TEXT_ENCODER,
    WAYPOINT_1_5,
    WAYPOINT_1_5_360P,
    WAYPOINT_1_SMALL,
    PublishedModel,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runtime_config.engines_config import EnginesConfig
    from runtime_config.runtime_config import RuntimeConfig
    from services.model_hub.model_hub import Found
    from services.model_hub.repository import Repository
    from services.world_engine.world_engine import WorldEngine

FACTORY: Final = "services.world_engine.waypoint.loading:load_hosted"
_PACKAGES: Final = ("torch", "safetensors", "yaml")
_NO_PACKAGES: Final = (
    "It needs packages that are not installed. Install the extra engines: pip install -c constraints.txt -e .[engines]"
)
_RAM: Final = 6 * GIB  # while weights pass through on their way to the card; a process with CUDA keeps two of them


@dataclass(frozen=True, slots=True)
class WaypointPlugin:
    """A Waypoint model as it can be had on this machine, by these settings.

    `cache_dir` is the hub's cache, `kernels` the folder for compiled code. `has_card` tells whether there is a graphics
    card to be used.
    """

    model: PublishedModel
    config: EnginesConfig
    cache_dir: Path
    kernels: Path
    has_package: Callable[[str], bool] = is_installed
    has_card: bool = True

    @property
    def card(self) -> EngineCard:
        """As things are now: reads directories, and so blocks."""
        model, on_card = self.model, self._on_card
        return EngineCard(
            model_id=model.model_id,
            title=model.title,
            description=model.description + self._where(),
            model_type=model.model_type,
            licence=model.own.licence,
            quants=tuple(QUANTS) if self.has_package("torchao") else ("none",),
            placement="device" if on_card else "cpu",
            size_bytes=model.size_bytes,
            memory=EngineMemory(ram=_RAM, vram=model.vram if on_card else 0),
            frames_per_pass=model.frames_per_pass,
            fps=model.fps,
            repositories=model.repositories,
            takes_words=self.model.hears_prompts and self._folder(TEXT_ENCODER) is not None,
            missing=self.what_is_missing(),
        )

    def what_is_missing(self) -> str | None:
        """What keeps the model from being played, for the person who runs the server; None: nothing."""
        if not all(self.has_package(package) for package in _PACKAGES):
            return _NO_PACKAGES
        return self.not_pulled() or self._no_card()

    def not_pulled(self) -> str | None:
        """How to get the files that are not on the disk; None: all are there. Reads directories."""
        name, absent, has_part = self.model.model_id, 0, False
        for repository in self.model.repositories:
            match self._find(repository):
                case OnDisk():
                    has_part = True
                case Damaged(reason):
                    return reason
                case Partly(done, total):
                    absent, has_part = absent + total - done, True
                case Absent():
                    absent += repository.size_bytes
        if not absent:
            return None
        extent, size = "only in part" if has_part else "not", f"{absent / 1e9:.1f} GB"
        return (
            f"{name} is {extent} on this server's disk yet. Pull it ({size}) in the Models view of the server's page."
        )

    @property
    def _on_card(self) -> bool:
        return self.config.device == "cuda" or (self.config.device == "auto" and self.has_card)

    def _where(self) -> str:
        """What the description says of this machine."""
        if self._on_card:
            return ""
        if self.config.device == "auto":
            return " No graphics card was found on this machine."
        return " On the processor, as it is set here, it takes seconds for each picture."

    def _no_card(self) -> str | None:
        """A processor plays models that are small enough, and others if it is told to."""
        folder = self._folder(self.model.own)
        is_refused = self.config.device == "auto" and not self.has_card and folder is not None and not is_tiny(folder)
        return NO_CARD.format(title=self.model.title) if is_refused else None

    def load(self, quant: str, report: LoadReport) -> WorldEngine:
        """Raises:
        ModelLoadError: files or packages are missing or damaged, or this machine cannot run them.
        """
        settings = HostSettings(self.model.title, kernels=self.kernels)
        return host_engine(FACTORY, asdict(self.options()), quant, report, settings)

    def options(self) -> WaypointOptions:
        """Raises:
        ModelLoadError: something is missing.
        """
        own, vae = self._folder(self.model.own), self._vae_folder()
        missing = self.what_is_missing()
        if own is None or vae is None or missing is not None:
            raise ModelLoadError(missing or f"Files of {self.model.model_id} have gone.")
        text_encoder = self._folder(TEXT_ENCODER) if self.model.hears_prompts else None
        return WaypointOptions(
            model_id=self.model.model_id,
            title=self.model.title,
            model_folder=str(own),
            vae_folder=str(vae),
            device=self.config.device,
            compile=self.config.compile,
            exact=self.config.exact,
            text_encoder=None if text_encoder is None else str(text_encoder),
        )

    def _vae_folder(self) -> Path | None:
        if self.model.vae is not None:
            return self._folder(self.model.vae)
        own = self._folder(self.model.own)
        return None if own is None else own / "vae"

    def _folder(self, repository: Repository) -> Path | None:
        found = self._find(repository)
        return found.folder if isinstance(found, OnDisk) else None

    def _find(self, repository: Repository) -> Found:
        return find_model(self.cache_dir, repository, self.config.models_dir)


class Waypoint15:
    """The 720p model of the newer generation: what a stock client asks for first."""

    @classmethod
    def configured(cls, config: RuntimeConfig) -> WaypointPlugin:
        return _plugin(WAYPOINT_1_5, config)


class Waypoint15At360p:
    @classmethod
    def configured(cls, config: RuntimeConfig) -> WaypointPlugin:
        return _plugin(WAYPOINT_1_5_360P, config)


class Waypoint1Small:
    @classmethod
    def configured(cls, config: RuntimeConfig) -> WaypointPlugin:
        return _plugin(WAYPOINT_1_SMALL, config)


def _plugin(model: PublishedModel, config: RuntimeConfig) -> WaypointPlugin:
    return WaypointPlugin(
        model,
        config.engines,
        default_cache_dir(os.environ),
        config.data_dir / "kernels",
        has_card=has_nvidia_driver(),
    )
