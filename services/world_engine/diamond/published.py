"""The published model: what it is called, what of it is read, and under which terms."""

from __future__ import annotations

from typing import Final

from services.model_hub.repository import Repository

MODEL_ID: Final = "eloialonso/diamond"
TITLE: Final = "DIAMOND CS:GO"
FPS: Final = 15
FRAMES_PER_PASS: Final = 1
FOLDER: Final = "csgo"  # the repository holds models of Atari games as well
RUNTIME: Final = "terrarium diamond runtime 1"  # a change of the runtime that changes frames counts this up

# The code of its authors is under the MIT licence. Their page on the hub names no licence of the weights, and the
# recordings that they learned from are not to be used commercially.
LICENCE: Final = "NOASSERTION"

REPOSITORY: Final = Repository(
    model_id=MODEL_ID,
    files=(f"{FOLDER}/config/agent/csgo.yaml", f"{FOLDER}/config/env/csgo.yaml"),
    pickles=(f"{FOLDER}/model/csgo.pt",),
    size_bytes=1_530_000_000,
    licence=LICENCE,
    revision="5d4abca9af6ab1b3ab1c6fc228cacb7281130f7f",
)
