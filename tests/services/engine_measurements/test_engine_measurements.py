"""Measurements of engines: the fake and the real ones keep the same contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.engine_measurements.engine_measurements import EngineMeasurement, MeasurementKey, Pace, name_of_machine
from services.engine_measurements.json_engine_measurements import JsonEngineMeasurements
from tests.fakes.fake_engine_measurements import FakeEngineMeasurements
from tests.fakes.fake_system_monitor import FAKE_MACHINE

if TYPE_CHECKING:
    from pathlib import Path

    from services.engine_measurements.engine_measurements import EngineMeasurements

HERE = MeasurementKey("fake/world", "none", "a machine")
TAKEN = EngineMeasurement(ram=3, vram=None, pace=Pace(fps=28.5, step_p50_ms=34.0, step_p95_ms=41.25))


@pytest.fixture(params=["fake", "real"])
def measurements(request: pytest.FixtureRequest, tmp_path: Path) -> EngineMeasurements:
    return FakeEngineMeasurements() if request.param == "fake" else JsonEngineMeasurements(tmp_path / "measured.json")


def test_what_was_measured_is_found_by_model_quantisation_and_machine(measurements: EngineMeasurements) -> None:
    assert measurements.find(HERE) is None
    measurements.keep(HERE, TAKEN)
    assert measurements.find(HERE) == TAKEN
    for other in (
        MeasurementKey("fake/other", "none", "a machine"),
        MeasurementKey("fake/world", "fp8", "a machine"),
        MeasurementKey("fake/world", "none", "another machine"),
    ):
        assert measurements.find(other) is None


def test_the_last_measurement_counts(measurements: EngineMeasurements) -> None:
    measurements.keep(HERE, TAKEN)
    measurements.keep(HERE, EngineMeasurement(ram=5))
    assert measurements.find(HERE) == EngineMeasurement(ram=5)


def test_it_outlives_the_server(tmp_path: Path) -> None:
    file = tmp_path / "measured.json"
    JsonEngineMeasurements(file).keep(HERE, TAKEN)
    assert JsonEngineMeasurements(file).find(HERE) == TAKEN


@pytest.mark.parametrize("spoiled", [b"", b"[1, 2", b'{"key": 1}', b"\xff\xfe"])
def test_a_spoiled_file_counts_as_empty_and_is_replaced(tmp_path: Path, spoiled: bytes) -> None:
    file = tmp_path / "measured.json"
    file.write_bytes(spoiled)
    measurements = JsonEngineMeasurements(file)
    assert measurements.find(HERE) is None
    measurements.keep(HERE, TAKEN)
    assert JsonEngineMeasurements(file).find(HERE) == TAKEN


def test_where_nothing_can_be_written_it_is_known_until_the_end(tmp_path: Path) -> None:
    measurements = JsonEngineMeasurements(tmp_path / "no such folder" / "measured.json")
    measurements.keep(HERE, TAKEN)
    assert measurements.find(HERE) == TAKEN


def test_a_machine_is_named_by_its_processor_and_card() -> None:
    assert name_of_machine(FAKE_MACHINE) == "Fake CPU x 4; no card"
