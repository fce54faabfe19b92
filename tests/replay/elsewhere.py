"""A replay in a process of its own: `python -m tests.replay.elsewhere FILE [FOLDER OF MOSS]`."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from replay.command import ReplayServices, run_replay
from services.frame_encoder.simple_jpeg_encoder import SimpleJpegEncoder
from services.torch_worker.process_torch_worker import ProcessTorchWorker
from services.world_engine.catalogue import CatalogueEntry, WorldEngineCatalogue, entry_of
from services.world_engine.depth.depth_anything_files import DepthAnythingFiles
from services.world_engine.diorama.entry import Diorama, Still, Stroll
from services.world_engine.moss.entry import Moss
from services.world_engine.simulator.entry import Simulator
from tests.fakes.fake_video_writer import FakeVideoWriter

if TYPE_CHECKING:
    from collections.abc import Generator


def entries(moss: Path | None) -> dict[str, CatalogueEntry]:
    """Every built-in engine by its name; Moss with the weights in `moss`."""
    found = [
        Diorama,
        Still,
        Stroll(DepthAnythingFiles(Path("nowhere")), ProcessTorchWorker),
        Simulator,
        *([] if moss is None else [Moss(moss, "large")]),
    ]
    return {plugin.card.model_id.split("/")[1]: entry_of(plugin) for plugin in found}


@contextmanager
def services(moss: Path | None) -> Generator[ReplayServices]:
    encoder = SimpleJpegEncoder(1)
    yield ReplayServices(WorldEngineCatalogue(entries(moss).values()), encoder, FakeVideoWriter())
    encoder.close()


if __name__ == "__main__":
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    sys.exit(run_replay([sys.argv[1], "--quiet"], lambda _: services(folder)))
