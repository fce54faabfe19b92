"""Depth Anything: what is made of its answers, what is said of its files, and the network in a process of its own."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PIL import Image

from runtime_config.constants import SHIPPED_SEEDS_DIR
from services.machine import is_installed
from services.torch_worker.process_torch_worker import ProcessTorchWorker
from services.torch_worker.torch_worker import WorkerFault
from services.world_engine.depth.depth import DepthFailedError
from services.world_engine.depth.depth_anything import PATCH, DepthAnything, network_size, worker_spec
from services.world_engine.depth.depth_anything_files import (
    REPOSITORY,
    DepthAnythingFiles,
    DepthAnythingNotPulled,
    DepthAnythingUnusable,
    DepthAnythingUsable,
    weights_hash,
)
from services.world_engine.diorama._cut import cut_things
from services.world_engine.diorama._remembered_cuts import RememberedCuts
from services.world_engine.diorama.depths import CAMERA, Strolls, strolls_of
from services.world_engine.diorama.entry import Stroll
from services.world_engine.world_engine import SnapshotMismatchError
from tests.fakes.fake_depth_worker import FakeDepthWorker
from tests.services.diorama.parkland import parkland, true_depth
from tests.services.diorama.pictures import awkward
from tests.services.world_engine.depth.tiny_depth_anything import (
    TENSORS,
    snapshot_in,
    write_header,
    write_tiny_model,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from services.world_engine.depth.depth import Floats
    from services.world_engine.world_engine import Picture

needs_torch = pytest.mark.skipif(not is_installed("torch"), reason="the extra models is not installed")


def relative(scale: float, shift: float) -> Callable[[Picture], Floats]:
    """What a perfect network says of the parkland: any scale, any shift, of 1 / metres ahead."""
    aside = np.linspace(-math.tan(CAMERA.half_fov), math.tan(CAMERA.half_fov), 1280, dtype=np.float32)
    ahead = true_depth() * np.hypot(np.float32(1.0), aside)[None, :]

    def see(picture: Picture) -> Floats:
        is_mirrored = (
            picture[: len(picture) // 2, : picture.shape[1] // 2].min() > 100
        )  # the tree is left of the middle
        size = picture.shape[1], picture.shape[0]
        small = np.asarray(cv2.resize(ahead, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
        return (scale * (small[:, ::-1] if is_mirrored else small) + shift).astype(np.float32)

    return see


# ------------------------------------------------------------------------------------------------------ answers


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (37.0, 4.0), (0.02, -3.0)])
def test_any_scale_and_shift_give_the_depth_of_the_ground(scale: float, shift: float) -> None:
    found = DepthAnything(FakeDepthWorker(relative(scale, shift)), CAMERA).estimate(parkland())
    assert found.is_sure
    assert found.inverse_depth.shape == (720, 1280)
    near = true_depth() > 1 / 20
    assert np.median(np.abs(found.inverse_depth[near] / true_depth()[near] - 1.0)) < 0.03
    assert cut_things(parkland(), found).count == 1


def test_a_network_that_sees_the_mirror_image_otherwise_is_not_believed() -> None:
    perfect = relative(1.0, 0.0)

    def see(picture: Picture) -> Floats:
        seen = perfect(picture)
        return seen + (np.linspace(0.0, 0.2, seen.shape[1], dtype=np.float32))

    assert not DepthAnything(FakeDepthWorker(see), CAMERA).estimate(parkland()).is_sure


@pytest.mark.parametrize("kind", ["flat", "upside down", "waves", "a sky that is near"])
def test_what_has_no_ground_is_not_believed(kind: str) -> None:
    def see(picture: Picture) -> Floats:
        rows, columns = picture.shape[:2]
        v = np.linspace(0.0, 1.0, rows)[:, None] * np.ones((1, columns))
        maps = {
            "flat": np.zeros_like(v),
            "upside down": 1.0 - v,
            "waves": np.sin(40.0 * v) + v,
            "a sky that is near": np.where(v < 0.5, 5.0, v),
        }
        return maps[kind].astype(np.float32)

    found = DepthAnything(FakeDepthWorker(see), CAMERA).estimate(parkland())
    assert np.isfinite(found.inverse_depth).all()
    assert not found.is_sure or cut_things(parkland(), found).count == 0


@pytest.mark.parametrize(
    ("width", "height"), [(1280, 720), (1, 1), (720, 1280), (4000, 1000), (10_000, 1), (1, 10_000)]
)
def test_every_picture_costs_the_network_the_same(width: int, height: int) -> None:
    across, down = network_size(width, height)
    assert across % PATCH == down % PATCH == 0
    assert 0.9 * 26 * 46 <= across * down / PATCH**2 <= 26 * 46


def test_a_process_that_dies_is_started_once_more() -> None:
    worker = FakeDepthWorker(relative(1.0, 0.0), faults=(WorkerFault.DIED,))
    assert DepthAnything(worker, CAMERA).estimate(parkland()).is_sure
    assert worker.calls == 2


@pytest.mark.parametrize("faults", [(WorkerFault.DIED,) * 2, (WorkerFault.DEADLINE,), (WorkerFault.LOAD_FAILED,)])
def test_a_network_that_does_not_answer_is_a_fault(faults: tuple[WorkerFault, ...]) -> None:
    with pytest.raises(DepthFailedError, match=r"It did not answer\."):
        DepthAnything(FakeDepthWorker(relative(1.0, 0.0), faults), CAMERA).estimate(parkland())


def test_numbers_that_are_none_are_a_fault() -> None:
    depth = DepthAnything(FakeDepthWorker(lambda seen: np.full(seen.shape[:2], np.nan)), CAMERA)
    with pytest.raises(DepthFailedError):
        depth.estimate(parkland())


def test_a_closed_network_is_a_fault() -> None:
    depth = DepthAnything(FakeDepthWorker(relative(1.0, 0.0)), CAMERA)
    depth.close()
    with pytest.raises(DepthFailedError):
        depth.estimate(parkland())


# -------------------------------------------------------------------------------------------------------- files


def gallery(name: str) -> Picture:
    with Image.open(SHIPPED_SEEDS_DIR / f"{name}.jpg") as image:
        return np.asarray(image.convert("RGB").resize((1280, 720)))


def by_moss_alone() -> Strolls:
    return strolls_of(DepthAnythingNotPulled(""), ProcessTorchWorker)


def files_of(cache_dir: Path, *, has_packages: bool = True) -> DepthAnythingFiles:
    return DepthAnythingFiles(cache_dir, has_package=lambda _: has_packages)


def test_it_is_used_where_it_is_on_the_disk(tmp_path: Path) -> None:
    assert isinstance(files_of(tmp_path).look(), DepthAnythingNotPulled)
    folder = snapshot_in(tmp_path)
    assert isinstance(files_of(tmp_path).look(), DepthAnythingNotPulled)
    write_header(folder)
    assert files_of(tmp_path).look() == DepthAnythingUsable(folder)
    assert isinstance(files_of(tmp_path, has_packages=False).look(), DepthAnythingUnusable)


def test_a_folder_of_the_owners_own_comes_first(tmp_path: Path) -> None:
    own = tmp_path / "models" / REPOSITORY.model_id
    own.mkdir(parents=True)
    write_header(own)
    files = replace(files_of(tmp_path / "cache"), models_dir=tmp_path / "models")
    assert files.look() == DepthAnythingUsable(own)


def _spoil(folder: Path, how: str) -> None:
    match how:
        case "cut off":
            weights = folder / "model.safetensors"
            weights.write_bytes(weights.read_bytes()[:-1])
        case "no config":
            (folder / "config.json").write_text("[]")
        case "tells metres":
            write_header(folder, depth_estimation_type="metric")
        case "another kind":
            write_header(folder, model_type="dpt")
        case _:
            write_header(folder, tensors=TENSORS[:1])


@pytest.mark.parametrize("how", ["cut off", "no config", "tells metres", "another kind", "other tensors"])
def test_foreign_and_damaged_folders_are_not_used_and_are_told_of(tmp_path: Path, how: str) -> None:
    folder = snapshot_in(tmp_path)
    write_header(folder)
    _spoil(folder, how)
    state = files_of(tmp_path).look()
    assert isinstance(state, DepthAnythingUnusable)
    assert "pull it again" in state.reason
    assert strolls_of(state, ProcessTorchWorker).spare is None


def test_the_hash_names_the_weights_and_what_is_made_of_them(tmp_path: Path) -> None:
    write_header(tmp_path)
    first = weights_hash(tmp_path)
    assert weights_hash(tmp_path) == first
    (tmp_path / "config.json").write_text("{}")
    assert weights_hash(tmp_path) != first


def test_the_choice_is_in_the_hash_of_the_engine(tmp_path: Path) -> None:
    folder = snapshot_in(tmp_path)
    write_header(folder)
    worker = FakeDepthWorker(relative(1.0, 0.0))
    deep, plain = strolls_of(files_of(tmp_path).look(), lambda _: worker), by_moss_alone()
    assert deep.spare is not None
    assert deep.spare.spec == plain.first.spec
    assert deep.first.spec.weights_hash != plain.first.spec.weights_hash
    deep.close()
    assert worker.is_closed


def test_a_network_that_fails_its_first_picture_is_not_used(tmp_path: Path) -> None:
    write_header(snapshot_in(tmp_path))
    worker = FakeDepthWorker(relative(1.0, 0.0), faults=(WorkerFault.LOAD_FAILED,))
    found = strolls_of(files_of(tmp_path).look(), lambda _: worker)
    assert (found.first.spec, found.spare) == (by_moss_alone().first.spec, None)
    assert worker.is_closed


def test_it_is_asked_where_moss_is_not_sure_and_once_for_each_picture(tmp_path: Path) -> None:
    write_header(snapshot_in(tmp_path))
    worker = FakeDepthWorker(relative(1.0, 0.0))
    found = strolls_of(files_of(tmp_path).look(), lambda _: worker)
    tried = worker.calls
    found.first.cut(gallery("summer_grove"))
    assert worker.calls == tried, "Moss is sure of open country"
    for _ in range(2):
        found.first.cut(gallery("neon_street"))
    assert worker.calls == tried + 1


def test_a_network_that_has_failed_is_not_asked_again() -> None:
    worker = FakeDepthWorker(relative(1.0, 0.0), faults=(WorkerFault.DEADLINE,))
    cuts = RememberedCuts(DepthAnything(worker, CAMERA))
    for _ in range(2):
        with pytest.raises(DepthFailedError, match=r"It did not answer\."):
            cuts.cut(parkland())
    assert worker.calls == 1


def test_the_card_says_which_depth_it_goes_by(tmp_path: Path) -> None:
    stroll = Stroll(files_of(tmp_path), ProcessTorchWorker)
    assert "Depth Anything" not in stroll.card.description
    plain = stroll.card.memory.ram
    write_header(snapshot_in(tmp_path))
    assert "Depth Anything" in stroll.card.description
    assert stroll.card.memory.ram > plain


# ----------------------------------------------------------------------------------------------- the real network


@pytest.fixture(name="model", scope="module")
def fixture_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with a tiny model. Shared, so nobody writes there."""
    cache_dir = tmp_path_factory.mktemp("hub")
    write_tiny_model(snapshot_in(cache_dir))
    return cache_dir


@pytest.fixture(name="real", scope="module")
def fixture_real(model: Path) -> Iterator[DepthAnything]:
    state = DepthAnythingFiles(model).look()
    assert isinstance(state, DepthAnythingUsable)
    depth = DepthAnything(ProcessTorchWorker(worker_spec(state.folder)), CAMERA)
    yield depth
    depth.close()


@pytest.mark.trial
@needs_torch
@pytest.mark.parametrize("shape", [(720, 1280), (1, 1), (40, 9), (90, 360), (320, 180)])
def test_the_network_tells_a_finite_depth_of_the_pictures_size(real: DepthAnything, shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    first, second = real.estimate(picture), real.estimate(picture)
    assert first.inverse_depth.shape == shape
    assert first.inverse_depth.dtype == np.float32
    assert np.isfinite(first.inverse_depth).all()
    assert (first.inverse_depth >= 0.0).all()
    assert np.array_equal(first.inverse_depth, second.inverse_depth)
    assert (first.doubt, first.is_sure) == (second.doubt, second.is_sure)


@pytest.mark.trial
@needs_torch
def test_the_network_says_something_of_awkward_pictures(real: DepthAnything) -> None:
    for name, picture in awkward().items():
        assert np.isfinite(real.estimate(picture).doubt), name


@pytest.mark.trial
@needs_torch
def test_the_engine_is_loaded_with_the_network_that_is_on_the_disk(model: Path) -> None:
    engine = Stroll(DepthAnythingFiles(model), ProcessTorchWorker).load("none", lambda _: None)
    plain = Stroll(DepthAnythingFiles(model / "nowhere"), ProcessTorchWorker).load("none", lambda _: None)
    try:
        assert engine.spec.weights_hash != plain.spec.weights_hash
        kept = engine.open_world(parkland(), rng_seed=0).snapshot()
        assert kept.weights_hash == engine.spec.weights_hash
        with pytest.raises(SnapshotMismatchError, match="weights"):
            plain.open_world(parkland(), rng_seed=0).restore(kept)
    finally:
        engine.close()
        plain.close()


@pytest.mark.trial
@needs_torch
@pytest.mark.parametrize("how", ["half of the tensors", "no numbers"])
def test_weights_that_cannot_be_used_leave_the_engine_with_the_network_of_moss(tmp_path: Path, how: str) -> None:
    folder = snapshot_in(tmp_path)
    if how == "no numbers":
        write_tiny_model(folder, bias=float("nan"))
    else:
        write_header(folder)
    engine = Stroll(DepthAnythingFiles(tmp_path), ProcessTorchWorker).load("none", lambda _: None)
    plain = by_moss_alone().first
    assert engine.spec == plain.spec
    engine.close()
