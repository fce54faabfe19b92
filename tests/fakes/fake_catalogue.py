"""Catalogue entries whose loads a test controls."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from services.world_engine.catalogue import CatalogueEntry
from services.world_engine.engine_card import EngineMemory, LoadReport, LoadStep, ModelLoadError, Placement
from tests.fakes.fake_world_engine import HOLD_LIMIT_S, FakeWorldEngine

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.model_hub.repository import Repository

_MEMORY: Final = EngineMemory(ram=1_000_000)


class FakeModel:
    """One model: how often it was loaded, and the engines that came of it.

    Set `hold` to keep a load waiting until the event is set, `fail` to a sentence to make loads fail, `crash` to make
    them raise what no loader should. `entered` is set as soon as a load is under way.
    """

    def __init__(
        self,
        model_id: str = "fake/world",
        *,
        make_engine: Callable[[str], FakeWorldEngine] = FakeWorldEngine,
        placement: Placement = "cpu",
        quants: tuple[str, ...] = ("none",),
        size_bytes: int | None = 1_000_000,
        memory: EngineMemory = _MEMORY,
        at_home_in: frozenset[str] = frozenset(),
        repositories: tuple[Repository, ...] = (),
        takes_words: bool = False,
        hold: threading.Event | None = None,
        fail: str | None = None,
    ) -> None:
        """`make_engine(model_id)` makes the engine of each load."""
        self._make_engine = make_engine
        self._model_id = model_id
        self.hold = hold
        self.fail = fail
        self.crash: BaseException | None = None
        self.entered = threading.Event()
        self.engines: list[FakeWorldEngine] = []
        self.loaded_quants: list[str] = []  # of every load that was begun
        self.entry = CatalogueEntry(
            model_id=model_id,
            title=f"Fake {model_id}",
            description="A world for tests.",
            model_type="fake",
            licence="Apache-2.0",
            quants=quants,
            placement=placement,
            size_bytes=size_bytes,
            memory=memory,
            frames_per_pass=2,
            fps=60,
            load=self._load,
            at_home_in=at_home_in,
            repositories=repositories,
            takes_words=takes_words,
        )

    def _load(self, quant: str, report: LoadReport) -> FakeWorldEngine:
        self.loaded_quants.append(quant)
        report(LoadStep.READING)
        self.entered.set()
        if self.hold is not None and not self.hold.wait(HOLD_LIMIT_S):
            raise AssertionError("The test never let go of the load.")
        if self.crash is not None:
            raise self.crash
        if self.fail is not None:
            raise ModelLoadError(self.fail)
        report(LoadStep.BUILDING)
        engine = self._make_engine(self._model_id)
        report(LoadStep.WARMING_UP)
        self.engines.append(engine)
        return engine


def fake_entry(
    model_id: str = "fake/world",
    *,
    make_engine: Callable[[str], FakeWorldEngine] = FakeWorldEngine,
    placement: Placement = "cpu",
    quants: tuple[str, ...] = ("none",),
    hold: threading.Event | None = None,
    fail: str | None = None,
) -> CatalogueEntry:
    """The entry of a `FakeModel` that the test needs no hold of."""
    model = FakeModel(model_id, make_engine=make_engine, placement=placement, quants=quants, hold=hold, fail=fail)
    return model.entry
