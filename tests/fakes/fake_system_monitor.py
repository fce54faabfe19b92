"""A machine of known size."""

from __future__ import annotations

from services.system_monitor.system_monitor import MachinePayload, UsagePayload

FAKE_MACHINE = MachinePayload(
    cpu_name="Fake CPU",
    cpu_count=4,
    gpu_name=None,
    gpu_count=0,
    vram_total_bytes=None,
    driver_version=None,
    runtime_version=None,
    torch_version="not installed",
)
FAKE_USAGE = UsagePayload(
    process_rss_bytes=100_000_000,
    ram_used_bytes=4_000_000_000,
    ram_total_bytes=16_000_000_000,
    vram_used_bytes=None,
    vram_reserved_bytes=None,
    gpu_util_percent=None,
)


class FakeSystemMonitor:
    """Answers what it was given; a test may exchange `current_usage` at any time."""

    def __init__(self, machine: MachinePayload = FAKE_MACHINE, usage: UsagePayload = FAKE_USAGE) -> None:
        self._machine = machine
        self.current_usage = usage
        self.usage_calls = 0

    def machine(self) -> MachinePayload:
        return self._machine

    def usage(self) -> UsagePayload:
        self.usage_calls += 1
        return self.current_usage

    def taken_ram_bytes(self) -> int | None:
        return self.current_usage.process_rss_bytes

    def release_free_memory(self) -> None:
        pass
