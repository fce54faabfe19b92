"""A flight through a tunnel that is papered with your picture. W and S fly; A, D and the mouse turn."""

import struct

import numpy as np

from services.world_engine.engine_card import EngineCard, EngineMemory, LoadReport
from services.world_engine.player_keys import intent_of
from services.world_engine.world_engine import ControlPayload, Frames, Picture, WorldSnapshot, WorldSpec

Y, X = np.mgrid[-1:1:360j, -1.78:1.78:640j]
DEPTH, ANGLE = 0.5 / np.hypot(X, Y).clip(0.02), np.arctan2(Y, X) / np.pi
LIGHT = (1.2 / (0.4 + DEPTH)).clip(0, 1)[..., None].astype(np.float32)  # the far end is dark


class Tunnel:
    card = EngineCard(
        model_id="example/tunnel", title="Tunnel", description=__doc__ or "", model_type="procedural", licence="MIT",
        memory=EngineMemory(ram=128 << 20), frames_per_pass=1, fps=30)  # fmt: skip
    spec = WorldSpec(card.model_id, card.title, 360, 640, card.frames_per_pass, card.fps, weights_hash="1")

    @classmethod
    def load(cls, quant: str, report: LoadReport) -> "Tunnel":
        return cls()

    def open_world(self, seed: Picture, *, rng_seed: int) -> "TunnelWorld":
        return TunnelWorld(seed)

    def close(self) -> None: ...


class TunnelWorld:
    def __init__(self, seed: Picture) -> None:
        self.at, self.turn = 0.0, 0.0
        self.continue_from(seed)

    def continue_from(self, picture: Picture) -> None:
        half = np.hstack([picture, picture[:, ::-1]])  # beside its mirror image it has no seam
        self.paper = np.vstack([half, half[::-1]])

    def step(self, control: ControlPayload) -> Frames:
        wish = intent_of(control)
        self.at += 0.004 + 0.03 * wish.ahead
        self.turn += 0.02 * (wish.aside + wish.turn) + wish.look_right
        rows, columns = ((DEPTH + self.at) * 360).astype(int) % 720, ((ANGLE + self.turn) * 640).astype(int) % 1280
        return (self.paper[rows, columns] * LIGHT).astype(np.uint8)[None]

    def snapshot(self) -> WorldSnapshot:
        return WorldSnapshot("example/tunnel", "1", struct.pack("2d", self.at, self.turn))

    def restore(self, snapshot: WorldSnapshot) -> None:
        self.at, self.turn = struct.unpack("2d", snapshot.state)

    def close(self) -> None: ...
