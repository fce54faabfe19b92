"""How long a world waits for its turn on a device: counted in steps, with every other world as greedy as it can be."""

from __future__ import annotations

import random
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from services.engine_host._inbox import Inbox
from services.engine_host._messages import (
    Answered,
    Call,
    CloseEngine,
    CloseWorld,
    Failed,
    OpenWorld,
    SetPrompt,
    Step,
    TakeSnapshot,
)
from services.engine_host._serving import HostedWorlds
from services.engine_host._shared_memory import HostMemory, SharedMemory, pages
from services.world_engine.world_engine import NO_CONTROL
from tests.fakes.fake_world_engine import FakeWorld, FakeWorldEngine, fake_seed
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.engine_host._messages import FromHost, HostCall
    from services.world_engine.world_engine import ControlPayload, EngineFaultError, Frames, World, WorldSnapshot

STEPS = 600


def no_memory() -> HostMemory:
    """Frames and states come with the answers."""
    return HostMemory(SharedMemory(pages(1)), SharedMemory(pages(1)))


class Device:
    """What the engine has done so far: `steps` are turns on the device, of one world each or of a batch."""

    def __init__(self) -> None:
        self.steps = 0
        self.snapshots = 0


class CountedWorld(FakeWorld):
    device: Device

    def snapshot(self) -> WorldSnapshot:
        self.device.snapshots += 1
        return super().snapshot()


class OneByOne(FakeWorldEngine):
    def __init__(self, device: Device) -> None:
        super().__init__()
        self.device = device

    def open_world(self, seed: Frames, *, rng_seed: int) -> FakeWorld:
        self.worlds.append(world := CountedWorld(self, seed, rng_seed))
        world.device = self.device
        return world

    def before_step(self, pass_number: int) -> None:
        del pass_number
        self.device.steps += 1


class InBatches(OneByOne):
    def before_step(self, pass_number: int) -> None:
        """A batch counts once."""

    def step_together(self, turns: Sequence[tuple[World, ControlPayload]]) -> list[Frames | EngineFaultError]:
        self.device.steps += 1
        return [world.step(control) for world, control in turns]


class Players:
    """Stands in for the server: each world asks for its next call in the moment in which the last one is answered.

    World 1 is the one that is watched, and asks for steps alone, after a pause of some answers. The others ask for a
    snapshot as often as `chance` says. `waits` has the steps and the snapshots that it waited for, each time.
    """

    def __init__(self, device: Device, inbox: Inbox, worlds: int, *, chance: random.Random) -> None:
        self._device = device
        self._inbox = inbox
        self._worlds = worlds
        self._chance = chance
        self._numbers = 0
        self._asked: dict[int, tuple[int, HostCall]] = {}
        self._since: tuple[int, int] | None = None
        self._rests = 0
        self.waits: list[tuple[int, int]] = []

    def begin(self) -> None:
        for world in range(1, self._worlds + 1):
            self._put(world, OpenWorld(world, fake_seed(world), rng_seed=world))

    def tell(self, message: FromHost) -> None:
        assert isinstance(message, Answered), message
        world, asked = self._asked.pop(message.number)
        if not isinstance(asked, CloseWorld):
            self._go_on(world, asked)
        if not self._asked:
            self._leave(asked)

    def _leave(self, asked: HostCall) -> None:
        if isinstance(asked, CloseWorld):
            self._inbox.put(CloseEngine())
        else:
            for world in range(1, self._worlds + 1):
                self._put(world, CloseWorld(world))

    def _go_on(self, world: int, asked: HostCall) -> None:
        if world == 1 and self._since is not None:
            steps, snapshots = self._since
            self.waits.append((self._device.steps - steps, self._device.snapshots - snapshots))
            self._since = None
        if world == 1:
            self._rests = self._chance.randrange(2 * self._worlds)
        elif self._device.steps < STEPS:
            snaps = not isinstance(asked, TakeSnapshot) and self._chance.random() < 0.5
            self._put(world, TakeSnapshot(world) if snaps else Step(world, NO_CONTROL, None))
        if self._since is None and 1 not in {one for one, _ in self._asked.values()}:
            self._rests -= 1
            if self._rests < 0 and self._device.steps < STEPS:
                self._since = self._device.steps, self._device.snapshots
                self._put(1, Step(1, NO_CONTROL, None))

    def _put(self, world: int, what: HostCall) -> None:
        self._numbers += 1
        self._asked[self._numbers] = world, what
        self._inbox.put(Call(self._numbers, what))


class SlowReader(FakeWorldEngine):
    """Takes as long to read words as the test likes."""

    def __init__(self) -> None:
        super().__init__(hears_words=True)
        self.may_end = threading.Event()

    def read_prompt(self, words: str) -> None:
        assert self.may_end.wait(deadline_s())
        if words == "unreadable":
            raise ValueError("These words cannot be read.")


class Answers:
    """The answer to each call, by its number."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[FromHost] = SimpleQueue()

    def tell(self, message: FromHost) -> None:
        self._queue.put(message)

    def next(self) -> tuple[int, bool]:
        """The number of the next call that is answered, and whether it was done."""
        message = self._queue.get(timeout=deadline_s())
        assert isinstance(message, Answered | Failed)
        return message.number, isinstance(message, Answered)


def test_words_that_take_long_to_read_hold_nobody_up() -> None:
    engine, inbox, answers = SlowReader(), Inbox(), Answers()
    hosted = HostedWorlds(engine, no_memory(), inbox, answers.tell)
    serving = threading.Thread(target=hosted.serve, daemon=True)
    serving.start()
    for number, world in ((1, 1), (2, 2)):
        inbox.put(Call(number, OpenWorld(world, fake_seed(world), rng_seed=world)))
        assert answers.next() == (number, True)
    inbox.put(Call(3, SetPrompt(2, "fog")))
    for number in (4, 5, 6):
        inbox.put(Call(number, Step(1, NO_CONTROL, None)))
        assert answers.next() == (number, True)
    assert engine.worlds[1].words == ""
    engine.may_end.set()
    assert answers.next() == (3, True)
    assert engine.worlds[1].words == "fog"
    inbox.put(Call(7, SetPrompt(2, "unreadable")))
    assert answers.next() == (7, False)
    assert engine.worlds[1].words == "fog"
    for number, world in ((8, 1), (9, 2)):
        inbox.put(Call(number, CloseWorld(world)))
        assert answers.next() == (number, True)
    inbox.put(CloseEngine())
    serving.join(deadline_s())
    assert engine.is_closed


@pytest.mark.parametrize("worlds", [2, 5, 16])
@pytest.mark.parametrize("kind", [OneByOne, InBatches])
def test_with_n_worlds_nobody_waits_longer_than_n_steps_and_one_snapshot(kind: type[OneByOne], worlds: int) -> None:
    device, inbox = Device(), Inbox()
    players = Players(device, inbox, worlds, chance=random.Random(worlds))
    hosted = HostedWorlds(kind(device), no_memory(), inbox, players.tell)
    players.begin()
    hosted.serve()
    steps, snapshots = (max(wait) for wait in zip(*players.waits, strict=True))
    assert len(players.waits) > 10
    assert steps <= (worlds if kind is OneByOne else 2)  # its own step is one of them
    assert snapshots <= 1
