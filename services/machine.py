"""Fixed facts about this machine: its processor, and which packages are installed."""

from __future__ import annotations

import importlib
import importlib.util
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

_SYSCTL_TIMEOUT_S: Final = 2.0


def is_installed(package: str) -> bool:
    """Found without importing it."""
    return importlib.util.find_spec(package) is not None


def has_nvidia_driver() -> bool:
    """Whether there is a driver for NVIDIA cards, and so most likely a card. Asks neither of them."""
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def processor_name() -> str | None:
    """The name that its maker gave the processor, else its architecture. Blocks."""
    match sys.platform:
        case "darwin":
            name = _sysctl_processor()
        case "win32":
            name = _registry_processor()
        case _:
            name = _proc_processor()
    return name or platform.processor() or platform.machine() or None


def _proc_processor() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    values = (line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model")))
    return next(filter(None, values), None)


def _sysctl_processor() -> str | None:
    command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SYSCTL_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def _registry_processor() -> str | None:
    winreg: Any = importlib.import_module("winreg")  # part of Python on Windows only
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"HARDWARE\DESCRIPTION\System\CentralProcessor\0") as key:
            return str(winreg.QueryValueEx(key, "ProcessorNameString")[0]).strip() or None
    except OSError:
        return None
