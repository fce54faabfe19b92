"""Worlds in a batch: each has its history, its autoencoder's memory and its source of noise, in one row.

A world makes the same latents alone and in company, up to the rounding of matrix products whose kernels depend on the
number of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import torch

from engines.transfer import copy_all
from engines.waypoint.cache import HistoryCache
from engines.waypoint.decoding import Decoding
from engines.waypoint.errors import DivergedError, InputError, NoRoomError, WorldClosedError
from engines.waypoint.graphs import GraphRunner
from engines.waypoint.inputs import IDLE, checked_noise, checked_prompt, control_vectors, pictures_tensor
from engines.waypoint.sampler import Sampler
from engines.waypoint.snapshot import WorldState, to_host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from engines.waypoint.inputs import Control, Frames
    from engines.waypoint.model import WaypointModel
    from engines.waypoint.network import PromptKV
    from engines.waypoint.sampler import Step


Value = TypeVar("Value")


class World:
    """One player's world. `WorldBatch.open` makes it."""

    def __init__(self, batch: WorldBatch, row: int, rng_seed: int) -> None:
        self.batch = batch
        self.row = row
        self.frame = 0  # the number of the latent that comes next
        self.version = 0  # of its history; another one after each change
        self.is_settled = False  # whether the decoder's memory fits the world
        self.is_open = True
        self.random = torch.Generator().manual_seed(rng_seed).get_state()  # of the noise, drawn on the CPU
        self.prompt: Tensor | None = None
        self.latent: Tensor | None = None  # [C, rows, columns], the newest

    def append(self, pictures: Frames, control: Control = IDLE) -> Frames:
        """Go on with these pictures: the world's seed, or an edited scene.

        Takes `frames_per_latent` pictures, or one that stands for as many: uint8, [n, height, width, 3] of any height
        and width. Returns them as the autoencoder shows them.
        """
        return self.batch.append([self], [pictures], [control])[0]

    def generate(self, control: Control = IDLE, noise: Tensor | None = None) -> Frames:
        """The next `frames_per_latent` frames: uint8, [n, height, width, 3].

        noise: [C, rows, columns], standard normal; None: the world draws it.
        """
        return self.batch.generate([self], [control], None if noise is None else [noise])[0]

    def set_prompt(self, embedding: Tensor) -> None:
        """What is heard from now on: [n, prompt_embedding_dim]. Padding that the text encoder adds belongs to it."""
        self.batch.set_prompt(self, embedding)

    def reset(self) -> None:
        """Forget everything but the prompt."""
        self.batch.reset(self)

    def snapshot(self) -> WorldState:
        """All that the world goes on from, in host memory."""
        return self.batch.snapshot(self)

    def state(self) -> WorldState:
        """As `snapshot`, but on the device, and good until the next step alone."""
        return self.batch.state(self)

    def restore(self, state: WorldState) -> None:
        """Go on from a snapshot of any world of this model.

        Raises:
            InputError: it does not fit the model.
        """
        self.batch.restore(self, state)

    def close(self) -> None:
        """Leave the row to another world. Idempotent."""
        self.batch.close(self)


@dataclass(frozen=True, slots=True)
class Turn:
    """Latents that are made, and not yet part of the history. `worlds` are in the order of their rows."""

    worlds: tuple[World, ...]
    versions: tuple[int, ...]  # of the histories that the latents were made from
    step: Step
    latents: Tensor  # [B, C, rows, columns]
    randoms: tuple[Tensor, ...]  # where each world's noise goes on
    places: tuple[int, ...]  # where in the caller's order each world stands

    def in_order(self, values: Sequence[Value]) -> list[Value]:
        """`values`, one for each of `worlds`, in the caller's order."""
        return [value for _, value in sorted(zip(self.places, values, strict=True), key=lambda pair: pair[0])]


def world_bytes(model: WaypointModel) -> int:
    """Memory of one world. A snapshot of one whose rings are full is about as large."""
    history = HistoryCache(model.config, 1, model.dtype, torch.device("meta"))
    memories = (*model.autoencoder.encoder_memory(1), *model.autoencoder.decoder_memory(1))
    return history.nbytes + sum(memory.nbytes for memory in memories)


class WorldBatch:
    """Room for `rows` worlds that can step together. One thread at a time may use a batch.

    Every method that takes several worlds takes each once, and answers in their order.
    """

    def __init__(self, model: WaypointModel, rows: int = 1) -> None:
        self._model = model
        self._cache = HistoryCache(model.config, rows, model.dtype, model.device)
        self._graphs = GraphRunner(enabled=model.cuda_graphs)
        self._sampler = Sampler(
            model.network,
            model.positions,
            self._cache,
            self._graphs,
            updates_in_float=not model.config.is_waypoint_1,
            prefers_cudnn=model.cudnn_attention,
        )
        self._encoder_memory = model.autoencoder.encoder_memory(rows)
        self._decoding = Decoding(model.autoencoder, rows, model.device)
        self._prompts: list[list[PromptKV | None] | None] = [None] * rows
        self._free = list(range(rows))[::-1]

    @property
    def nbytes(self) -> int:
        """Memory of all rows."""
        memories = (*self._encoder_memory, *self._decoding.memory)
        return self._cache.nbytes + sum(memory.nbytes for memory in memories)

    def open(self, rng_seed: int = 0) -> World:
        """Raises:
        NoRoomError: every row is taken.
        """
        if not self._free:
            raise NoRoomError("Every row of this batch is taken; close a world, or make a batch with more rows.")
        world = World(self, self._free.pop(), rng_seed)
        self._prompts[world.row] = None
        self.reset(world)
        return world

    # Several worlds at once

    def append(
        self, worlds: Sequence[World], pictures: Sequence[Frames], controls: Sequence[Control] | None = None
    ) -> list[Frames]:
        """See `World.append`."""
        count = self._model.autoencoder.frames_per_latent
        given = [pictures_tensor(each, count).to(self._model.device, self._model.dtype) for each in pictures]
        order, step = self._begin(worlds, [IDLE] * len(worlds) if controls is None else controls)
        latents = torch.cat([self._encode(worlds[place], given[place]) for place in order])
        turn = self._turn(worlds, order, step, latents, [world.random for world in worlds])
        frames = self.decode(turn)
        self.remember(turn)
        return frames

    def generate(
        self, worlds: Sequence[World], controls: Sequence[Control], noises: Sequence[Tensor] | None = None
    ) -> list[Frames]:
        """See `World.generate`. On a CUDA device the frames are here while the last pass still runs.

        Raises:
            DivergedError: by any of the worlds; all of them have gone on.
        """
        return _shown(self.generate_each(worlds, controls, noises))

    def generate_each(
        self, worlds: Sequence[World], controls: Sequence[Control], noises: Sequence[Tensor] | None = None
    ) -> list[Frames | DivergedError]:
        """As `generate`, with the error of a world in the place of its frames: the others can show theirs."""
        turn = self.denoise(worlds, controls, noises)
        decoded = self._decoding.start([world.row for world in turn.worlds], self._unsettled(turn), turn.latents)
        self.remember(turn)
        return turn.in_order(decoded.wait())

    def denoise(
        self, worlds: Sequence[World], controls: Sequence[Control], noises: Sequence[Tensor] | None = None
    ) -> Turn:
        """The first third of `generate`, for those who show the frames before they go on: then `decode`, `remember`."""
        order, step = self._begin(worlds, controls)
        if noises is None:
            drawn, randoms = zip(*map(self._draw, worlds), strict=True)
        else:
            drawn, randoms = noises, [world.random for world in worlds]
        chosen = [checked_noise(drawn[place], self._model.config) for place in order]
        noise = torch.stack([one.to(self._model.device, self._model.dtype) for one in chosen])
        return self._turn(worlds, order, step, self._sampler.denoise(noise, step), randoms)

    def decode(self, turn: Turn) -> list[Frames]:
        rows = [world.row for world in turn.worlds]
        return _shown(turn.in_order(self._decoding.start(rows, self._unsettled(turn), turn.latents).wait()))

    def remember(self, turn: Turn) -> None:
        """Make the latents of a turn part of their worlds' history.

        Raises:
            InputError: one of the worlds has gone on without it.
        """
        self._check(turn.worlds)
        if tuple(world.version for world in turn.worlds) != turn.versions:
            raise InputError("A world has gone on since this latent was made.")
        self._sampler.remember(turn.latents, turn.step)
        for world, latent, random in zip(turn.worlds, turn.latents, turn.randoms, strict=True):
            world.frame += 1
            world.version += 1
            world.latent, world.random = latent, random

    # One world

    def set_prompt(self, world: World, embedding: Tensor) -> None:
        self._check([world])
        world.prompt = checked_prompt(embedding, self._model.config).cpu().clone()
        heard = self._model.network.prompt(world.prompt.to(self._model.device, self._model.dtype))
        before = self._prompts[world.row]
        if before is None or [_shape(one) for one in before] != [_shape(one) for one in heard]:
            self._prompts[world.row] = heard
            self._graphs.clear()
            return
        for place, one in zip(before, heard, strict=True):
            if place is not None and one is not None:
                place.keys.copy_(one.keys)
                place.values.copy_(one.values)

    def reset(self, world: World) -> None:
        self._check([world])
        world.frame, world.latent, world.is_settled = 0, None, False
        world.version += 1
        for memory in (*self._encoder_memory, *self._decoding.memory):
            memory[world.row].zero_()

    def snapshot(self, world: World) -> WorldState:
        return to_host(self.state(world))

    def state(self, world: World) -> WorldState:
        """As `snapshot`, but as views of what the world has now: good until its next step."""
        self._check([world])
        history = self._cache.snapshot(world.row, world.frame)
        memories = [memory[world.row] for memory in (*self._encoder_memory, *self._decoding.memory)]
        return WorldState(
            frame=world.frame,
            is_settled=world.is_settled,
            random=world.random,
            prompt=world.prompt,
            tensors=(*history, *memories, *([] if world.latent is None else [world.latent])),
        )

    def restore(self, world: World, state: WorldState) -> None:
        self._check([world])
        memories = [memory[world.row] for memory in (*self._encoder_memory, *self._decoding.memory)]
        places = [*self._cache.snapshot(world.row, state.frame), *memories]
        if state.frame > 0:
            places.append(
                torch.empty(self._model.config.latent_shape, dtype=self._model.dtype, device=self._model.device)
            )
        state.check(places)
        if state.prompt is None:
            world.prompt, self._prompts[world.row] = None, None
        else:
            self.set_prompt(world, state.prompt)
        copy_all(list(zip(state.tensors, places, strict=True)))
        world.frame, world.is_settled = state.frame, state.is_settled
        world.version += 1
        world.latent = places[-1] if state.frame > 0 else None
        world.random = state.random

    def close(self, world: World) -> None:
        if world.is_open:
            world.is_open = False
            self._free.append(world.row)

    # Helpers

    def _check(self, worlds: Sequence[World]) -> None:
        if not all(world.is_open for world in worlds):
            raise WorldClosedError("This world is closed.")
        if not all(world.batch is self for world in worlds):
            raise InputError("This world belongs to another batch.")

    def _begin(self, worlds: Sequence[World], controls: Sequence[Control]) -> tuple[list[int], Step]:
        """The places of worlds in the order of their rows, and their step."""
        self._check(worlds)
        order = sorted(range(len(worlds)), key=lambda place: worlds[place].row)
        rows = [worlds[place].row for place in order]
        if not rows or len({*rows}) != len(rows):
            raise InputError("A step takes at least one world, and none of them twice.")
        vectors = control_vectors([controls[place] for place in order], self._model.config)
        frames = [worlds[place].frame for place in order]
        vectors = vectors.to(self._model.device, self._model.dtype)
        return order, self._sampler.begin(rows, frames, vectors, self._heard(rows))

    def _heard(self, rows: Sequence[int]) -> list[list[PromptKV]]:
        """By layer, then by world."""
        config, heard = self._model.config, list[list["PromptKV"]]()
        for layer in range(config.n_layers):
            prompts = [self._prompts[row] for row in rows] if config.prompt_width(layer) else []
            if None in prompts:
                raise InputError("This model asks for a text: set a prompt embedding before the first picture.")
            heard.append([one for prompt in prompts if prompt and (one := prompt[layer])])
        return heard

    def _turn(
        self, worlds: Sequence[World], order: Sequence[int], step: Step, latents: Tensor, randoms: Sequence[Tensor]
    ) -> Turn:
        stepping = tuple(worlds[place] for place in order)
        return Turn(
            worlds=stepping,
            versions=tuple(world.version for world in stepping),
            step=step,
            latents=latents,
            randoms=tuple(randoms[place] for place in order),
            places=tuple(order),
        )

    def _draw(self, world: World) -> tuple[Tensor, Tensor]:
        """Noise, and where the next goes on. The world itself goes on when it remembers what was made of this one."""
        random = torch.Generator()
        random.set_state(world.random)
        return torch.randn(self._model.config.latent_shape, generator=random), random.get_state()

    def _encode(self, world: World, pictures: Tensor) -> Tensor:
        """[n, 3, h, w] -> [1, C, rows, columns]. One at a time: worlds may give pictures of different sizes."""
        row = slice(world.row, world.row + 1)
        past = [memory[row] for memory in self._encoder_memory]
        latent, now = self._model.autoencoder.encode(pictures[None], past)
        for memory, new in zip(self._encoder_memory, now, strict=True):
            memory[row] = new
        return latent

    def _unsettled(self, turn: Turn) -> list[int]:
        """The rows of worlds that show their first latent. They count as settled from now on."""
        fresh = [world for world in turn.worlds if not world.is_settled]
        for world in fresh:
            world.is_settled = True
        return [world.row for world in fresh]


def _shape(prompt: PromptKV | None) -> tuple[int, ...]:
    return () if prompt is None else tuple(prompt.keys.shape)


def _shown(decoded: Sequence[Frames | DivergedError]) -> list[Frames]:
    """Raises:
    DivergedError: one of them is that.
    """
    frames: list[Frames] = []
    for one in decoded:
        if isinstance(one, DivergedError):
            raise one
        frames.append(one)
    return frames
