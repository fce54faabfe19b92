"""What is said of this machine."""

from __future__ import annotations

import sys

from services.input_log.provenance import machine_kind
from services.machine import is_installed, processor_name
from services.system_monitor.psutil_system_monitor import PsutilSystemMonitor


def test_the_processor_has_one_name_wherever_it_is_told() -> None:
    name = processor_name()
    assert name
    assert PsutilSystemMonitor().machine().cpu_name == name
    assert machine_kind().endswith(name)


def test_a_package_is_found_without_importing_it() -> None:
    assert is_installed("this")
    assert "this" not in sys.modules
    assert not is_installed("no_such_package")
