"""The world in play, and what can happen to it between two steps: moments, ways back, other worlds, other scenes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import structlog

from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from handlers.session.history import KeptPlace
from handlers.session.left_world import LeftWorld
from handlers.session.path import KeptMoment, MomentShelf
from handlers.session.world import open_world, steer
from handlers.session.world_memory import world_memory
from services.world_engine.prompt_words import takes_words
from services.world_engine.world_engine import NO_CONTROL, SceneNotTakenError, is_drawn
from services.world_files.world_file import ModelFacts
from state.app_state_types import Paused, Playing, SessionId, WorldInPlay

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from handlers.session.encoded_passes import PassSubscriber
    from handlers.session.history import WorldHistory
    from handlers.session.mailbox import InputMailbox, TakenControl
    from handlers.session.outbox import FramesAnswer
    from handlers.session.recording import SessionRecorder
    from handlers.session.stepped import PictureSize, WantedFrames
    from handlers.session.stream import BeginVideo, FrameStream
    from handlers.session.video import SessionVideo
    from handlers.session.world import ActiveWorld, LeasedWorld, Seed, WorldCapture
    from handlers.sessions_handler import SessionsHandler
    from runtime_config.runtime_config import SessionLimits
    from services.picture_decoder.picture_decoder import PictureDecoder
    from services.world_engine.world_engine import DrawnWorld, Frames, Picture, WorldEngine, WorldSnapshot

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class SceneChange:
    """What a world shall go on from, made for the world of `epoch`. `seed` begins another world in the picture."""

    prompt: str
    picture: Picture
    epoch: int
    seed: Seed | None = None


@dataclass(frozen=True, slots=True)
class MomentFacts:
    """How a kept moment came about: after so many `passes` from its seed. `input_log` was being written then."""

    model: str
    quant: str
    weights_hash: str
    seed: str | None
    seed_hash: str
    rng_seed: int
    input_log: str | None
    passes: int


class PlayedWorld:
    """Only the actor's task calls what is asynchronous here, because nothing else may touch an engine's world.

    Where the world does not simply go on, another epoch begins, and what was made for the old one is dropped.
    """

    def __init__(
        self,
        session_id: SessionId,
        leased: LeasedWorld,
        *,
        sessions: SessionsHandler,
        inputs: InputMailbox,
        stream: FrameStream,
        history: WorldHistory,
        recorder: SessionRecorder,
        decoder: PictureDecoder,
        limits: SessionLimits,
        engine_threads: Executor,
        work_threads: Executor,
        moments: MomentShelf | None = None,
    ) -> None:
        """`moments`: those that were kept of this world in an earlier session."""
        self._session_id = session_id
        self._leased = leased
        self._sessions = sessions
        self._inputs = inputs
        self._stream = stream
        self._recorder = recorder
        self._decoder = decoder
        self._engine_threads = engine_threads
        self._work_threads = work_threads
        self._limits = limits
        self._moments = self._no_moments() if moments is None else moments
        self._size: PictureSize | None = None
        self._left_at: WorldSnapshot | None = None  # where the world was when its engine was offloaded
        self.history = history
        leased.is_in_play = True

    @property
    def active(self) -> ActiveWorld:
        return self._leased.active

    @property
    def leased(self) -> LeasedWorld:
        """For the actor, which offloads its engine."""
        return self._leased

    def draw_in(self, size: PictureSize | None) -> None:
        """Draw what steps ask for in this size from now on; None: in the engine's own."""
        spec = self.active.spec
        self._size = None if size == (spec.width, spec.height) else size

    # ------------------------------------------------------------------------------------------- passes, and the end

    async def before_recording(self) -> None:
        await self.history.begin_log(self._snapshot)
        if self._recorder.wants_picture:
            await self.see()
            self._recorder.seen(await self._stream.newest_jpeg())

    async def before_pass(self) -> None:
        await self.history.before_pass(self._snapshot)

    async def step(self, taken: TakenControl) -> Frames:
        frames = await self._in_engine(lambda: self.active.world.step(taken.control))
        self.history.stepped(taken, frames[-1])
        return frames

    async def step_for(self, taken: TakenControl, wanted: WantedFrames) -> tuple[Frames | None, Frames]:
        """One pass: its frames in their own size, None where they were not drawn, and those that are wanted of it.

        A world that is drawn in another size is drawn in its own as well where somebody takes that, and its last frame
        where replays are compared by it. What is wanted is the same in each case.
        """
        world, size = self.active.world, self._size
        is_taken, is_checked = self._stream.is_taken, self.history.checks_next

        def step() -> tuple[Frames | None, Picture | None, Frames]:
            if size is None or not is_drawn(world):
                frames = world.step(taken.control)
                return frames, frames[-1], wanted.chosen(frames)
            world.advance(taken.control)
            chosen = wanted.chosen(world.draw(width=size[0], height=size[1], only_last=wanted.only_last))
            if is_taken:
                frames = self._draw_whole(world)
                return frames, frames[-1], chosen
            return None, self._draw_whole(world, only_last=True)[-1] if is_checked else None, chosen

        frames, last, chosen = await self._in_engine(step)
        self.history.stepped(taken, last)
        return frames, chosen

    async def look(self, wanted: WantedFrames) -> FramesAnswer:
        """What the player sees now. Raises: DomainError, it could not be encoded."""
        world, size = self.active.world, self._size
        if size is not None and is_drawn(world) and self.history.moment.passes:
            frames = await self._in_engine(
                lambda: wanted.chosen(world.draw(width=size[0], height=size[1], only_last=True))
            )
            return await self._stream.answer_view(wanted, frames)
        picture, _ = await self.view()
        return await self._stream.answer_view(wanted, await self._in_engine(lambda: wanted.chosen(picture[None])))

    async def show_first_view(self) -> None:
        await self._stream.show(self.active.first_view)

    async def show_seed(self) -> None:
        await self._stream.show(self.active.picture)

    async def see(self) -> None:
        """Draw what is seen now as it would have been drawn, if that was left out."""
        world = self.active.world
        if self._stream.is_unseen and is_drawn(world):
            frames = await self._in_engine(lambda: self._draw_whole(world, only_last=True))
            self.history.frame = frames[-1]
            self._stream.seen(frames[-1])

    async def use_video(self, begin: BeginVideo | None) -> SessionVideo | None:
        """Send H.264 or JPEGs from now on, to a player who may have lost what there is to see now."""
        await self.see()
        self._stream.owe_view()
        return self._stream.use_video(begin)

    def renew_video(self) -> SessionVideo | None:
        """Begin H.264 anew for a decoder that has lost a frame; None where none is in use. At any time."""
        return self._stream.renew_video()

    async def show_newcomer(self, newcomer: PassSubscriber) -> None:
        """Hand what the player sees now to somebody who has seen nothing yet."""
        await self.see()
        await self._stream.show_newcomer(newcomer)

    async def leave(self) -> LeftWorld | None:
        """What it takes to play on here in another session; `end` must follow. None: there is nothing to go on from.

        Where the engine has lost the world, that is the newest snapshot of it.
        """
        active, lost_s, view = self.active, 0.0, await self._seen_last()
        try:
            snapshot = await self._snapshot() if self._left_at is None else self._left_at
        except Exception as error:  # an engine may raise anything
            place = self.history.newest_kept
            logger.warning("The world that is left could not be kept as it is", exc_info=error)
            if place is None:
                return None
            snapshot, lost_s, view = place.snapshot, self.history.seconds_since(place.moment), None
            self.history.returned_to(place.moment, None, keep_rewind=True)
        moments, self._moments = self._moments, self._no_moments()
        return LeftWorld(
            key=active.key,
            model=ModelFacts.of(active.spec, active.key.quant),
            seed=active.seed,
            picture=active.picture,
            rng_seed=active.rng_seed,
            origin=active.origin,
            snapshot=snapshot,
            view=view,
            remembered=self.history.left(),
            moments=moments,
            lost_s=lost_s,
        )

    async def _seen_last(self) -> Picture | None:
        """None: it cannot be told, and the world has to show it again."""
        try:
            return await self._view()
        except Exception as error:  # neither an encoder nor a decoder may take the world with it
            logger.warning("The view of the world that is left could not be kept", exc_info=error)
            return None

    async def end(self) -> None:
        """Close the world, give its engine back, and drop everything that was kept of it."""
        self.history.ended()
        self._moments.clear()
        await self._close(self._leased)

    # ------------------------------------------------------------------------------ other worlds, and the beginning

    async def switch_to(self, leased: LeasedWorld, prompt: str | None = None) -> None:
        """Play another world from the next pass on. The old one is closed, and its engine given back.

        `prompt` is what its seed was made for, if it was made just now.
        """
        old, self._leased = self._leased, leased
        leased.is_in_play = True
        self._left_at = None
        try:
            await self._enter(leased.active, prompt)
        finally:
            await self._close(old)

    async def exchange(
        self, open_next: Callable[[WorldEngine], ActiveWorld], *, prompt: str | None = None, where: str = "this picture"
    ) -> None:
        """Play another world of the same engine under the same lease, where the engine has room for one world only.

        The world in play is closed first; if the next one cannot be opened, it is opened again where it was.

        Raises:
            DomainError: `open_next` failed.
        """
        left, scene, engine = self.active, self.history.scene, self._leased.lease.engine
        snapshot = await self._snapshot()
        await self._in_engine(left.world.close)
        try:
            opened = await self._in_engine(lambda: open_next(engine))
        except Exception as error:  # an engine may raise anything
            self._leased.active = await self._in_engine(lambda: left.restored(engine, snapshot, scene))
            self.history.restored(self.active)
            if isinstance(error, DomainError):
                raise
            logger.exception("The engine could not open a world", model=left.key.model_id, exc_info=error)
            raise DomainError(
                f"{left.spec.title} could not start a world in {where}.", ErrorCode.ENGINE_FAILED
            ) from error
        self._leased.active = opened
        await self._enter(opened, prompt)

    async def start_over(self, words: str | None = None) -> None:
        """Back to the world before its first pass. `words` steer it from there; None: those that steer it now."""
        said = self.history.words if words is None else words
        await self._bring_back(self.active.origin, self.active.picture)
        await self._in_engine(lambda: steer(self.active.world, said))
        self.history.started_over(self.active, words=said)
        self._recorder.cut()
        self._begin_epoch()
        await self._stream.show(self.active.picture)
        logger.info("World reset")

    async def reopen(self) -> None:
        """Open the world anew in its seed, in place of one that its engine broke.

        Raises:
            Exception: whatever the engine raises. The broken world is still there then.
        """
        broken, words = self.active, self.history.words
        await self._replace_broken(lambda engine: broken.reopened(engine, words))
        self.history.started_over(self.active, "engine_failed", words=words)
        self._recorder.cut()
        self._begin_epoch()

    async def reopen_at(self, place: KeptPlace) -> None:
        """Open the world anew where it was last kept, and show it.

        Raises:
            Exception: as above.
        """
        broken = self.active
        await self._replace_broken(lambda engine: broken.restored(engine, place.snapshot, place.moment.segment.scene))
        self.history.restored(self.active)
        await self._go_on_from(place)

    # --------------------------------------------------------------------------------------------- without the engine

    async def leave_engine(self) -> None:
        """Keep this moment and close the world, so that its engine can be offloaded; see `return_to_engine`."""
        await self.see()
        self._left_at = await self._snapshot()
        await self._close_world(self.active)

    async def return_to_engine(self) -> None:
        """Go on where the world was left, in its engine loaded again.

        Raises:
            Exception: whatever the engine raises. The world can be opened anew in its seed then.
        """
        snapshot, left, scene, engine = self._left_at, self.active, self.history.scene, self._leased.lease.engine
        self._left_at = None
        if snapshot is not None:
            self._leased.active = await self._in_engine(lambda: left.restored(engine, snapshot, scene))
            self.history.restored(self.active)

    # ------------------------------------------------------------------------------------------------------ moments

    async def take_moment(self) -> tuple[str, tuple[str, ...]]:
        """Keep this moment: its id, and the ids of all that are kept, oldest first."""
        await self.see()
        jpeg = await self._stream.newest_jpeg()
        frame = None if self.history.frame is None else self.history.frame.copy()  # not the whole pass
        kept = KeptMoment(await self._snapshot(), jpeg, self.history.moment, frame, self.history.input_log)
        return self._moments.keep(kept), self._moments.ids()

    async def restore_moment(self, moment_id: str) -> tuple[str, ...]:
        """Go back to a kept moment; the ids that are kept.

        Raises:
            DomainError: it is not, or no longer, kept.
        """
        kept = self._moments.find(moment_id)
        await self._bring_back(kept.snapshot, kept.moment.segment.scene)
        self.history.returned_to(kept.moment, kept.frame)
        self._inputs.clear()
        self._begin_epoch()
        self._stream.show_jpeg(kept.jpeg)
        return self._moments.ids()

    async def rewind(self, seconds: float) -> tuple[float, float]:
        """Go back in the world's own time: by how much it was, and how much further one could go.

        Raises:
            DomainError: there is nothing to go back to.
        """
        point, went_back_s = self.history.checkpoint(seconds)
        await self._bring_back(point.snapshot, point.moment.segment.scene)
        await self._go_on_from(KeptPlace(point.snapshot, point.moment))
        return went_back_s, self.history.rewind_left_s()

    def facts_of(self, moment_id: str) -> MomentFacts:
        """Raises: DomainError, the moment is not, or no longer, kept."""
        kept, active = self._moments.find(moment_id), self.active
        return MomentFacts(
            model=active.key.model_id,
            quant=active.key.quant,
            weights_hash=active.spec.weights_hash,
            seed=active.seed.name,
            seed_hash=active.seed.hash,
            rng_seed=active.rng_seed,
            input_log=kept.input_log,
            passes=kept.moment.passes,
        )

    async def capture(self, moment_id: str | None = None) -> WorldCapture:
        """What a world file of this moment needs, or of a kept one.

        Raises:
            DomainError: that moment is not, or no longer, kept.
        """
        if moment_id is not None:
            kept = self._moments.find(moment_id)
            return self.history.capture(kept.snapshot, kept.moment, kept.frame)
        await self.see()
        return self.history.capture(await self._snapshot(), self.history.moment, self.history.frame)

    # ------------------------------------------------------------------------------------------------------- scenes

    async def view(self) -> tuple[Picture, int]:
        """What the player sees now, and the epoch of the world that shows it."""
        return await self._view(), self._epoch()

    async def _view(self) -> Picture:
        await self._stream.drain()
        await self.see()
        frame = self._stream.still if self.history.frame is None else self.history.frame
        if frame is None:  # a kept moment without its frame was returned to: the JPEG of it is all there is
            frame = await self._decoded(await self._stream.newest_jpeg())
        return frame.copy()

    async def picture(self, moment_id: str | None = None) -> Picture:
        """What the player sees now, or saw at a kept moment.

        Raises:
            DomainError: that moment is not, or no longer, kept.
        """
        if moment_id is None:
            return (await self.view())[0]
        kept = self._moments.find(moment_id)
        return await self._decoded(kept.jpeg) if kept.frame is None else kept.frame

    async def _decoded(self, jpeg: bytes) -> Picture:
        spec, decode = self.active.spec, self._decoder.decode
        return await in_thread(self._work_threads, lambda: decode(jpeg, width=spec.width, height=spec.height))

    async def change_scene(self, change: SceneChange) -> None:
        """Let the world go on from a picture that was made for it, or begin another one there.

        Raises:
            DomainError: the picture was made for a world that is no longer the same, or the engine cannot take it now.
        """
        if change.epoch != self._epoch():
            message = "The world moved on before the scene was ready, so it was dropped."
            raise DomainError(message, ErrorCode.AUTHORING_OUTDATED)
        if change.seed is None:
            await self._continue_from(change.picture, change.prompt)
            return
        key, seed, picture, rng_seed = self.active.key, change.seed, change.picture, secrets.randbits(32)
        await self.exchange(
            lambda engine: open_world(key, engine, seed, picture, rng_seed), prompt=change.prompt, where="this scene"
        )

    async def set_prompt(self, words: str) -> None:
        """Have `words` steer the world from its next pass on; empty: none.

        Raises:
            DomainError: the engine hears no words.
        """
        world = self.active.world
        if not takes_words(world):
            raise DomainError(f"{self.active.spec.title} does not hear words.", ErrorCode.PROMPT_NOT_HEARD)
        if words != self.history.words:
            await self._in_engine(lambda: world.set_prompt(words))
            self.history.reworded(words, await self._snapshot())

    async def _continue_from(self, picture: Picture, prompt: str) -> None:
        try:
            await self._in_engine(lambda: self.active.world.continue_from(picture))
        except SceneNotTakenError as error:  # play goes on in the scene that was
            raise DomainError(str(error), ErrorCode.ENGINE_FAILED) from error
        self.history.continued_from(picture, await self._snapshot(), prompt)
        self._begin_epoch()
        await self._stream.show(picture)

    # -------------------------------------------------------------------------------------------------------- parts

    async def _enter(self, active: ActiveWorld, prompt: str | None) -> None:
        """Begin to play a world that has just been opened."""
        self._moments.clear()
        self._moments.bound(world_memory(self._limits, active.spec).moments)
        self.history.switched(active, prompt)
        self._inputs.clear()
        self._stream.use_spec(active.spec)
        self._recorder.cut()
        self._begin_epoch()
        await self._stream.show(active.first_view)

    def _epoch(self) -> int:
        match self._sessions.state_of(self._session_id):
            case Playing(world) | Paused(world):
                return world.epoch
            case _:
                raise DomainError("The session is over.", ErrorCode.CANCELLED)

    def _begin_epoch(self) -> None:
        active = self.active

        def change(world: WorldInPlay) -> WorldInPlay:
            return replace(
                world, key=active.key, seed_hash=active.seed.hash, rng_seed=active.rng_seed, epoch=world.epoch + 1
            )

        world = self._sessions.change_world(self._session_id, change)
        if world is not None:
            self._stream.begin_epoch(world.epoch)

    def _no_moments(self) -> MomentShelf:
        return MomentShelf(self._limits.kept_moments, world_memory(self._limits, self.active.spec).moments)

    async def _snapshot(self) -> WorldSnapshot:
        return await self._in_engine(self.active.world.snapshot)

    async def _replace_broken(self, open_again: Callable[[WorldEngine], ActiveWorld]) -> None:
        broken, engine = self.active, self._leased.lease.engine
        if engine.spec.max_worlds is None:
            self._leased.active = await self._in_engine(lambda: open_again(engine))
            await self._close_world(broken)
        else:  # there may be no room for both
            await self._close_world(broken)
            self._leased.active = await self._in_engine(lambda: open_again(engine))

    async def _go_on_from(self, place: KeptPlace) -> None:
        """The world stands there already: note it, and show what is seen there.

        No frame is kept with a checkpoint. The one after it looks nearly the same, so the world makes that one, which
        is then taken back.
        """
        frames = await self._in_engine(lambda: self.active.world.step(NO_CONTROL))
        await self._in_engine(lambda: self.active.world.restore(place.snapshot))
        self.history.returned_to(place.moment, None, keep_rewind=True)
        self._inputs.clear()
        self._begin_epoch()
        await self._stream.show(frames[0])

    async def _bring_back(self, snapshot: WorldSnapshot, scene: Picture) -> None:
        """A snapshot holds no picture: the world must first have gone on from the same one again."""
        world, same_scene = self.active.world, scene is self.history.scene

        def restore() -> None:
            if not same_scene:
                world.continue_from(scene)
            world.restore(snapshot)

        await self._in_engine(restore)

    def _draw_whole(self, world: DrawnWorld, *, only_last: bool = False) -> Frames:
        spec = self.active.spec
        return world.draw(width=spec.width, height=spec.height, only_last=only_last)

    async def _close(self, leased: LeasedWorld) -> None:
        try:
            await leased.aclose()
        except Exception as error:  # a world that cannot be closed must not take the session with it
            logger.exception("A world could not be closed", exc_info=error)

    async def _close_world(self, active: ActiveWorld) -> None:
        try:
            await self._in_engine(active.world.close)
        except Exception as error:  # as above
            logger.exception("A world could not be closed", exc_info=error)

    async def _in_engine(self, work: Callable[[], Result]) -> Result:
        return await in_thread(self._engine_threads, work)
