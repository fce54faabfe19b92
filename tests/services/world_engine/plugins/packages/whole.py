"""An engine of another package, as it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from services.world_engine.engine_card import EngineCard, EngineMemory
from tests.fakes.fake_world_engine import FakeWorldEngine

if TYPE_CHECKING:
    from services.world_engine.engine_card import LoadReport

print("Hello from the package.")  # noqa: T201 - which nobody may take for the server's own output


class Whole:
    card: ClassVar = EngineCard(
        model_id="other/whole",
        title="Whole",
        description="An engine of another package.",
        model_type="fake",
        licence="MIT",
        memory=EngineMemory(ram=1_000_000),
        frames_per_pass=2,
        fps=60,
        at_home_in=frozenset({"meadows"}),
    )

    @classmethod
    def load(cls, quant: str, report: LoadReport) -> FakeWorldEngine:
        del quant, report
        return FakeWorldEngine(cls.card.model_id)


class SameId(Whole):
    card: ClassVar = EngineCard(
        model_id="terrarium/diorama",
        title="Not the diorama",
        description="",
        model_type="fake",
        licence="MIT",
        memory=EngineMemory(ram=0),
        frames_per_pass=1,
        fps=30,
    )


class NoCard:
    """A class that says nothing of itself."""
