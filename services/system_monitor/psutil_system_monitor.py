"""Facts about the machine from psutil, and about its first NVIDIA GPU from pynvml where that is installed."""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
import threading
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Final

import psutil

from services.machine import processor_name
from services.system_monitor.system_monitor import MachinePayload, UsagePayload


class PsutilSystemMonitor:
    """A `SystemMonitor`. It reads the fixed facts once, at the first call."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._lock = threading.Lock()
        self._machine: MachinePayload | None = None
        self._gpu: _NvidiaGpu | None = None
        # Only glibc has it: it keeps what many threads have freed, hundreds of megabytes after a long evening.
        self._malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None

    def machine(self) -> MachinePayload:
        with self._lock:
            if self._machine is None:
                self._gpu = _NvidiaGpu.find()
                self._machine = _describe_machine(self._gpu)
            return self._machine

    def usage(self) -> UsagePayload:
        self.machine()
        memory = psutil.virtual_memory()
        gpu = self._gpu.usage() if self._gpu else _UNKNOWN_GPU_USAGE
        return UsagePayload(
            process_rss_bytes=self._rss_bytes(),
            ram_used_bytes=memory.total - memory.available,
            ram_total_bytes=memory.total,
            vram_used_bytes=gpu.used_bytes,
            vram_reserved_bytes=None,  # the driver cannot know it, only the allocator of the process that uses the GPU
            gpu_util_percent=gpu.util_percent,
        )

    def taken_ram_bytes(self) -> int | None:
        own = self._rss_bytes()
        return None if own is None else own + sum(_rss_of(child) for child in self._children())

    def release_free_memory(self) -> None:
        if self._malloc_trim is not None:
            self._malloc_trim(0)

    def _children(self) -> list[psutil.Process]:
        try:
            return self._process.children(recursive=True)
        except psutil.Error:
            return []

    def _rss_bytes(self) -> int | None:
        try:
            return self._process.memory_info().rss
        except psutil.Error:
            return None


def _rss_of(process: psutil.Process) -> int:
    """0 for one that has just ended."""
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def _describe_machine(gpu: _NvidiaGpu | None) -> MachinePayload:
    return MachinePayload(
        cpu_name=processor_name(),
        cpu_count=os.cpu_count() or 1,
        gpu_name=gpu.name if gpu else None,
        gpu_count=gpu.count if gpu else 0,
        vram_total_bytes=gpu.total_bytes if gpu else None,
        driver_version=gpu.driver_version if gpu else None,
        runtime_version=gpu.runtime_version if gpu else None,
        torch_version=_torch_version(),
    )


def _torch_version() -> str:
    """Read from the package's metadata, because importing torch takes seconds and hundreds of megabytes."""
    try:
        return metadata.version("torch")
    except metadata.PackageNotFoundError:
        return "not installed"


@dataclass(frozen=True, slots=True)
class _GpuUsage:
    used_bytes: int | None
    util_percent: int | None


_UNKNOWN_GPU_USAGE: Final = _GpuUsage(used_bytes=None, util_percent=None)


@dataclass(frozen=True, slots=True)
class _NvidiaGpu:
    """The first GPU, accessed through NVML. `nvml` is the module pynvml, which is optional and has no types."""

    nvml: Any
    handle: Any
    name: str
    count: int
    total_bytes: int
    driver_version: str
    runtime_version: str

    @classmethod
    def find(cls) -> _NvidiaGpu | None:
        try:
            nvml: Any = importlib.import_module("pynvml")
        except ImportError:
            return None
        try:
            nvml.nvmlInit()
            handle = nvml.nvmlDeviceGetHandleByIndex(0)
            cuda = int(nvml.nvmlSystemGetCudaDriverVersion_v2())
            return cls(
                nvml=nvml,
                handle=handle,
                name=_text(nvml.nvmlDeviceGetName(handle)),
                count=int(nvml.nvmlDeviceGetCount()),
                total_bytes=int(nvml.nvmlDeviceGetMemoryInfo(handle).total),
                driver_version=_text(nvml.nvmlSystemGetDriverVersion()),
                runtime_version=f"CUDA {cuda // 1000}.{cuda % 1000 // 10}",
            )
        except nvml.NVMLError:  # no driver, or no GPU
            return None

    def usage(self) -> _GpuUsage:
        try:
            used = int(self.nvml.nvmlDeviceGetMemoryInfo(self.handle).used)
            util = int(self.nvml.nvmlDeviceGetUtilizationRates(self.handle).gpu)
        except self.nvml.NVMLError:
            return _UNKNOWN_GPU_USAGE
        return _GpuUsage(used_bytes=used, util_percent=util)


def _text(value: str | bytes) -> str:
    """Older versions of pynvml return bytes."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value
