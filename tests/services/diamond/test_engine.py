"""The model as an engine of the server: what every engine has to do, and what is this one's own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra engines is not installed")

import torch

from engines.diamond import FAST, LoadOptions, load_diamond
from services.world_engine.diamond.engine import DiamondEngine
from services.world_engine.diamond.loading import load_engine
from services.world_engine.engine_card import LoadStep, ModelLoadError
from services.world_engine.world_engine import (
    NO_CONTROL,
    BadFramesError,
    ControlPayload,
    EngineFaultError,
    SnapshotMismatchError,
    WorldClosedError,
)
from tests.engines.diamond.plays import picture
from tests.engines.diamond.published import model_tensors, tiny_agent, tiny_env, write_config
from tests.fakes.fake_world_engine import FakeWorldEngine, fake_seed
from wire_protocol import KEY_CODES

if TYPE_CHECKING:
    from pathlib import Path

    from services.world_engine.world_engine import Frames, World

pytestmark = pytest.mark.xdist_group("torch")

FORWARD = ControlPayload(frozenset({KEY_CODES["W"], KEY_CODES["MOUSE_LEFT"]}), mouse_dx=30.0, mouse_dy=-3.0)


def load(folder: Path, *, exact: bool = True) -> DiamondEngine:
    return load_engine("none", lambda _: None, folder=str(folder / "csgo"), device="cpu", exact=exact)


@pytest.fixture(name="engine", scope="module")
def fixture_engine(tiny_repository: Path) -> DiamondEngine:
    return load(tiny_repository)


def test_a_load_tells_its_steps_and_what_it_has_loaded(tiny_repository: Path) -> None:
    steps: list[LoadStep] = []
    engine = load_engine("none", steps.append, folder=str(tiny_repository / "csgo"), device="auto", exact=False)
    assert steps == list(LoadStep)
    spec = engine.spec
    assert (spec.model_id, spec.height, spec.width) == ("eloialonso/diamond", 30, 50)
    assert (spec.frames_per_pass, spec.fps) == (1, 15)
    assert len(spec.weights_hash) == 64
    engine.close()


def test_a_world_keeps_the_contract(engine: DiamondEngine) -> None:
    world, twin = (engine.open_world(picture(1), rng_seed=-3) for _ in range(2))
    first = world.step(FORWARD)
    assert (first.shape, first.dtype, first.flags.c_contiguous) == ((1, 30, 50, 3), np.uint8, True)
    kept = first.copy()
    moment = world.snapshot()
    second = world.step(NO_CONTROL)
    assert (first == kept).all()
    world.continue_from(picture(2))
    assert not (world.step(NO_CONTROL) == second).all()
    for other in (world, twin):
        other.restore(moment)
        assert (other.step(NO_CONTROL) == second).all()
    world.close()
    world.close()
    with pytest.raises(WorldClosedError):
        world.step(NO_CONTROL)
    with pytest.raises(WorldClosedError):
        world.snapshot()
    with pytest.raises(WorldClosedError):
        world.restore(moment)
    with pytest.raises(WorldClosedError):
        world.continue_from(picture(1))


def test_a_player_may_write_to_a_frame(engine: DiamondEngine) -> None:
    world, twin = (engine.open_world(picture(1), rng_seed=1) for _ in range(2))
    world.step(NO_CONTROL)[:] = 0
    twin.step(NO_CONTROL)
    assert (world.step(FORWARD) == twin.step(FORWARD)).all()


def test_several_at_once(engine: DiamondEngine, tiny_repository: Path) -> None:
    """One after the other, frames are the same to the bit. In a batch a few pixels may differ by a level or two, as
    kernels depend on the number of worlds."""
    batched = DiamondEngine(
        load_diamond(tiny_repository / "csgo", LoadOptions(sampling=FAST)), weights_hash="", exact=False
    )
    for one, most_apart in ((engine, 0), (batched, 2)):
        together, alone = ([one.open_world(picture(at), rng_seed=at) for at in range(3)] for _ in range(2))
        turns: list[tuple[World, ControlPayload]] = [(world, FORWARD) for world in together]
        made = one.step_together(turns)
        for frames, other in zip(made, alone, strict=True):
            assert isinstance(frames, np.ndarray)
            assert np.abs(frames.astype(int) - other.step(FORWARD)).max() <= most_apart
    assert engine.step_together([]) == []


def test_worlds_may_be_stepped_on_several_threads(engine: DiamondEngine) -> None:
    alone, *crowd = (engine.open_world(picture(4), rng_seed=4) for _ in range(4))

    def third_frame(world: World) -> Frames:
        return [world.step(FORWARD) for _ in range(3)][-1]

    expected = third_frame(alone)
    with ThreadPoolExecutor(3) as threads:
        made = list(threads.map(third_frame, crowd))
    assert all((frames == expected).all() for frames in made)


def test_what_belongs_to_others_is_refused(engine: DiamondEngine) -> None:
    world = engine.open_world(picture(1), rng_seed=0)
    moment = world.snapshot()
    for wrong in (
        replace(moment, model_id="other/model"),
        replace(moment, weights_hash="beef"),
        replace(moment, state=moment.state[:-1]),
        replace(moment, state=b""),
    ):
        with pytest.raises(SnapshotMismatchError):
            world.restore(wrong)
    assert world.snapshot() == moment
    with pytest.raises(ValueError, match="shape"):
        engine.open_world(picture(1, height=60), rng_seed=0)
    with pytest.raises(ValueError, match="shape"):
        world.continue_from(picture(1, width=100))
    foreign = FakeWorldEngine().open_world(fake_seed(1), rng_seed=0)
    with pytest.raises(TypeError, match="another engine"):
        engine.step_together([(foreign, NO_CONTROL)])


def test_a_world_that_fails_stays_as_it_was_and_others_go_on(tmp_path: Path) -> None:
    """What the left click adds is so large that products of it overflow."""
    tensors = model_tensors(tiny_agent(), tiny_env())
    tensors["denoiser.inner_model.act_emb.0.weight"][11] = 1e30
    engine = load(_written(tmp_path, tensors))
    clicking, walking = (engine.open_world(picture(1), rng_seed=0) for _ in range(2))
    moment = clicking.snapshot()
    lost, made = engine.step_together([(clicking, FORWARD), (walking, NO_CONTROL)])
    assert isinstance(lost, BadFramesError)
    assert isinstance(made, np.ndarray)
    assert clicking.snapshot() == moment
    with pytest.raises(EngineFaultError, match="left the range"):
        clicking.step(FORWARD)
    assert (clicking.step(NO_CONTROL) == made).all()


def test_loads_that_fail_say_why(tiny_repository: Path, tmp_path: Path) -> None:
    def refused(match: str, *, quant: str = "none", folder: Path = tiny_repository, device: str = "cpu") -> None:
        with pytest.raises(ModelLoadError, match=match):
            load_engine(quant, lambda _: None, folder=str(folder / "csgo"), device=device, exact=False)  # pyright: ignore[reportArgumentType] - parametrized

    refused("full precision only", quant="fp8w8a8")
    refused("cannot be loaded. There is no model folder", folder=tmp_path)
    if not torch.cuda.is_available():
        refused("no CUDA device", device="cuda")
    tensors = model_tensors(tiny_agent(), tiny_env())
    tensors["upsampler.inner_model.conv_out.bias"][0] = torch.nan
    refused("left the range", folder=_written(tmp_path, tensors))


def test_other_weights_have_another_hash(engine: DiamondEngine, tmp_path: Path) -> None:
    other = load(_written(tmp_path, model_tensors(tiny_agent(), tiny_env(), seed=1)))
    assert other.spec.weights_hash != engine.spec.weights_hash
    assert load(_written(tmp_path, model_tensors(tiny_agent(), tiny_env()))).spec == engine.spec


def _written(folder: Path, tensors: dict[str, torch.Tensor]) -> Path:
    (write_config(folder / "csgo", tiny_agent(), tiny_env()) / "model").mkdir(exist_ok=True)
    torch.save(tensors, folder / "csgo" / "model" / "csgo.pt")
    return folder
