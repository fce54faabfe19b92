"""An engine that waits 20 ms for each pass, as for a device that makes the passes of all its worlds one by one.

It is an engine of another package: `installed` says where servers find it.
"""

from __future__ import annotations

import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.world_engine.engine_card import EngineCard, EngineMemory
from services.world_engine.world_engine import WorldSnapshot, WorldSpec

if TYPE_CHECKING:
    from collections.abc import Generator

    from services.world_engine.engine_card import LoadReport
    from services.world_engine.world_engine import ControlPayload, Frames, Picture

PASS_S: Final = 0.020
_ROOT: Final = Path(__file__).resolve().parent.parent
_DIST_INFO: Final = {
    "METADATA": "Metadata-Version: 2.1\nName: terrarium-waiting\nVersion: 1.0\n",
    "entry_points.txt": f"[terrarium.engines]\nwaiting = {__name__}:WaitingEngine\n",
}


class WaitingEngine:
    card = EngineCard(
        model_id="benchmark/20ms",
        title="20 ms",
        description="Waits, and shows its picture.",
        model_type="benchmark",
        licence="Apache-2.0",
        memory=EngineMemory(ram=0),
        frames_per_pass=1,
        fps=5,  # so that ten worlds share it, and one more or less shows
    )
    spec = WorldSpec(card.model_id, card.title, 180, 320, card.frames_per_pass, card.fps, weights_hash="0")

    def __init__(self) -> None:
        self.turn = threading.Lock()

    @classmethod
    def load(cls, quant: str, report: LoadReport) -> WaitingEngine:
        del quant, report
        return cls()

    def open_world(self, seed: Picture, *, rng_seed: int) -> WaitingWorld:
        del rng_seed
        return WaitingWorld(self, seed)

    def close(self) -> None:
        pass


class WaitingWorld:
    def __init__(self, engine: WaitingEngine, seed: Picture) -> None:
        self._engine = engine
        self._shown = seed

    def step(self, control: ControlPayload) -> Frames:
        del control
        with self._engine.turn:
            time.sleep(PASS_S)
        return self._shown[None].copy()

    def continue_from(self, picture: Picture) -> None:
        self._shown = picture

    def snapshot(self) -> WorldSnapshot:
        spec = self._engine.spec
        return WorldSnapshot(spec.model_id, spec.weights_hash, b"")

    def restore(self, snapshot: WorldSnapshot) -> None:
        del snapshot

    def close(self) -> None:
        pass


@contextmanager
def installed() -> Generator[str]:
    """The PYTHONPATH of servers that are to have this engine, to the end of the block."""
    with tempfile.TemporaryDirectory(prefix="terrarium-bench-") as folder:
        told = Path(folder) / "terrarium_waiting-1.0.dist-info"
        told.mkdir()
        for name, text in _DIST_INFO.items():
            (told / name).write_text(text, encoding="utf-8")
        yield f"{folder}:{_ROOT}"
