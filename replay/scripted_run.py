"""Plays a script, pass by pass. The world can be put aside between two passes, and goes on exactly where it was."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from replay.plan import ReplayError, ReplayPlan
from replay.player import ReplayedPass, enter
from replay.script import ScriptError, ScriptFault
from services.input_log.columns import InputColumns, PassInput
from services.input_log.pictures import pixels_hash
from services.world_engine.own_things import spec_of
from services.world_engine.prompt_words import takes_words
from services.world_engine.world_engine import ControlPayload
from services.world_files.world_file import (
    Check,
    Continued,
    ModelFacts,
    Prompted,
    SeedFacts,
    Tolerance,
    WorldFilePayload,
    WorldMoment,
)
from wire_protocol import KEY_CODES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from replay.script import Script
    from replay.script_start import ScriptStart
    from replay.sinks import Sink
    from services.world_engine.world_engine import Frames, Picture, World, WorldEngine
    from services.world_files.world_file import Change, Origins

    SinksFor: TypeAlias = Callable[[ReplayPlan], Sequence[Sink]]

_CHECK_EVERY: Final = 64  # passes between two hashes of a frame


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a script has come to. `digest` is SHA-256 (hex) over every frame, `world` what a world file holds of it."""

    passes: int
    frames: int
    digest: str
    world: WorldFilePayload


class ScriptedRun:
    """One run of a script. One thread at a time uses it.

    `open`, then `step` until `is_done`, then `finish`. `park` closes the world between two passes, and another `open`,
    in the same engine or in one like it, goes on from there. Whoever stops halfway calls `close`.
    """

    def __init__(self, script: Script, start: ScriptStart, made_with: Origins, sinks: SinksFor) -> None:
        """`sinks` are made once it is known where the script begins."""
        self._script = script
        self._start = start
        self._made_with = made_with
        self._sinks_for = sinks
        self._sinks: Sequence[Sink] = ()
        self._world: World | None = None
        self._parked: WorldMoment | None = None
        self._number = start.first_pass
        self._scene = start.seed if start.base is None else start.base.scene
        self._waiting: list[Change] = list(start.changes)
        self._plan: ReplayPlan | None = None  # from where the script begins
        self._last: Picture | None = start.shown
        self._checks: list[Check] = []
        self._digest = hashlib.sha256()

    @property
    def passes(self) -> int:
        """How many passes there are to make, with those of the way to where the script begins."""
        return len(self._start.way) + self._script.passes

    @property
    def made(self) -> int:
        return self._number - self._start.first_pass

    @property
    def is_done(self) -> bool:
        return self.made >= self.passes

    def open(self, engine: WorldEngine) -> None:
        """Raises: ReplayError, the engine has other weights, or cannot take the moment that the world goes on from."""
        start = self._start
        world = engine.open_world(start.pictures[start.seed], rng_seed=start.rng_seed)
        try:
            if ModelFacts.of(spec_of(engine, world.snapshot()), start.model.quant) != start.model:
                raise ReplayError(f"{start.model.id} is not what it was when the script began. Try again.")
            moment = self._parked or start.base
            if moment is not None:
                enter(world, moment, start.seed, start.pictures)
            self._world, self._parked = world, None
            if self._plan is None and not len(start.way):
                self._begin(world)
        except BaseException:  # whatever ends this, the world is closed
            self._world = None
            world.close()
            raise

    def step(self) -> None:
        """Make one pass. Raises: ReplayError, where what is kept cannot be written, or no words are heard."""
        world, start = self._open_world, self._start
        if self.made < len(start.way):
            self._change(world)
            self._see(world.step(start.way[self.made].control))
            if self.made == len(start.way):
                self._change(world)
                self._begin(world)
            return
        plan = self._begun
        given = plan.inputs[self._number - plan.first_pass]
        self._change(world)
        frames = world.step(given.control)
        last = self._see(frames)
        self._digest.update(np.ascontiguousarray(frames).data)
        if self._number % _CHECK_EVERY == 0:
            self._checks.append(Check(self._number, pixels_hash(last)))
        for sink in self._sinks:
            sink.take(ReplayedPass(self._number, given, frames))

    def park(self) -> None:
        """Give the engine back between two passes."""
        world = self._open_world
        try:
            self._parked = WorldMoment(self._number, world.snapshot(), self._scene)
        finally:
            self._world = None
            world.close()

    def lose_engine(self) -> bool:
        """The engine has died, and the world with it. It does not go on from there."""
        return False

    def finish(self, created_at: float) -> RunReport:
        """Complete what is kept, and close the world. `created_at` is the time by the clock. Raises: ReplayError."""
        plan, world = self._begun, self._open_world
        place = WorldMoment(self._number, world.snapshot(), self._scene)
        for sink in self._sinks:
            sink.finish()
        payload = self._payload(plan, place, created_at)
        self.close()
        passes = len(plan.inputs)
        return RunReport(passes, passes * plan.model.frames_per_pass, self._digest.hexdigest(), payload)

    def close(self) -> None:
        """Idempotent. What is not finished leaves nothing that looks complete."""
        world, self._world = self._world, None
        try:
            for sink in self._sinks:
                sink.abandon()
        finally:
            if world is not None:
                world.close()

    # ---------------------------------------------------------------------------------------------------- parts

    @property
    def _open_world(self) -> World:
        assert self._world is not None, "a run is stepped between `open` and `park`"
        return self._world

    @property
    def _begun(self) -> ReplayPlan:
        assert self._plan is not None, "the script has begun"
        return self._plan

    def _see(self, frames: Frames) -> Picture:
        self._number += 1
        self._last = frames[-1]
        return frames[-1]

    def _begin(self, world: World) -> None:
        """The world stands where the script begins."""
        start, passes = self._start, self._number
        base = start.base
        if len(start.way):
            base = WorldMoment(passes, world.snapshot(), self._scene)
        prompts: list[Change] = [*_prompts_of(self._script, passes)]
        if start.words and takes_words(world):
            prompts.insert(0, Prompted(passes, start.words))
        self._plan = ReplayPlan(
            title=self._script.title,
            model=start.model,
            rng_seed=start.rng_seed,
            seed=start.seed,
            base=base,
            place=None,
            place_picture=None,
            inputs=_inputs_of(self._script, passes, start.model.frames_per_pass / start.model.fps),
            changes=tuple(prompts),
            checks=(),
            pictures=start.pictures,
            made_with=self._made_with,
            tolerance=Tolerance(),
        )
        self._waiting = list(prompts)
        self._sinks = self._sinks_for(self._plan)
        for sink in self._sinks:
            sink.begin(start.pictures[self._scene] if self._last is None else self._last)

    def _change(self, world: World) -> None:
        while self._waiting and self._waiting[0].passes == self._number:
            match self._waiting.pop(0):
                case Continued(picture=picture):
                    world.continue_from(self._start.pictures[picture])
                    self._scene = picture
                case Prompted(words=words):
                    if not takes_words(world):
                        message = f"The script says words, and {self._start.model.id} hears none on this machine."
                        raise ScriptError(ScriptFault.WORDS_NOT_HEARD, message)
                    world.set_prompt(words)

    def _payload(self, plan: ReplayPlan, place: WorldMoment, created_at: float) -> WorldFilePayload:
        pictures = _named(plan, place)
        shown = None
        if self._last is not None:
            shown = pixels_hash(self._last)
            pictures[shown] = self._last
        return WorldFilePayload(
            title=plan.title,
            created_at=created_at,
            model=plan.model,
            rng_seed=plan.rng_seed,
            seed=SeedFacts(picture=plan.seed, file=self._start.seed_file),
            base=plan.base,
            place=place,
            place_picture=shown,
            inputs=plan.inputs,
            changes=plan.changes,
            checks=tuple(self._checks),
            pictures=pictures,
            made_with=plan.made_with,
            tolerance=plan.tolerance,
        )


def _named(plan: ReplayPlan, place: WorldMoment) -> dict[str, Picture]:
    """The pictures that are needed to play from the plan's beginning to the end."""
    scenes = (plan.seed, place.scene, plan.seed if plan.base is None else plan.base.scene)
    return {name: plan.pictures[name] for name in scenes}


def _inputs_of(script: Script, first_pass: int, pass_s: float) -> InputColumns:
    """Times are those of the world: the same script gives the same files."""
    inputs = InputColumns()
    for step in script.steps:
        control = ControlPayload(frozenset(KEY_CODES[key] for key in step.keys), *step.mouse)
        for _ in range(step.hold):
            at_s = (first_pass + len(inputs)) * pass_s
            inputs.append(PassInput(control, at_s, 0.0))
    return inputs


def _prompts_of(script: Script, first_pass: int) -> list[Prompted]:
    prompts: list[Prompted] = []
    passes = first_pass
    for step in script.steps:
        if step.prompt is not None:
            prompts.append(Prompted(passes, step.prompt))
        passes += step.hold
    return prompts
