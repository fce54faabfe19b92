"""The Waypoint models as engines of the server."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch

from engines.waypoint import Control, DivergedError, InputError, WorldState, world_bytes
from services.world_engine.own_tensors import OwnTensors
from services.world_engine.own_things import check_own_snapshot, grey_picture, own_world, step_alone
from services.world_engine.player_keys import tame
from services.world_engine.waypoint.prompts import Silence
from services.world_engine.waypoint.published import DEFAULT_PROMPT
from services.world_engine.waypoint.rows import Rows
from services.world_engine.world_engine import (
    NO_CONTROL,
    BadFramesError,
    ControlPayload,
    EngineFaultError,
    EngineOutOfMemoryError,
    Frames,
    Picture,
    SnapshotMismatchError,
    WorldClosedError,
    WorldSnapshot,
    WorldSpec,
)
from wire_protocol import KEY_CODES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engines.waypoint import WaypointModel
    from services.world_engine.waypoint.prompts import Prompts
    from services.world_engine.waypoint.rows import Ticket
    from services.world_engine.world_engine import World

# One latent of an edited scene among fifteen of the old one is soon dreamt away. The original client appends 32
# pictures, which are eight latents of four.
EDIT_LATENTS: Final = 8
_SCROLL: Final = ((KEY_CODES["SCROLL_UP"], 1.0), (KEY_CODES["SCROLL_DOWN"], -1.0))
_WARM_UP_PASSES: Final = 3
_SEEDS: Final = 2**64
_STATE_BESIDE: Final = 16 << 20  # a latent, the words that are heard, and what the bytes say of themselves; with room
_OUT_OF_MEMORY: Final = "The graphics card ran out of memory in this step. Close another world or model, and go on."


class WaypointEngine:
    """One model with its worlds. Threads take turns: a batch has one user at a time."""

    def __init__(
        self,
        model: WaypointModel,
        *,
        model_id: str,
        title: str,
        weights_hash: str,
        exact: bool,
        prompts: Prompts | None = None,
    ) -> None:
        """`exact`: worlds step one after the other, and so make the same frames whoever is there beside them."""
        height, width = model.frame_shape
        self.model = model
        self._exact = exact
        self.prompts = prompts
        self.rows = Rows(model)
        self._tensors = OwnTensors(title, model.device, model.tensors)
        self.turn = threading.RLock()
        self._spec = WorldSpec(
            model_id=model_id,
            title=title,
            height=height,
            width=width,
            frames_per_pass=model.frames_per_latent,
            fps=round(model.config.inference_fps),
            weights_hash=weights_hash,
            snapshot_bytes=world_bytes(model) + _STATE_BESIDE,
            can_park=True,
        )

    @property
    def spec(self) -> WorldSpec:
        return self._spec

    def open_world(self, seed: Picture, *, rng_seed: int) -> WaypointWorld:
        """Raises:
        EngineOutOfMemoryError: there is no memory for another world.
        """
        with self.turn:
            ticket = self.rows.open(rng_seed % _SEEDS)
            world = self._world(ticket)
            try:
                if isinstance(world, PromptedWaypointWorld):
                    world.set_prompt("")
                world.append(seed)
            except BaseException:  # whatever it is, the row is free again
                world.close()
                raise
            return world

    def read_prompt(self, words: str) -> None:
        """The encoder takes seconds, on the processor. What it makes of the newest words is remembered."""
        if self.prompts is not None:
            self.prompts.embedding(spoken(words))

    def step_together(self, turns: Sequence[tuple[World, ControlPayload]]) -> list[Frames | EngineFaultError]:
        with self.turn:
            worlds = [own_world(world, WaypointWorld).ticket for world, _ in turns]
            controls = [control_of(payload, self.model.config.n_buttons) for _, payload in turns]
            if self._exact:
                steps = zip(worlds, controls, strict=True)
                return [told for ticket, control in steps for told in self._step([ticket], [control])]
            return self._step(worlds, controls)

    def park(self) -> None:
        with self.turn:
            self.rows.clear()
            self._tensors.leave()

    def resume(self) -> None:
        with self.turn:
            self._tensors.come_back()

    def close(self) -> None:
        with self.turn:
            self.rows.clear()
            if self.model.device.type == "cuda":
                torch.cuda.empty_cache()

    def _world(self, ticket: Ticket) -> WaypointWorld:
        match self.prompts:
            case None:
                return WaypointWorld(self, ticket)
            case Silence() as silence:
                self.rows.world(ticket).set_prompt(silence.embedding(""))
                return WaypointWorld(self, ticket)
            case prompts:
                return PromptedWaypointWorld(self, ticket, prompts)

    def _step(self, tickets: Sequence[Ticket], controls: Sequence[Control]) -> list[Frames | EngineFaultError]:
        try:
            worlds = [self.rows.world(ticket) for ticket in tickets]
            told = worlds[0].batch.generate_each(worlds, controls) if worlds else []
        except EngineOutOfMemoryError as error:  # all were lost together
            return [error for _ in tickets]
        except torch.OutOfMemoryError:
            return [EngineOutOfMemoryError(_OUT_OF_MEMORY) for _ in tickets]
        return [BadFramesError(str(one)) if isinstance(one, DivergedError) else one for one in told]


@dataclass(frozen=True, slots=True)
class WaypointState:
    """A `StateCopy`."""

    state: WorldState
    is_detached: bool

    @property
    def size(self) -> int:
        return self.state.size

    def write(self, place: memoryview) -> None:
        self.state.write(place)


class WaypointWorld:
    """One player's world."""

    def __init__(self, engine: WaypointEngine, ticket: Ticket) -> None:
        self._engine = engine
        self._ticket: Ticket | None = ticket

    @property
    def ticket(self) -> Ticket:
        """Raises: WorldClosedError."""
        if self._ticket is None:
            raise WorldClosedError("This world is closed.")
        return self._ticket

    def step(self, control: ControlPayload) -> Frames:
        """Raises:
        EngineFaultError: the model left the range of its numbers, or the device has no memory for the step.
        """
        return step_alone(self._engine, self, control)

    def continue_from(self, picture: Picture) -> None:
        """Go on from an edited scene. What was seen before fades from memory as it does in play."""
        for _ in range(EDIT_LATENTS):
            self.append(picture)

    def append(self, picture: Picture) -> None:
        """Make a picture part of the history, for as long as one latent lasts."""
        with self._engine.turn:
            try:
                self._engine.rows.world(self.ticket).append(picture)
            except DivergedError as error:
                raise BadFramesError(str(error)) from error
            except torch.OutOfMemoryError as error:
                raise EngineOutOfMemoryError(_OUT_OF_MEMORY) from error

    def snapshot(self) -> WorldSnapshot:
        """Everything that the next pass depends on; it can be restored in any world of this engine."""
        spec = self._engine.spec
        with self._engine.turn:
            state = self._engine.rows.world(self.ticket).state()
            memory = bytearray(state.size)
            state.write(memoryview(memory))
        return WorldSnapshot(spec.model_id, spec.weights_hash, memoryview(memory).toreadonly())

    def copy_state(self) -> WaypointState:
        """A card makes a copy for itself, if it has the memory, and the world goes on while that crosses the bus."""
        with self._engine.turn:
            state = self._engine.rows.world(self.ticket).state()
            if self._engine.model.device.type == "cuda":
                with suppress(torch.OutOfMemoryError):
                    return WaypointState(state.detached(), is_detached=True)
        return WaypointState(state, is_detached=False)

    def restore(self, snapshot: WorldSnapshot) -> None:
        spec, ticket = self._engine.spec, self.ticket
        check_own_snapshot(snapshot, spec)
        try:
            state = WorldState.from_bytes(snapshot.state)
            with self._engine.turn:
                self._engine.rows.world(ticket).restore(state)
        except InputError as error:
            raise SnapshotMismatchError(str(error)) from error

    def close(self) -> None:
        with self._engine.turn:
            if self._ticket is not None:
                self._engine.rows.close(self._ticket)
                self._ticket = None


class PromptedWaypointWorld(WaypointWorld):
    """The world of a model that hears words."""

    def __init__(self, engine: WaypointEngine, ticket: Ticket, prompts: Prompts) -> None:
        super().__init__(engine, ticket)
        self._prompts = prompts

    def set_prompt(self, words: str) -> None:
        embedding = self._prompts.embedding(spoken(words))
        with self._engine.turn:
            self._engine.rows.world(self.ticket).set_prompt(embedding)


def spoken(words: str) -> str:
    """What a model hears where these words are said."""
    return words.strip() or DEFAULT_PROMPT


def control_of(payload: ControlPayload, buttons: int) -> Control:
    """Keys that the model does not have are left out; a notch of the wheel is a number, and no key."""
    return Control(
        buttons=frozenset(code for code in payload.buttons if 0 <= code < buttons),
        mouse_dx=tame(payload.mouse_dx),
        mouse_dy=tame(payload.mouse_dy),
        scroll=sum(notch for code, notch in _SCROLL if code in payload.buttons),
    )


def warm_up(engine: WaypointEngine) -> None:
    """Play a grey world: libraries are loaded by it, kernels compiled, and a model that does not fit shows itself."""
    world = engine.open_world(grey_picture(engine.spec), rng_seed=0)
    for _ in range(_WARM_UP_PASSES):
        world.step(NO_CONTROL)
    world.close()
