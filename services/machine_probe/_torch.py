"""Asks a process of its own what torch can do here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from services.machine import is_installed
from services.machine_probe.machine_probe import TorchBroken, TorchFound, TorchMissing, TorchState

_CHILD: Final = "_torch_child.py"
_LIMIT_S: Final = 90.0  # a cold disk takes half a minute


def describe_torch(*, try_card: bool, child: Path | None = None, limit_s: float = _LIMIT_S) -> TorchState:
    """`child` is a script that prints a line of JSON; without it, the one beside this file."""
    if not is_installed("torch"):
        return TorchMissing()
    # -P: the folder of the script is no place to import from.
    script = child or Path(__file__).with_name(_CHILD)
    command = [sys.executable, "-P", str(script), *(["--try-card"] if try_card else [])]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
            check=False,  # the status tells less than what was printed
        )
    except subprocess.TimeoutExpired:
        return TorchBroken(f"it did not answer within {limit_s:.0f} s")
    except OSError as error:
        return TorchBroken(f"no process could be started for it: {error.strerror or error}")
    return _read(done.stdout, done.returncode)


def _read(output: str, status: int) -> TorchState:
    try:
        told: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return TorchBroken(f"importing it ended the process with status {status}")
    if "broken" in told:
        return TorchBroken(f"importing it failed: {told['broken']}")
    return TorchFound(told["version"], told["cuda"], tuple(told["devices"]), told["fault"])
