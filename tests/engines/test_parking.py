"""Tensors that leave their device and come back: what is freed, what is kept, and that models play on to the bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra engines is not installed")

import torch

from engines.diamond import FAST, Action, load_diamond
from engines.diamond import LoadOptions as DiamondOptions
from engines.parking import ParkedTensors, park
from engines.waypoint import WorldBatch
from tests.engines.diamond.conftest import tiny_folder as tiny_folder
from tests.engines.waypoint import plays
from tests.engines.waypoint.conftest import folders as folders
from tests.engines.waypoint.conftest import waypoint_1 as waypoint_1
from tests.engines.waypoint.conftest import waypoint_1_5 as waypoint_1_5
from tests.torch_threads import one_thread as one_thread

if TYPE_CHECKING:
    from pathlib import Path

    from engines.waypoint import Frames, WaypointModel
    from tests.engines.waypoint.conftest import Folders

pytestmark = pytest.mark.xdist_group("torch")


def frames_of(model: WaypointModel) -> list[Frames]:
    world = WorldBatch(model).open(rng_seed=3)
    if model.config.prompt_conditioning is not None:
        world.set_prompt(plays.prompt(model.config.prompt_embedding_dim or 0))
    world.append(plays.pictures(model.frames_per_latent, 1))
    return [world.generate(plays.control(number)) for number in range(4)]


@pytest.mark.parametrize("folders", ["waypoint_1_5", "waypoint_1"], indirect=True)
def test_a_waypoint_model_makes_the_same_frames_after_it_has_left(folders: Folders) -> None:
    model = plays.load(folders)
    for tensor in model.tensors():  # as on a card: on a processor the memory of some is that of the file
        tensor.data = tensor.data.clone()
    before = frames_of(model)
    held = sum(tensor.nbytes for tensor in model.tensors())
    parked = park(model.tensors())
    assert parked.nbytes == held
    assert not any(tensor.untyped_storage().nbytes() for tensor in model.tensors())
    parked.resume()
    assert sum(tensor.nbytes for tensor in model.tensors()) == held
    assert all(np.array_equal(one, other) for one, other in zip(before, frames_of(model), strict=True))


def test_what_torch_does_not_own_stays() -> None:
    mapped = torch.as_tensor(np.ones(4, np.float32))
    parked = park([mapped])
    assert (parked.nbytes, mapped.untyped_storage().nbytes()) == (0, 16)
    parked.resume()
    assert torch.equal(mapped, torch.ones(4))


@pytest.mark.trial
def test_a_diamond_model_makes_the_same_frames_after_it_has_left(tiny_folder: Path) -> None:
    options = DiamondOptions(device="cpu", dtype=torch.float32, sampling=FAST)
    model = load_diamond(tiny_folder, options)
    picture = np.full((model.config.height, model.config.width, 3), 90, np.uint8)
    state = model.begin(picture, rng_seed=7)
    (before,) = model.step([state], [Action(keys=frozenset({"W"}))])
    parked = park(model.tensors())
    assert parked.nbytes > 0
    parked.resume()
    (after,) = model.step([state], [Action(keys=frozenset({"W"}))])
    assert np.array_equal(cast("Any", before).picture, cast("Any", after).picture)


def test_views_share_their_memory_before_and_after() -> None:
    whole = torch.arange(12.0)
    part, kept = whole[4:8], whole.clone()
    parked = park([part, whole, part])
    assert parked.nbytes == kept.nbytes, "a storage is moved once"
    assert whole.untyped_storage().nbytes() == 0
    parked.resume()
    assert torch.equal(whole, kept)
    part[0] = 99.0
    assert whole[4] == 99.0


def test_a_tensor_made_of_others_leaves_with_them() -> None:
    class Scaled:
        """As those of quantised weights are: two tensors that compute as one."""

        def __init__(self) -> None:
            self.levels, self.scale = torch.ones(8, dtype=torch.int8), torch.ones(2)

        def __tensor_flatten__(self) -> tuple[list[str], None]:
            return ["levels", "scale"], None

    scaled = Scaled()
    parked = park([cast("torch.Tensor", scaled)])
    assert (parked.nbytes, scaled.levels.untyped_storage().nbytes()) == (16, 0)
    parked.resume()
    assert torch.equal(scaled.levels, torch.ones(8, dtype=torch.int8))


class StorageOnAFullDevice:
    """Gives memory back as often as it likes, and gets none for the first so many times."""

    device = torch.device("cpu")

    def __init__(self, refusals: int, inner: torch.UntypedStorage) -> None:
        self._refusals, self._inner = refusals, inner

    def resize_(self, size: int) -> None:
        if size and self._refusals:
            self._refusals -= 1
            raise torch.OutOfMemoryError("The device is full.")
        self._inner.resize_(size)


def test_without_room_on_the_way_back_nothing_stays_on_the_device() -> None:
    first, second = torch.ones(4), torch.ones(4)
    parked = park([first, second])
    storages = (first.untyped_storage(), StorageOnAFullDevice(1, second.untyped_storage()))
    copies = (torch.zeros(16, dtype=torch.uint8), torch.zeros(16, dtype=torch.uint8))
    with pytest.raises(torch.OutOfMemoryError):
        ParkedTensors(cast("Any", storages), copies).resume()
    assert [tensor.untyped_storage().nbytes() for tensor in (first, second)] == [0, 0]
    parked.resume()
    assert torch.equal(first, torch.ones(4)), "it can be tried again"
