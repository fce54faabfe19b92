"""The doctor's checks, each on a machine that has what it is about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from handlers.doctor.check import Bad, Good, Report, Warned
from handlers.doctor.doctor import Doctor, Installation
from handlers.doctor.port import OwnPort, PortFree, PortServed, PortTaken
from runtime_config.authoring_config import AuthoringConfig
from runtime_config.runtime_config import RuntimeConfig
from services.image_classifier.image_classifier import ClassifierMissing
from services.machine_probe.machine_probe import (
    DatabaseNewer,
    DatabaseSound,
    DatabaseUnusable,
    DiskSpace,
    FfmpegFound,
    FfmpegMissing,
    FolderHeld,
    FolderUnusable,
    FolderUsable,
    TorchBroken,
    TorchFound,
)
from services.memory_planner.engine_fit import DoesNotFit, Fits, FitUnknown, Tight
from services.model_hub.model_hub import Damaged, OnDisk
from services.model_hub.repository import Repository
from services.world_engine.catalogue import WorldEngineCatalogue
from services.world_engine.depth.depth_anything_files import REPOSITORY
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_image_classifier import FakeImageClassifier
from tests.fakes.fake_image_editor import FakeImageEditor
from tests.fakes.fake_machine_probe import FakeMachineProbe
from tests.fakes.fake_model_hub import FakeModelHub
from tests.fakes.fake_prompt_writer import FakePromptWriter
from tests.fakes.fake_system_monitor import FAKE_MACHINE, FAKE_USAGE, FakeSystemMonitor

if TYPE_CHECKING:
    from handlers.doctor.check import Finding
    from handlers.doctor.port import PortState
    from services.memory_planner.engine_fit import EngineFit
    from services.system_monitor.system_monitor import MachinePayload

GIB = 1 << 30
CARD = replace(
    FAKE_MACHINE,
    gpu_name="Fake RTX",
    gpu_count=1,
    vram_total_bytes=24 * GIB,
    driver_version="550.54",
    runtime_version="CUDA 12.4",
)


class Machine:
    """A machine and a doctor for it. Tests change `probe` and the rest, and then ask for one finding."""

    def __init__(self, machine: MachinePayload = FAKE_MACHINE) -> None:
        self.probe = FakeMachineProbe()
        self.classifier = FakeImageClassifier()
        self.hub = FakeModelHub()
        self.config = RuntimeConfig(data_dir=Path("folder"))
        self.port: PortState = PortFree("127.0.0.1", 7987)
        self.refusal: str | None = None
        self.fit: EngineFit = Fits()
        self.model = FakeModel()
        self.usage = FAKE_USAGE
        self.is_card_in_use = False
        self._machine = machine

    def report(self) -> Report:
        doctor = Doctor(
            probe=self.probe,
            monitor=FakeSystemMonitor(self._machine, self.usage),
            catalogue=WorldEngineCatalogue([self.model.entry]),
            classifier=self.classifier,
            writer=FakePromptWriter(),
            editor=FakeImageEditor(),
            hub=self.hub,
            fit=lambda _: self.fit,
        )
        return doctor.examine(Installation(self.config, self.port, self.refusal, self.is_card_in_use))

    def finding(self, name: str) -> Finding:
        return next(check.finding for check in self.report().checks if check.id == name)


def test_it_says_which_depth_is_in_use(tmp_path: Path) -> None:
    machine, name = Machine(), REPOSITORY.model_id
    absent = machine.finding("depth")
    assert isinstance(absent, Good)
    assert "ships with the server" in absent.found
    machine.hub.found[name] = OnDisk(tmp_path, "c" * 40, 99)
    foreign = machine.finding("depth")
    assert isinstance(foreign, Warned)
    assert "another model" in foreign.found
    machine.hub.found[name] = Damaged("It is cut off.")
    assert machine.finding("depth") == Warned(
        "It is cut off. Stroll uses the network that ships with the server, which knows open country alone.",
        "Remove Depth Anything V2, and pull it again.",
    )


def test_a_machine_without_a_card_is_well() -> None:
    report = Machine().report()
    assert report.is_good
    assert {type(check.finding) for check in report.checks} == {Good}
    names = [check.id for check in report.checks]
    assert len(names) == len(set(names)), "scripts go by the ids"
    assert "model:fake/world" in names


def test_every_finding_is_made_of_sentences() -> None:
    for check in Machine(CARD).report().checks:
        texts = [check.finding.found, *([] if isinstance(check.finding, Good) else [check.finding.mend])]
        assert all(text.endswith((".", "”.")) for text in texts), texts


# ------------------------------------------------------------------------------------ the card and its software


@pytest.mark.parametrize(
    ("torch", "driver", "words"),
    [
        (TorchFound("2.13", "13.0"), Bad, "knows CUDA up to 12.4, and torch was built for CUDA 13.0"),
        (TorchFound("2.6", "12.8", ("Fake RTX",)), Good, "for CUDA up to 12.4"),
        (TorchFound("2.4", "11.8", ("Fake RTX",)), Good, "for CUDA up to 12.4"),
    ],
)
def test_a_driver_without_the_right_cuda_is_told(torch: TorchFound, driver: type[Finding], words: str) -> None:
    machine = Machine(CARD)
    machine.probe.torch_state = torch
    finding = machine.finding("driver")
    assert isinstance(finding, driver)
    assert words in finding.found


def test_a_driver_that_is_too_old_says_both_ways_out() -> None:
    machine = Machine(CARD)
    machine.probe.torch_state = TorchFound("2.13", "13.0")
    assert not machine.report().is_good
    finding = machine.finding("driver")
    assert isinstance(finding, Bad)
    assert finding.mend == "Update the driver to one for CUDA 13, or install a torch for CUDA 12."


def test_a_torch_without_cuda_does_not_use_the_card() -> None:
    machine = Machine(CARD)
    machine.probe.torch_state = TorchFound("2.13+cpu", None)
    assert machine.finding("torch") == Bad(
        "torch 2.13+cpu was built without CUDA, so that it does not use the card.",
        "Install a torch for CUDA 12.4 or older.",
    )


def test_a_torch_without_kernels_for_the_card_is_told() -> None:
    machine = Machine(CARD)
    machine.probe.torch_state = TorchFound("2.1", "12.1", ("Fake RTX",), "no kernel image is available")
    finding = machine.finding("torch")
    assert isinstance(finding, Bad)
    assert finding.found == "torch 2.1 cannot compute on Fake RTX: no kernel image is available."


def test_a_card_that_is_full_is_only_a_warning() -> None:
    machine = Machine(CARD)
    machine.probe.torch_state = TorchFound("2.6", "12.1", ("Fake RTX",), "CUDA out of memory")
    assert isinstance(machine.finding("torch"), Warned)


def test_a_torch_that_finds_no_card_points_to_the_driver() -> None:
    machine = Machine(CARD)
    machine.probe.torch_state = TorchFound("2.6", "12.1")
    finding = machine.finding("torch")
    assert isinstance(finding, Bad)
    assert "CUDA_VISIBLE_DEVICES" in finding.mend


def test_a_broken_torch_is_bad_with_or_without_a_card() -> None:
    machine = Machine()
    machine.probe.torch_state = TorchBroken("importing it failed: OSError: libcudart.so")
    assert isinstance(machine.finding("torch"), Bad)


def test_a_card_without_torch_is_a_warning() -> None:
    finding = Machine(CARD).finding("torch")
    assert isinstance(finding, Warned)
    assert "pip install 'terrarium[engines]'" in finding.mend


def test_a_card_without_a_driver_is_told() -> None:
    machine = Machine()
    machine.probe.cards = 1
    finding = machine.finding("card")
    assert isinstance(finding, Bad)
    assert "nvidia-smi" in finding.mend


def test_a_card_whose_memory_is_not_known_names_the_library() -> None:
    machine = Machine()
    machine.probe.torch_state = TorchFound("2.6", "12.1", ("Fake RTX",))
    finding = machine.finding("card")
    assert isinstance(finding, Warned)
    assert "nvidia-ml-py" in finding.mend


def test_the_card_says_its_memory() -> None:
    machine = Machine(replace(CARD, gpu_count=2))
    machine.usage = replace(FAKE_USAGE, vram_used_bytes=4 * GIB)
    assert machine.finding("card") == Good("Fake RTX with 24.0 GiB, 20.0 GiB free; the other 1 are not used.")


def test_a_card_that_worlds_are_on_is_not_tried() -> None:
    machine = Machine(CARD)
    machine.is_card_in_use = True
    machine.report()
    assert machine.probe.tried_card is False


# --------------------------------------------------------------------------------------------- memory, disk, ffmpeg


def test_little_memory_is_a_warning() -> None:
    machine = Machine()
    machine.usage = replace(FAKE_USAGE, ram_total_bytes=8 * GIB, ram_used_bytes=int(7.5 * GIB))
    assert isinstance(machine.finding("memory"), Warned)
    machine.usage = replace(FAKE_USAGE, ram_total_bytes=None)
    assert isinstance(machine.finding("memory"), Warned)


@pytest.mark.parametrize(("free", "kind"), [(100 * GIB, Good), (2 * GIB, Warned), (100 << 20, Bad), (None, Warned)])
def test_a_disk_without_room_is_told(free: int | None, kind: type[Finding]) -> None:
    machine = Machine()
    machine.probe.space = None if free is None else DiskSpace(free, 200 * GIB)
    assert isinstance(machine.finding("disk"), kind)


def test_a_missing_ffmpeg_is_bad_and_its_encoders_are_not_asked_for() -> None:
    machine = Machine()
    machine.probe.ffmpeg_state = FfmpegMissing("There is no ffmpeg on this machine.")
    report = machine.report()
    assert not report.is_good
    assert not [check for check in report.checks if check.id.startswith("h264")]


def test_encoders_are_told() -> None:
    machine = Machine(CARD)
    machine.probe.ffmpeg_state = FfmpegFound("7.1", has_software=False, hardware=("h264_nvenc",))
    assert isinstance(machine.finding("h264-software"), Bad)
    assert machine.finding("h264-hardware") == Good("NVENC works.")
    machine.probe.ffmpeg_state = FfmpegFound("7.1", has_software=True)
    assert isinstance(machine.finding("h264-hardware"), Warned)


# ----------------------------------------------------------------------------------------------------- the start


def test_settings_that_were_refused_are_bad() -> None:
    machine = Machine()
    machine.refusal = "settings.toml, line 3: port is a number."
    finding = machine.finding("settings")
    assert isinstance(finding, Bad)
    assert finding.found == "settings.toml, line 3: port is a number."


def test_a_port_that_another_program_has_is_bad() -> None:
    machine = Machine()
    machine.port = PortTaken("Port 7987 is in use on 127.0.0.1. Choose another with --port.")
    assert machine.finding("port") == Bad("Port 7987 is in use on 127.0.0.1.", "Choose another with --port.")


def test_a_running_server_is_no_fault() -> None:
    machine = Machine()
    machine.probe.folder_state = FolderHeld(42)
    machine.port = PortServed("127.0.0.1", 7987)
    assert machine.report().is_good
    machine.port = OwnPort("127.0.0.1", 7987)
    assert machine.report().is_good


def test_a_folder_that_a_server_on_another_port_has_is_bad() -> None:
    machine = Machine()
    machine.probe.folder_state = FolderHeld(42)
    finding = machine.finding("data-folder")
    assert isinstance(finding, Bad)
    assert "process 42" in finding.found


def test_a_folder_that_cannot_be_written_is_bad() -> None:
    machine = Machine()
    machine.probe.folder_state = FolderUnusable("Permission denied")
    assert isinstance(machine.finding("data-folder"), Bad)
    machine.probe.folder_state = FolderUsable(is_there=False)
    assert isinstance(machine.finding("data-folder"), Good)


def test_a_database_is_told() -> None:
    machine = Machine()
    machine.probe.database_state = DatabaseSound("terrarium.sqlite", needs_upgrade=True)
    assert isinstance(machine.finding("database"), Good)
    for state in (DatabaseNewer(), DatabaseUnusable("file is not a database")):
        machine.probe.database_state = state
        assert isinstance(machine.finding("database"), Bad)


# ------------------------------------------------------------------------------------------------- what it is for


def test_pictures_that_cannot_be_judged_are_bad_where_the_settings_want_it() -> None:
    machine = Machine()
    machine.classifier = FakeImageClassifier(status=ClassifierMissing("Its files are gone. Install the server again."))
    assert machine.finding("picture-check") == Bad("Its files are gone.", "Install the server again.")
    machine.config = replace(machine.config, seed_safety="off")
    assert isinstance(machine.finding("picture-check"), Good)


def test_a_model_that_does_not_fit_is_a_warning_with_the_numbers() -> None:
    machine = Machine()
    for fit in (DoesNotFit("It needs 30.0 GiB.", is_certain=True), FitUnknown("It needs 6.0 GiB.")):
        machine.fit = fit
        finding = machine.finding("model:fake/world")
        assert isinstance(finding, Warned)
        assert finding.found == fit.reason
    machine.fit = Tight("It needs 23.0 GiB.")
    assert isinstance(machine.finding("model:fake/world"), Good)


def test_a_model_that_lacks_something_is_bad() -> None:
    machine = Machine()
    machine.model.entry = replace(machine.model.entry, missing="Its weights are gone. Bring them back.")
    assert machine.finding("model:fake/world") == Bad("Its weights are gone.", "Bring them back.")
    weights = Repository(model_id="some/weights", files=("*",), size_bytes=5, licence="MIT")
    machine.model.entry = replace(machine.model.entry, repositories=(weights,))
    assert machine.finding("model:fake/world") == Warned("Its weights are gone.", "Bring them back.")
    assert machine.report().is_good, "a model that nobody pulled is no fault"


def test_models_for_scenes_are_asked_for_where_the_settings_name_them() -> None:
    machine = Machine()
    machine.config = replace(machine.config, authoring=AuthoringConfig(local_writer="auto"))
    assert machine.finding("scenes") == Good("Scenes can be made from words.")
