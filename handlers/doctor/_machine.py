"""Memory, disk and ffmpeg."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from handlers.doctor.check import Bad, Check, Good, Warned
from services.machine_probe.machine_probe import FfmpegFound, FfmpegMissing
from services.memory_planner.plan_words import gib

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.doctor.check import Finding
    from services.machine_probe.machine_probe import DiskSpace, FfmpegState
    from services.system_monitor.system_monitor import UsagePayload

_GIB: Final = 1 << 30
_LEAST_RAM: Final = 1 * _GIB
_ROOM_FOR_A_MODEL: Final = 8 * _GIB
_HARDWARE: Final = MappingProxyType(
    {"h264_nvenc": "NVENC", "h264_qsv": "Quick Sync", "h264_videotoolbox": "VideoToolbox"}
)


def check_memory(usage: UsagePayload) -> Check:
    return Check("memory", "Memory", _memory(usage))


def _memory(usage: UsagePayload) -> Finding:
    if usage.ram_total_bytes is None or usage.ram_used_bytes is None:
        return Warned("The system does not say how much memory there is.", "Watch it yourself when you load a model.")
    free = usage.ram_total_bytes - usage.ram_used_bytes
    found = f"{gib(usage.ram_total_bytes)}, {gib(free)} free."
    if free < _LEAST_RAM:
        return Warned(found, "Close other programs before you load a model.")
    return Good(found)


def check_disk(space: DiskSpace | None, least_free_bytes: int) -> Check:
    """`least_free_bytes` is what recordings leave free."""
    return Check("disk", "Disk", _disk(space, least_free_bytes))


def _disk(space: DiskSpace | None, least_free_bytes: int) -> Finding:
    if space is None:
        return Warned("The system does not say how much room the disk has.", "Watch it yourself.")
    found = f"{gib(space.free)} of {gib(space.total)} are free where the data folder is."
    if space.free < least_free_bytes:
        return Bad(f"{found} Nothing can be recorded.", "Make room, or choose another disk with --data-dir.")
    if space.free < _ROOM_FOR_A_MODEL:
        return Warned(found, "Make room before you pull a large model.")
    return Good(found)


def ffmpeg_checks(ffmpeg: FfmpegState, *, has_nvidia_card: bool) -> Iterator[Check]:
    match ffmpeg:
        case FfmpegMissing(reason):
            finding = Bad(
                f"{reason} Nothing can be recorded or filmed.",
                "Install it again: pip install --force-reinstall imageio-ffmpeg.",
            )
            yield Check("ffmpeg", "ffmpeg", finding)
        case FfmpegFound():
            yield Check("ffmpeg", "ffmpeg", Good(f"Version {ffmpeg.version}."))
            yield Check("h264-software", "H.264 in software", _software(ffmpeg))
            yield Check("h264-hardware", "H.264 in hardware", _hardware(ffmpeg, has_nvidia_card=has_nvidia_card))


def _software(ffmpeg: FfmpegFound) -> Finding:
    if ffmpeg.has_software:
        return Good("libx264 works.")
    return Bad(
        "This ffmpeg cannot encode with libx264, so that nothing can be recorded or filmed.",
        "Install the ffmpeg that comes with the server again: pip install --force-reinstall imageio-ffmpeg.",
    )


def _hardware(ffmpeg: FfmpegFound, *, has_nvidia_card: bool) -> Finding:
    if ffmpeg.hardware:
        return Good(f"{', '.join(_HARDWARE.get(name, name) for name in ffmpeg.hardware)} works.")
    if has_nvidia_card:
        return Warned(
            "NVENC does not work, so that recordings are encoded by the processor.",
            "Update the driver of the card. Some cards for data centres have no encoder; then there is nothing to do.",
        )
    return Good("None works here, so that recordings are encoded by the processor.")
