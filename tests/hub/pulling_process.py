"""A process that pulls a model until it is killed: `pulling_process.py CACHE ADDRESS`. It prints how much has come."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runtime_config.hub_config import HubConfig
from services.model_hub.hugging_face_hub import HuggingFaceHub
from tests.hub.models import repository

if TYPE_CHECKING:
    from services.model_hub.model_hub import PullProgress


def _tell(progress: PullProgress) -> None:
    sys.stdout.write(f"{progress.done_bytes}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    hub = HuggingFaceHub(Path(sys.argv[1]), HubConfig(sys.argv[2]), environ={})
    asyncio.run(hub.pull(repository(), _tell))
