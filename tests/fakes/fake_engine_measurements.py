"""Measurements that are gone with the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.engine_measurements.engine_measurements import EngineMeasurement, MeasurementKey


class FakeEngineMeasurements:
    def __init__(self) -> None:
        self.kept: dict[MeasurementKey, EngineMeasurement] = {}

    def find(self, key: MeasurementKey) -> EngineMeasurement | None:
        return self.kept.get(key)

    def keep(self, key: MeasurementKey, measurement: EngineMeasurement) -> None:
        self.kept[key] = measurement
