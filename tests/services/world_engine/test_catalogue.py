"""What is played where nobody chose: the first engine that is ready, or the one that is at home in a picture."""

from __future__ import annotations

from dataclasses import replace

from services.world_engine.catalogue import WorldEngineCatalogue
from tests.fakes.fake_catalogue import FakeModel, fake_entry


def test_a_picture_opens_in_the_engine_that_is_at_home_in_what_it_shows() -> None:
    general, special = fake_entry("a/general"), FakeModel("a/special", at_home_in=frozenset({"meadows", "woods"})).entry
    catalogue = WorldEngineCatalogue([general, special])
    assert catalogue.best_for("woods") is special
    for unknown in (None, "streets"):
        assert catalogue.best_for(unknown) is general
    assert catalogue.default is general


def test_an_engine_that_is_not_ready_opens_nothing_unasked() -> None:
    general, special = fake_entry("a/general"), FakeModel("a/special", at_home_in=frozenset({"woods"})).entry
    catalogue = WorldEngineCatalogue([general, replace(special, missing="Its weights are missing.")])
    assert catalogue.best_for("woods") is general
