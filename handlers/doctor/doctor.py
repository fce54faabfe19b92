"""Looks at everything that the server needs, and says of each thing what is so and what would mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.doctor._card import card_checks
from handlers.doctor._depth import check_depth
from handlers.doctor._machine import check_disk, check_memory, ffmpeg_checks
from handlers.doctor._models import check_model
from handlers.doctor._start import (
    check_database,
    check_folder,
    check_pictures,
    check_port,
    check_scenes,
    check_settings,
)
from handlers.doctor.check import Check, Report
from services.image_classifier.image_classifier import ClassifierFailing, ClassifierMissing, ClassifierReady
from services.image_editor.image_editor import EditorMissing
from services.prompt_writer.prompt_writer import WriterMissing
from services.world_engine.depth import depth_anything_files
from services.world_engine.depth.depth_anything_files import state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handlers.doctor.port import PortState
    from runtime_config.runtime_config import RuntimeConfig
    from services.image_classifier.image_classifier import ImageClassifier
    from services.image_editor.image_editor import ImageEditor
    from services.machine_probe.machine_probe import MachineProbe
    from services.memory_planner.engine_fit import EngineFit
    from services.model_hub.model_hub import ModelHub
    from services.prompt_writer.prompt_writer import PromptWriter
    from services.system_monitor.system_monitor import SystemMonitor
    from services.world_engine.catalogue import CatalogueEntry, WorldEngineCatalogue


@dataclass(frozen=True, slots=True)
class Installation:
    """What is to run: with which settings, and what is known of it. `refusal` says why the settings were refused, in
    part or as a whole. `is_card_in_use`: worlds are on the card, which is not to be tried then.
    """

    config: RuntimeConfig
    port: PortState
    refusal: str | None = None
    is_card_in_use: bool = False


class Doctor:
    def __init__(
        self,
        *,
        probe: MachineProbe,
        monitor: SystemMonitor,
        catalogue: WorldEngineCatalogue,
        classifier: ImageClassifier,
        writer: PromptWriter,
        editor: ImageEditor,
        hub: ModelHub,
        fit: Callable[[CatalogueEntry], EngineFit],
    ) -> None:
        """`fit` says whether a model fits on this machine. It blocks."""
        self._probe = probe
        self._monitor = monitor
        self._catalogue = catalogue
        self._classifier = classifier
        self._writer = writer
        self._editor = editor
        self._hub = hub
        self._fit = fit

    def examine(self, installation: Installation) -> Report:
        """Blocks for some seconds: torch is imported by a process of its own, and each encoder encodes a little."""
        return Report((*self._start(installation), *self._machine(installation), *self._uses(installation.config)))

    def _start(self, installation: Installation) -> Iterator[Check]:
        config, port, probe = installation.config, installation.port, self._probe
        yield check_settings(installation.refusal)
        yield check_port(port)
        yield check_folder(config.data_dir, probe.folder(config.data_dir), port)
        yield check_database(probe.database(config.data_dir / "terrarium.sqlite", config.jobs.database_url))

    def _machine(self, installation: Installation) -> Iterator[Check]:
        machine, usage, probe = self._monitor.machine(), self._monitor.usage(), self._probe
        cards = probe.nvidia_cards()
        yield from card_checks(machine, usage, cards, probe.torch(try_card=not installation.is_card_in_use))
        yield check_memory(usage)
        config = installation.config
        yield check_disk(probe.disk(config.data_dir), config.recording.least_free_bytes)
        yield from ffmpeg_checks(probe.ffmpeg(), has_nvidia_card=bool(machine.gpu_count or cards))

    def _uses(self, config: RuntimeConfig) -> Iterator[Check]:
        yield check_pictures(self._what_judging_lacks(), is_wanted=config.seed_safety != "off")
        authoring = config.authoring
        is_wanted = authoring.writer is not None or authoring.local_writer != "off"
        yield check_scenes(self._what_scenes_lack(), is_wanted=is_wanted)
        yield check_depth(state_of(self._hub.find(depth_anything_files.REPOSITORY)))
        for entry in self._catalogue.entries():
            yield check_model(entry, self._fit(entry))

    def _what_judging_lacks(self) -> str | None:
        match self._classifier.status():
            case ClassifierReady():
                return None
            case ClassifierFailing(reason=reason) | ClassifierMissing(reason):
                return reason

    def _what_scenes_lack(self) -> str | None:
        match self._writer.status(), self._editor.status():
            case (WriterMissing(reason), _) | (_, EditorMissing(reason)):
                return reason
            case _:
                return None
