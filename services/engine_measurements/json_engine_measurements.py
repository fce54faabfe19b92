"""Measurements in one small JSON file of the data folder."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import structlog
from pydantic import TypeAdapter, ValidationError

from services.engine_measurements.engine_measurements import EngineMeasurement, MeasurementKey

if TYPE_CHECKING:
    from pathlib import Path

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_FILE: Final = TypeAdapter(tuple[tuple[MeasurementKey, EngineMeasurement], ...])


class JsonEngineMeasurements:
    """An `EngineMeasurements`. A file that cannot be read counts as empty: everything in it can be measured again."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._kept: dict[MeasurementKey, EngineMeasurement] | None = None

    def find(self, key: MeasurementKey) -> EngineMeasurement | None:
        with self._lock:
            return self._read().get(key)

    def keep(self, key: MeasurementKey, measurement: EngineMeasurement) -> None:
        with self._lock:
            kept = self._read()
            kept[key] = measurement
            try:
                # The server may end in the midst of this, as nobody waits for it. What is left then has the name that
                # the next one writes to, and the file itself stays whole.
                unfinished = self._file.with_name(f".{self._file.name}.part")
                unfinished.write_bytes(_FILE.dump_json(tuple(kept.items()), indent=1))
                unfinished.replace(self._file)
            except OSError as error:
                logger.warning("A measurement of an engine could not be kept", model=key.model_id, reason=str(error))

    def _read(self) -> dict[MeasurementKey, EngineMeasurement]:
        if self._kept is None:
            self._kept = self._load()
        return self._kept

    def _load(self) -> dict[MeasurementKey, EngineMeasurement]:
        try:
            return dict(_FILE.validate_json(self._file.read_bytes()))
        except FileNotFoundError:
            return {}
        except (OSError, ValidationError) as error:
            logger.warning("The file with measurements of engines cannot be read; it begins anew", reason=str(error))
            return {}
