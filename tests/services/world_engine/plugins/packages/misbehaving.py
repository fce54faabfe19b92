"""Engines of another package that do in play what no engine may."""

from __future__ import annotations

import struct
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from services.world_engine.engine_card import EngineCard, EngineMemory
from services.world_engine.world_engine import WorldSnapshot
from tests.fakes.fake_world_engine import FakeWorld, FakeWorldEngine

if TYPE_CHECKING:
    from services.world_engine.engine_card import LoadReport
    from services.world_engine.world_engine import ControlPayload, Picture, WorldSpec

CARD = EngineCard(
    model_id="fake/world",
    title="Fake fake/world",
    description="",
    model_type="fake",
    licence="MIT",
    memory=EngineMemory(ram=0),
    frames_per_pass=2,
    fps=60,
)


class Misbehaving(FakeWorldEngine):
    """`does` is the name of one misdeed."""

    card: ClassVar = CARD
    does: ClassVar = ""

    @classmethod
    def load(cls, quant: str, report: LoadReport) -> Misbehaving:
        del quant, report
        if cls.does == "raises in load":
            raise KeyError("a secret")
        return cls()

    @property
    def spec(self) -> WorldSpec:
        return replace(super().spec, fps=30) if self.does == "other spec" else super().spec

    def open_world(self, seed: Picture, *, rng_seed: int) -> FakeWorld:
        if self.does == "raises in open_world":
            raise KeyError("a secret")
        return MisbehavingWorld(self, seed, rng_seed, self.does)


class MisbehavingWorld(FakeWorld):
    def __init__(self, engine: FakeWorldEngine, seed: Picture, rng_seed: int, does: str) -> None:
        super().__init__(engine, seed, rng_seed)
        self._does = does

    def step(self, control: ControlPayload) -> Any:
        frames = super().step(control)
        match self._does:
            case "raises in step":
                raise KeyError("a secret")
            case "runs out of memory":
                raise MemoryError
            case "never returns":
                threading.Event().wait()
            case "no array":
                return [[0]]
            case "wrong shape":
                return frames[:1]
            case "wrong type":
                return frames.astype(np.int16)
            case "NaN":
                return np.full(frames.shape, np.nan, np.float32)
            case "not in a row":
                return np.asfortranarray(frames)
            case _:
                pass
        return frames

    def snapshot(self) -> Any:
        match self._does:
            case "raises in snapshot":
                raise KeyError("a secret")
            case "no snapshot":
                return b"no snapshot"
            case "snapshot of another":
                return WorldSnapshot("another/model", "f00d", b"")
            case _:
                return super().snapshot()

    def restore(self, snapshot: WorldSnapshot) -> None:
        if self._does == "raises in restore":
            struct.unpack("2d", b"too short")
        super().restore(snapshot)


class RaisesInLoad(Misbehaving):
    does: ClassVar = "raises in load"


class OtherSpec(Misbehaving):
    does: ClassVar = "other spec"


class RaisesInStep(Misbehaving):
    does: ClassVar = "raises in step"


class WrongShape(Misbehaving):
    does: ClassVar = "wrong shape"


class NeverReturns(Misbehaving):
    does: ClassVar = "never returns"
