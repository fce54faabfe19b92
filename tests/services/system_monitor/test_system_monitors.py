"""What every system monitor does."""

from __future__ import annotations

import sys
from importlib import metadata
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from services.system_monitor.psutil_system_monitor import PsutilSystemMonitor
from tests.fakes.fake_system_monitor import FakeSystemMonitor

if TYPE_CHECKING:
    from services.system_monitor.system_monitor import SystemMonitor


@pytest.fixture(params=[PsutilSystemMonitor, FakeSystemMonitor], ids=["real", "fake"])
def monitor(request: pytest.FixtureRequest) -> SystemMonitor:
    return request.param()


def test_the_machine_is_described_once(monitor: SystemMonitor) -> None:
    machine = monitor.machine()
    assert machine is monitor.machine()
    assert machine.cpu_name
    assert machine.cpu_count >= 1
    assert (machine.gpu_count == 0) == (machine.gpu_name is None)
    assert (machine.gpu_count == 0) == (machine.vram_total_bytes is None)


def test_usage_fits_the_machine(monitor: SystemMonitor) -> None:
    usage = monitor.usage()
    assert usage.process_rss_bytes is not None
    assert usage.ram_used_bytes is not None
    assert usage.ram_total_bytes is not None
    assert 0 < usage.process_rss_bytes < usage.ram_total_bytes
    assert 0 < usage.ram_used_bytes <= usage.ram_total_bytes
    if monitor.machine().gpu_count == 0:
        assert usage.vram_used_bytes is None
        assert usage.gpu_util_percent is None


def test_the_version_of_torch_is_read_without_torch() -> None:
    had_torch = "torch" in sys.modules
    version = PsutilSystemMonitor().machine().torch_version
    assert ("torch" in sys.modules) == had_torch
    try:
        assert version == metadata.version("torch")
    except metadata.PackageNotFoundError:
        assert version == "not installed"


class StandInNvml(ModuleType):
    """pynvml as it answers with one GPU, without a driver, and with one that was lost."""

    class NVMLError(Exception):
        pass

    def __init__(self, *, has_driver: bool = True) -> None:
        super().__init__("pynvml")
        self._has_driver = has_driver
        self.is_lost = False
        self.inits = 0

    def nvmlInit(self) -> None:  # noqa: N802 - the names are those of pynvml, here and below
        self.inits += 1
        if not self._has_driver:
            raise self.NVMLError("Driver Not Loaded")

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> str:  # noqa: N802
        return f"gpu {index}"

    def nvmlDeviceGetName(self, handle: str) -> bytes:  # noqa: N802
        return f"Stand-in {handle}".encode()

    def nvmlSystemGetDriverVersion(self) -> str:  # noqa: N802
        return "570.1"

    def nvmlSystemGetCudaDriverVersion_v2(self) -> int:  # noqa: N802
        return 12080

    def nvmlDeviceGetMemoryInfo(self, handle: str) -> SimpleNamespace:  # noqa: N802
        if self.is_lost:
            raise self.NVMLError(f"{handle} is lost")
        return SimpleNamespace(total=24_000, used=5_000)

    def nvmlDeviceGetUtilizationRates(self, handle: str) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(gpu=37, of=handle)


def test_a_gpu_is_described_where_pynvml_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = StandInNvml()
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    monitor = PsutilSystemMonitor()
    machine = monitor.machine()
    assert (machine.gpu_name, machine.gpu_count, machine.vram_total_bytes) == ("Stand-in gpu 0", 2, 24_000)
    assert (machine.driver_version, machine.runtime_version) == ("570.1", "CUDA 12.8")
    assert (monitor.usage().vram_used_bytes, monitor.usage().gpu_util_percent) == (5_000, 37)
    nvml.is_lost = True
    assert (monitor.usage().vram_used_bytes, monitor.usage().gpu_util_percent) == (None, None)
    assert nvml.inits == 1


def test_a_machine_without_a_driver_has_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", StandInNvml(has_driver=False))
    monitor = PsutilSystemMonitor()
    assert (monitor.machine().gpu_name, monitor.machine().gpu_count) == (None, 0)
    assert monitor.usage().gpu_util_percent is None
