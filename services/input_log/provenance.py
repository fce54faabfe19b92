"""What a world was made with: the versions and the kind of machine, on which its frames depend."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from runtime_config.constants import VERSION
from services.machine import processor_name

_LIBRARIES: Final = ("numpy", "opencv-python-headless", "numba", "torch", "openvino", "onnxruntime")


def library_versions() -> dict[str, str]:
    """Of this server, its interpreter, and each library that an engine may compute with and that is installed."""
    found = {"terrarium": VERSION, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def machine_kind() -> str:
    """Operating system, architecture and processor, in words. Blocks."""
    parts = (platform.system(), platform.machine(), processor_name())
    return " ".join(part for part in parts if part)
