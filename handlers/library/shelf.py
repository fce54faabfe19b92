"""The models that the server knows: engines that are played, and models that help with scenes and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.image_classifier import classifier_files
from services.image_editor import flux_files
from services.model_hub.model_hub import Absent, Damaged, Found, OnDisk, Partly
from services.prompt_writer import writer_files
from services.video_pipeline import ltx_files
from services.world_engine.depth import depth_anything_files
from services.world_engine.diorama.constants import STROLL_ID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runtime_config.current import Current
    from runtime_config.runtime_config import RuntimeConfig
    from services.model_hub.model_hub import ModelHub
    from services.model_hub.repository import Repository
    from services.world_engine.catalogue import CatalogueEntry, WorldEngineCatalogue


@dataclass(frozen=True, slots=True)
class EngineModel:
    entry: CatalogueEntry

    @property
    def model_id(self) -> str:
        return self.entry.model_id

    @property
    def repositories(self) -> tuple[Repository, ...]:
        return self.entry.repositories


@dataclass(frozen=True, slots=True)
class SupportModel:
    """A model that nobody plays. `use` is a predicate: what the settings have the server use it for; None: nothing.

    `own_folder` is where the settings say that it lies instead. `helps` is the id of an engine that uses it while it is
    loaded; None: no engine does.
    """

    title: str
    description: str
    model_type: str
    repository: Repository
    use: str | None
    own_folder: Path | None = None
    helps: str | None = None

    @property
    def model_id(self) -> str:
        return self.repository.model_id

    @property
    def repositories(self) -> tuple[Repository, ...]:
        return (self.repository,)


ShelfModel = EngineModel | SupportModel


class ModelShelf:
    """In the order in which they are offered. Reading it asks neither the disk nor the network."""

    def __init__(self, catalogue: WorldEngineCatalogue, config: Current[RuntimeConfig]) -> None:
        self._catalogue = catalogue
        self._config = config

    def models(self) -> tuple[ShelfModel, ...]:
        return (*(EngineModel(entry) for entry in self._catalogue.entries()), *support_models(self._config.now))

    def find(self, model_id: str) -> ShelfModel | None:
        return next((model for model in self.models() if model.model_id == model_id), None)


def support_models(config: RuntimeConfig) -> tuple[SupportModel, ...]:
    authoring = config.authoring
    writes = authoring.writer is None and authoring.local_writer != "off" and authoring.local_writer_folder is None
    paints = authoring.images is None and authoring.local_images != "off" and authoring.local_image_folder is None
    return (
        SupportModel(
            title="Picture check",
            description="Judges which pictures are fit to be shown. Without it, a small model that ships does so.",
            model_type="picture-check",
            repository=classifier_files.REPOSITORY,
            use="checks the pictures of this server" if config.seed_safety != "off" else None,
        ),
        SupportModel(
            title="Prompt writer",
            description="Turns what people type into instructions for the image model.",
            model_type="prompt-writer",
            repository=writer_files.REPOSITORY,
            use="writes the prompts of scenes on this server" if writes else None,
            own_folder=authoring.local_writer_folder,
        ),
        SupportModel(
            title="Image model",
            description="Paints and edits scenes.",
            model_type="image-model",
            repository=flux_files.REPOSITORY,
            use="paints the scenes of this server" if paints else None,
            own_folder=authoring.local_image_folder,
        ),
        SupportModel(
            title="Video model",
            description="LTX-2.3, distilled: makes films with sound from words, pictures, sounds and films."
            " Its licence is free of charge for those who earn less than 10 million US dollars a year.",
            model_type="video-model",
            repository=ltx_files.REPOSITORY,
            use="makes the films of this server" if config.film_model.makes_films else None,
            own_folder=config.film_model.folder,
        ),
        SupportModel(
            title="Film upscaler",
            description="Doubles the size of films, beside the video model.",
            model_type="video-upscaler",
            repository=ltx_files.UPSCALER_REPOSITORY,
            use="upscales the films of this server" if config.film_model.makes_films else None,
            own_folder=config.film_model.folder,
        ),
        SupportModel(
            title="Depth network",
            description="Depth Anything V2, small: tells what is near in a picture, so that Stroll lets you walk past."
            " Without it, a small network that ships does so, which knows open country alone."
            " Worlds that were saved in Stroll before it was pulled open again once it is removed.",
            model_type="depth-network",
            repository=depth_anything_files.REPOSITORY,
            use=None,
            helps=STROLL_ID,
        ),
    )


def find_all(hub: ModelHub, repositories: Sequence[Repository]) -> Found:
    """What is on this machine of several repositories together, of which there is one at least. Blocks.

    The folder is that of the first.
    """
    found = [hub.find(repository) for repository in repositories]
    for one in found:
        if isinstance(one, Damaged):
            return one
    whole = [one for one in found if isinstance(one, OnDisk)]
    if len(whole) == len(found):
        return OnDisk(whole[0].folder, whole[0].revision, sum(one.size_bytes for one in whole))
    if all(isinstance(one, Absent) for one in found):
        return Absent()
    done, total = 0, 0
    for one, repository in zip(found, repositories, strict=True):
        match one:
            case OnDisk(size_bytes=size):
                done, total = done + size, total + size
            case Partly(come, size):
                done, total = done + come, total + size
            case _:
                total += repository.size_bytes
    return Partly(done, total)
