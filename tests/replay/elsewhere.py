"""A replay in a process of its own: `python -m tests.replay.elsewhere FILE [FOLDER OF MOSS]`."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from replay.command import ReplayServices, run_replay
from services.frame_encoder.simple_jpeg_encoder import SimpleJpegEncoder
from services.world_engine.catalogue import CatalogueEntry, WorldEngineCatalogue
from services.world_engine.diorama.entry import diorama_entry
from services.world_engine.moss.entry import moss_entry
from services.world_engine.simulator.entry import simulator_entry
from tests.fakes.fake_video_writer import FakeVideoWriter

if TYPE_CHECKING:
    from collections.abc import Generator

MOSS_STEPS = 2


def entries(moss: Path | None) -> dict[str, CatalogueEntry]:
    """Every built-in engine by its name; Moss with the weights in `moss`."""
    found = [diorama_entry(), simulator_entry(), None if moss is None else moss_entry(moss, MOSS_STEPS)]
    return {entry.model_id.split("/")[1]: entry for entry in found if entry is not None}


@contextmanager
def services(moss: Path | None) -> Generator[ReplayServices]:
    encoder = SimpleJpegEncoder(1)
    yield ReplayServices(WorldEngineCatalogue(entries(moss).values()), encoder, FakeVideoWriter())
    encoder.close()


if __name__ == "__main__":
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    sys.exit(run_replay([sys.argv[1], "--quiet"], lambda _: services(folder)))
