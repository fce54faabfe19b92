"""The plug-in of DIAMOND; imports nothing heavy until it is loaded."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.engine_host.engine_host import host_engine
from services.engine_host.host_settings import HostSettings
from services.machine import has_nvidia_driver, is_installed
from services.model_hub.cached_models import find_model
from services.model_hub.hub_cache import default_cache_dir
from services.model_hub.model_hub import Absent, Damaged, OnDisk, Partly
from services.world_engine.diamond.published import (
    FOLDER,
    FPS,
    FRAMES_PER_PASS,
    LICENCE,
    MODEL_ID,
    REPOSITORY,
    TITLE,
)
from services.world_engine.engine_card import EngineCard, EngineMemory, LoadReport, ModelLoadError

if TYPE_CHECKING:
    from pathlib import Path

    from runtime_config.engines_config import EngineDevice
    from runtime_config.runtime_config import RuntimeConfig
    from services.model_hub.model_hub import Found
    from services.world_engine.world_engine import WorldEngine

_FACTORY: Final = "services.world_engine.diamond.loading:load_engine"
_DESCRIPTION: Final = (
    "A diffusion model that has watched 87 hours of Counter-Strike: Global Offensive dreams your picture on, small and "
    "blurred. Its authors name no licence for the weights, and the recordings that it learned from are not for "
    "commercial use."
)
_SLOW: Final = " On a processor it takes a second for each picture."
_PACKAGES: Final = ("torch", "yaml")
_NO_PACKAGES: Final = (
    f"{TITLE} needs packages that are not installed. Install the extra engines: "
    "pip install -c constraints.txt -e '.[engines]'"
)
_HOW_TO_PULL: Final = f"Pull it ({REPOSITORY.size_bytes / 1e9:.1f} GB) in the Models view of the server's page."
_MEMORY: Final = EngineMemory(ram=2 << 30)  # measured: 1.9 GiB; worlds take next to nothing
_MEMORY_ON_CARD: Final = EngineMemory(ram=3 << 30, vram=2 << 30)  # not measured
_BEHIND_THE_SERVER: Final = 5  # niceness: on a processor it takes every core that it gets


@dataclass(frozen=True, slots=True)
class Diamond:
    """The model as it can be had on this machine. `cache_dir` is the hub's cache, `kernels` a folder for compiled code.

    `models_dir` holds models as OWNER/NAME, and comes before the cache. `device` is "auto" for a card if there is one.
    `exact`: worlds never share a batch. `has_card` tells whether there is one to be used.
    """

    cache_dir: Path
    kernels: Path
    models_dir: Path | None = None
    device: EngineDevice = "auto"
    exact: bool = False
    has_card: bool = False

    @classmethod
    def configured(cls, config: RuntimeConfig) -> Diamond:
        return cls(
            cache_dir=default_cache_dir(os.environ),
            kernels=config.data_dir / "kernels",
            models_dir=config.engines.models_dir,
            device=config.engines.device,
            exact=config.engines.exact,
            has_card=has_nvidia_driver(),
        )

    @property
    def card(self) -> EngineCard:
        """Looks at the files anew, and so blocks."""
        return EngineCard(
            model_id=MODEL_ID,
            title=TITLE,
            description=_DESCRIPTION if self._on_card else _DESCRIPTION + _SLOW,
            model_type="diamond",
            licence=LICENCE,
            memory=_MEMORY_ON_CARD if self._on_card else _MEMORY,
            frames_per_pass=FRAMES_PER_PASS,
            fps=FPS,
            placement="device" if self._on_card else "cpu",
            size_bytes=REPOSITORY.size_bytes,
            repositories=(REPOSITORY,),
            missing=self._what_is_missing(),
        )

    def load(self, quant: str, report: LoadReport) -> WorldEngine:
        """Load it in a process of its own.

        Raises:
            ModelLoadError: the model is not on the disk or is damaged, packages are missing, or this machine cannot run
                it.
        """
        found, missing = self._found(), self._what_is_missing()
        if missing is not None or not isinstance(found, OnDisk):
            raise ModelLoadError(missing or f"The files of {TITLE} have gone. {_HOW_TO_PULL}")
        options = {"folder": str(found.folder / FOLDER), "device": self.device, "exact": self.exact}
        niceness = 0 if self._on_card else _BEHIND_THE_SERVER
        return host_engine(_FACTORY, options, quant, report, HostSettings(TITLE, self.kernels, niceness))

    def not_pulled(self) -> str | None:
        """How to get the files that are not on the disk; None: all are there. Reads directories."""
        match self._found():
            case OnDisk():
                return None
            case Absent():
                return f"{TITLE} is not on this server's disk yet. {_HOW_TO_PULL}"
            case Partly():
                return f"{TITLE} is only in part on this server's disk. {_HOW_TO_PULL}"
            case Damaged(reason):
                return f"{TITLE} cannot be read. {reason}"

    @property
    def _on_card(self) -> bool:
        return self.device == "cuda" or (self.device == "auto" and self.has_card)

    def _found(self) -> Found:
        return find_model(self.cache_dir, REPOSITORY, self.models_dir)

    def _what_is_missing(self) -> str | None:
        has_packages = all(is_installed(package) for package in _PACKAGES)
        return self.not_pulled() if has_packages else _NO_PACKAGES
