"""What the server says of the model before it is loaded, and the model in a process of its own."""

from __future__ import annotations

import asyncio
import io
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("torch", reason="the extra engines is not installed")

from replay.command import ReplayServices, run_replay
from runtime_config.engines_config import EnginesConfig
from runtime_config.hub_config import HubConfig
from runtime_config.runtime_config import AccessConfig, RuntimeConfig
from services.frame_encoder.simple_jpeg_encoder import SimpleJpegEncoder
from services.model_hub.hub_cache import snapshots_folder
from services.model_hub.hugging_face_hub import HuggingFaceHub
from services.world_engine.catalogue import WorldEngineCatalogue, entry_of
from services.world_engine.diamond.entry import Diamond
from services.world_engine.diamond.loading import load_engine
from services.world_engine.diamond.published import FOLDER, REPOSITORY
from services.world_engine.engine_card import LoadStep, ModelLoadError
from services.world_engine.world_engine import NO_CONTROL
from tests.engines.diamond.plays import picture
from tests.engines.diamond.published import tiny_agent, tiny_env, write_model
from tests.fakes.fake_video_writer import FakeVideoWriter
from tests.hub.stand_in_hub import stand_in_hub
from tests.replay.saved import play_and_save

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from services.world_engine.catalogue import CatalogueEntry

pytestmark = pytest.mark.xdist_group("torch")


@pytest.fixture(name="nothing")
def fixture_nothing(tmp_path: Path) -> Diamond:
    """A machine without the model and without a card."""
    return Diamond(cache_dir=tmp_path / "cache", kernels=tmp_path / "kernels")


@pytest.fixture(name="plugin")
def fixture_plugin(nothing: Diamond, tiny_repository: Path) -> Diamond:
    """A machine with a folder of models of one's own."""
    return replace(nothing, models_dir=tiny_repository.parents[1])


def test_the_card_says_what_the_licence_is_and_that_a_processor_is_slow(plugin: Diamond) -> None:
    card = plugin.card
    assert (card.model_id, card.placement, card.memory.vram) == ("eloialonso/diamond", "cpu", 0)
    assert (card.frames_per_pass, card.fps) == (1, 15)
    assert card.licence == REPOSITORY.licence == "NOASSERTION"
    assert "name no licence for the weights" in card.description
    assert "takes a second for each picture" in card.description
    assert card.missing is None


def test_a_card_is_used_if_there_is_one_and_nobody_forbids_it(plugin: Diamond) -> None:
    for chosen, placement in (
        (replace(plugin, has_card=True), "device"),
        (replace(plugin, device="cuda"), "device"),
        (replace(plugin, has_card=True, device="cpu"), "cpu"),
    ):
        card = chosen.card
        assert card.placement == placement
        assert (card.memory.vram > 0) == (placement == "device") == ("processor" not in card.description)


def test_it_follows_the_settings(tmp_path: Path) -> None:
    engines = EnginesConfig(models_dir=tmp_path, device="cuda", exact=True)
    plugin = Diamond.configured(RuntimeConfig(data_dir=tmp_path / "data", access=AccessConfig(), engines=engines))
    assert (plugin.models_dir, plugin.device, plugin.exact) == (tmp_path, "cuda", True)
    assert plugin.kernels == tmp_path / "data" / "kernels"


def test_a_model_that_is_not_there_says_how_to_get_it(nothing: Diamond) -> None:
    missing = nothing.card.missing
    assert missing is not None
    assert "not on this server's disk yet. Pull it (1.5 GB)" in missing
    entry = entry_of(nothing)
    assert not entry.is_ready
    assert entry.not_pulled() == missing
    with pytest.raises(ModelLoadError, match="Pull it"):
        nothing.load("none", lambda _: None)


def test_half_a_model_and_a_damaged_one(nothing: Diamond, plugin: Diamond, tmp_path: Path) -> None:
    snapshot = snapshots_folder(nothing.cache_dir, REPOSITORY.model_id) / REPOSITORY.revision
    (snapshot / "csgo" / "config" / "env").mkdir(parents=True)
    (snapshot / "csgo" / "config" / "env" / "csgo.yaml").write_text("num_actions: 51")
    assert "only in part" in (nothing.card.missing or "")
    own = tmp_path / "own" / "eloialonso" / "diamond"
    own.mkdir(parents=True)
    damaged = replace(plugin, models_dir=tmp_path / "own")
    assert "cannot be read" in (damaged.card.missing or "")
    with pytest.raises(ModelLoadError, match="lacks"):
        damaged.load("none", lambda _: None)


def test_what_a_pull_brings_can_be_played(nothing: Diamond, tiny_repository: Path) -> None:
    """The pickle is pulled as well, because the card names it; another one is not."""
    paths = [path for path in tiny_repository.rglob("*") if path.is_file()]
    files = {path.relative_to(tiny_repository).as_posix(): path.read_bytes() for path in paths}
    with stand_in_hub() as there:
        there.revisions[REPOSITORY.model_id] = {REPOSITORY.revision: files | {"atari_100k/models/Pong.pt": b"x"}}
        hub = HuggingFaceHub(nothing.cache_dir, HubConfig(there.base_url), environ={})
        pulled = asyncio.run(hub.pull(REPOSITORY, lambda _: None))
    assert not (pulled.folder / "atari_100k").exists()
    assert nothing.card.missing is None
    engine = load_engine("none", lambda _: None, folder=str(pulled.folder / FOLDER), device="cpu", exact=True)
    assert engine.spec.model_id == REPOSITORY.model_id


@pytest.mark.trial
def test_it_plays_in_a_process_of_its_own(plugin: Diamond) -> None:
    steps: list[LoadStep] = []
    engine = plugin.load("none", steps.append)
    try:
        assert steps == list(LoadStep)
        world = engine.open_world(picture(1), rng_seed=3)
        world.step(NO_CONTROL)
        moment = world.snapshot()
        frames = world.step(NO_CONTROL)
        world.restore(moment)
        assert (world.step(NO_CONTROL) == frames).all()
        world.close()
    finally:
        engine.close()


@pytest.mark.trial
def test_a_load_that_fails_there_says_why_here(plugin: Diamond, tmp_path: Path) -> None:
    own = tmp_path / "own"
    folder = write_model(own / "eloialonso" / "diamond" / "csgo", tiny_agent(), tiny_env())
    (folder / "model" / "csgo.pt").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ModelLoadError, match="truncated or damaged"):
        replace(plugin, models_dir=own).load("none", lambda _: None)


def test_what_was_played_replays_exactly_with_the_same_weights_alone(
    plugin: Diamond, tiny_repository: Path, tmp_path: Path
) -> None:
    entry = _in_process(plugin, tiny_repository)
    saved = play_and_save(entry, tmp_path / "saved", passes=30)
    status, report = _replayed(saved, entry)
    assert "compared: exact" in report, report
    assert status == 0
    others = tmp_path / "others"
    write_model(others / "csgo", tiny_agent(), tiny_env(), seed=1)
    status, report = _replayed(saved, _in_process(plugin, others))
    assert status != 0
    assert "weights" in report


def _in_process(plugin: Diamond, repository: Path) -> CatalogueEntry:
    """The same engine without a process of its own."""
    load = partial(load_engine, folder=str(repository / "csgo"), device="cpu", exact=False)
    return replace(entry_of(plugin), load=load)


def _replayed(saved: Path, entry: CatalogueEntry) -> tuple[int, str]:
    @contextmanager
    def services() -> Generator[ReplayServices]:
        encoder = SimpleJpegEncoder(1)
        yield ReplayServices(WorldEngineCatalogue([entry]), encoder, FakeVideoWriter())
        encoder.close()

    out, err = io.StringIO(), io.StringIO()
    status = run_replay([str(saved), "--quiet"], lambda _: services(), out=out, err=err)
    return status, out.getvalue() + err.getvalue()
