"""A world on a Terrarium server, as an object: `async with connect(url) as world`."""

from __future__ import annotations

import asyncio
import base64
import secrets
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias, TypeVar

from pydantic import BaseModel

from terrarium_client import protocol
from terrarium_client.errors import ConnectionLostError, RefusedError, SessionEndedError
from terrarium_client.link import Link
from terrarium_client.transport import open_socket, session_address
from terrarium_client.way_back import WayBack

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

    from terrarium_client.passes import Pass, Picture
    from terrarium_client.transport import OpenTransport
    from terrarium_client.way_back import StepPath

Mode: TypeAlias = Literal["stepped", "live"]
Answer = TypeVar("Answer", bound=BaseModel)
Result = TypeVar("Result")

_FIRST_PAUSE_S: Final = 0.25  # before the second try to connect; then twice as long each time
# What a session ends with that another server may let in, or the same one soon.
_PASSING: Final = frozenset({protocol.ErrorCode.SHUTTING_DOWN, protocol.ErrorCode.SERVER_BUSY})
_DEFAULTS: Final = protocol.SessionConfig(
    scene_authoring=False,
    action_logging=False,
    video_recording=False,
    video_output_dir="",  # the server's own folder
    cap_inference_fps=True,
)


@dataclass(frozen=True, slots=True)
class FrameFormat:
    """How the frames of steps come. `size` is width and height; None: as the model makes them."""

    codec: Literal["rgb", "jpeg"] = "rgb"
    size: tuple[int, int] | None = None

    def fields(self) -> dict[str, Any]:
        return {"codec": self.codec, **self.sides()}

    def sides(self) -> dict[str, Any]:
        return {} if self.size is None else {"width": self.size[0], "height": self.size[1]}


def connect(
    url: str,
    *,
    token: str | None = None,
    mode: Mode = "stepped",
    codec: Literal["rgb", "jpeg"] = "rgb",
    size: tuple[int, int] | None = None,
    tries: int = 5,
) -> World:
    """A world on the server at `url`, to be used as `async with connect(url) as world`.

    `stepped`: the world makes a pass for each `step`, and none by itself. `live`: it goes on by itself, as in the
    browser; steer it with `control` and see it with `frames`. `codec` and `size` are those of `step` and `look`: pixels
    cost least on one machine, JPEGs across a network. Where a connection breaks or its server stops, another one is
    made, at the `tries`-th try at last, and a stepped world brought back to where it was: as the server has kept it, or
    by the same steps.

    Raises:
        ValueError: `url` is no address of a server.
    """
    address = session_address(url, is_stepped=mode == "stepped")
    return World(lambda: open_socket(address, token), form=FrameFormat(codec, size), mode=mode, tries=tries)


class World:
    """One session, and the world that is in it. Every method but `frames` is one request.

    Methods raise:
        RefusedError: the server refused the request, and says why; the session goes on.
        SessionEndedError: the server has ended the session, and says why.
        ConnectionLostError: the connection broke, and could not be made again.
    """

    def __init__(
        self, open_transport: OpenTransport, *, form: FrameFormat | None = None, mode: Mode = "stepped", tries: int = 1
    ) -> None:
        self._open_transport = open_transport
        self._form = form or FrameFormat()
        self._mode: Mode = mode
        self._tries = max(1, tries)
        self._open: Link | None = None
        self._way = WayBack()
        self.moments = Moments(self._ask, self._way.path)

    async def __aenter__(self) -> World:
        await self._connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._open is not None:
            await self._open.close()

    @property
    def is_open(self) -> bool:
        """Whether there is a session at the server."""
        return self._open is not None and self._open.is_open

    # ---------------------------------------------------------------------------------------------- worlds

    async def init(
        self,
        picture: bytes | str | Path | None = None,
        *,
        model: str | None = None,
        seed: str | None = None,
        world: str | None = None,
        rng_seed: int | None = None,
        quant: str | None = None,
    ) -> protocol.ExtendedInitResponseData:
        """Begin a world: in a picture (the bytes of a file, or its path), a `seed` of the server's gallery (SHA-256 of
        its file), or a saved `world` (its id). The same picture, `rng_seed` and steps always give the same frames.

        A stepped world is drawn in the `size` of `connect` where its engine can do that, and is scaled to it elsewhere.
        """
        data = await asyncio.to_thread(Path(picture).read_bytes) if isinstance(picture, str | Path) else picture
        config = _DEFAULTS.model_dump() | ({} if quant is None else {"quant": quant})
        fields = {
            "config": config,
            "model": model,
            "seed_image_data": None if data is None else base64.b64encode(data).decode(),
            "seed_hash": seed,
            "world_id": world,
            "rng_seed": secrets.randbits(32) if rng_seed is None else rng_seed,
        }
        sides = self._form.sides() if self._mode == "stepped" else {}
        try:
            answer = await self._begin(fields | sides)
            fields |= sides
        except RefusedError as error:
            if not sides or error.code != protocol.ErrorCode.SIZE_NOT_DRAWN:
                raise
            answer = await self._begin(fields)
        is_same = fields == self._way.start and world is None  # the server leaves such a world as it is
        self._way.began(fields, answer)
        if is_same:
            await self.reset()
        self.moments.forget()
        return answer

    async def reset(self) -> None:
        """Back to before the first pass."""
        self._way.asked()
        await self._link.tell(protocol.ResetNotification())
        self._way.path.begin()

    # --------------------------------------------------------------------------------------------- playing

    async def step(
        self, *keys: str, mouse: tuple[float, float] = (0.0, 0.0), frames: Literal["all", "last"] = "last"
    ) -> Pass:
        """One pass with these keys down (`protocol.KEYS`) and the mouse moved by so many pixels, right and down."""
        if unknown := {key.upper() for key in keys} - protocol.KEYS:
            raise RefusedError(f"There is no key {', '.join(sorted(unknown))}.", "invalidRequest")
        fields = {"buttons": keys, "mouse_dx": mouse[0], "mouse_dy": mouse[1]}
        wanted = {**fields, "frames": frames, **self._form.fields()}
        try:
            made = await self._again(lambda link: link.ask_for_pass(protocol.StepRequest, wanted), step=frames)
        except (ConnectionLostError, SessionEndedError):
            raise
        except RefusedError as error:
            if error.code == protocol.ErrorCode.INTERNAL:  # it may have been made, and only its frames are missing
                self._way.lose_count()
            raise
        except BaseException:  # whoever waited no longer does, a cancellation too
            self._way.lose_count()
            raise
        self._way.stepped(fields)
        return made

    async def look(self) -> Picture:
        """What is seen now: uint8 [height, width, 3], RGB."""
        return (await self._again(self._seen)).picture

    async def control(self, *keys: str, mouse: tuple[float, float] = (0.0, 0.0)) -> None:
        """Steer a live world. It goes on for 250 ms after the newest control."""
        message = protocol.ControlNotification(buttons=keys, mouse_dx=mouse[0], mouse_dy=mouse[1])
        await self._link.tell(message)

    async def frames(self) -> AsyncIterator[Pass]:
        """The passes of a live world as they come. Who is slow misses some."""
        while True:
            shown = await self._link.next_pass()
            await self._link.tell(
                protocol.FrameAckNotification(frame_id=shown.header.frame_id, epoch=shown.header.epoch)
            )
            yield shown

    async def pause(self) -> None:
        await self._link.tell(protocol.PauseNotification())

    async def resume(self) -> None:
        await self._link.tell(protocol.ResumeNotification())

    async def rewind(self, seconds: float) -> protocol.RewindResponseData:
        """Go back by so many seconds of the world's own time."""
        answer = await self._ask(protocol.RewindRequest, protocol.RewindResponseData, seconds=seconds)
        self._way.path.lose()
        return answer

    async def set_prompt(self, words: str) -> protocol.PromptResponseData:
        """Have words steer the world from its next pass on, where its model hears words; "" for none."""
        answer = await self._ask(protocol.SetPromptRequest, protocol.PromptResponseData, prompt=words)
        self._way.path.lose()
        return answer

    async def edit(self, words: str) -> protocol.SceneEditResponseData:
        """Change the scene by words, where the server has models for that."""
        answer = await self._ask(protocol.TimedSceneEditRequest, protocol.SceneEditResponseData, prompt=words)
        self._way.path.lose()
        return answer

    # --------------------------------------------------------------------------------------------- keeping

    async def save(self, title: str = "", *, moment: str | None = None) -> protocol.SaveWorldResponseData:
        """Keep this moment on the server as a world file, or a moment of `moments`."""
        return await self._ask(protocol.SaveWorldRequest, protocol.SaveWorldResponseData, title=title, moment_id=moment)

    @asynccontextmanager
    async def branch(self, *, moment: str | None = None) -> AsyncGenerator[World]:
        """Another world that begins where this one is, or at one of its moments. Both go on apart."""
        saved = await self.save("A branch", moment=moment)
        async with World(self._open_transport, form=self._form, mode=self._mode, tries=self._tries) as other:
            await other.init(world=saved.world_id)
            yield other

    @asynccontextmanager
    async def record(self) -> AsyncGenerator[Film]:
        """Record what happens in the block. The film has a name once its file is whole, after the block."""
        await self._ask(protocol.RecordingRequest, protocol.RecordingResponseData, on=True)
        film = Film()
        try:
            yield film
        finally:
            answer = await self._ask(
                protocol.RecordingRequest, protocol.RecordingResponseData, on=False, keep_short=True
            )
        while answer.name is not None and film.name is None:
            film.hear(await self._link.next_recording(), answer.name)

    # ------------------------------------------------------------------------------------------ connection

    @property
    def _link(self) -> Link:
        if self._open is None:
            raise ConnectionLostError("Use this world inside of its block: async with connect(url) as world.")
        return self._open

    async def _begin(self, fields: dict[str, Any]) -> protocol.ExtendedInitResponseData:
        return await self._ask(protocol.TimedInitRequest, protocol.ExtendedInitResponseData, **fields)

    async def _ask(self, kind: type[BaseModel], answer: type[Answer], **fields: Any) -> Answer:
        if kind not in _WORLD_STAYS:
            self._way.asked()
        try:
            got = await self._link.ask(kind, answer, fields)
        except RefusedError:
            self._way.answered()
            raise
        self._way.answered()
        return got

    async def _seen(self, link: Link) -> Pass:
        return await link.ask_for_pass(protocol.LookRequest, self._form.fields())

    async def _again(
        self, request: Callable[[Link], Awaitable[Pass]], *, step: Literal["all", "last"] | None = None
    ) -> Pass:
        """Ask for frames, once more where the session is lost and the world can be brought back.

        `step`: which frames of a step are asked for, which must not be made twice.
        """
        try:
            made = await request(self._link)
        except (ConnectionLostError, SessionEndedError) as error:
            if self._tries == 1 or self._way.start is None or not _may_pass(error) or not self._way.leads_back:
                raise
            start = self._way.start
            was_made = await self._tried(lambda: self._come_back(start, step))
            if was_made is None:
                message = f"{error} The server has not kept the world, and the way to it is not known."
                raise ConnectionLostError(message) from error
            made = await (self._seen if was_made else request)(self._link)
        self._way.answered()
        return made

    async def _come_back(self, start: dict[str, Any], step: Literal["all", "last"] | None) -> bool | None:
        """Whether the step whose answer was lost has been made, so that its last frame is what is seen now.

        None: the world cannot be had again, and the connection is closed.
        """
        await self._connect_anew()
        if self._way.token is not None:
            was_made = await self._resume(start, self._way.token, step)
            if was_made is not None:
                return was_made
        if self._way.path.steps is None:
            await self._link.close()
            return None
        await self._repeat(start, self._way.path.steps)
        return False

    async def _resume(self, start: dict[str, Any], token: str, step: Literal["all", "last"] | None) -> bool | None:
        """Go on in the world that the server has kept: whether it has made the step. None: that cannot be done."""
        size = {side: start[side] for side in ("width", "height") if side in start}
        fields = {"config": start["config"], "model": None, "resume_token": token, **size}
        try:
            answer = await self._link.ask(protocol.TimedInitRequest, protocol.ExtendedInitResponseData, fields)
        except RefusedError:  # it is too late, or the engine is taken
            return None
        resumed = answer.resumed
        if resumed is not None and resumed.is_copy:
            return await self._catch_up(answer, resumed)
        lost = None if resumed is None else self._way.passes_lost(resumed, is_step=step is not None)
        if resumed is None or lost is None or (lost and step == "all"):  # its first frames cannot be had again
            await self._connect_anew()
            return None
        self._way.resumed(answer, resumed, lost)
        self.moments.keep(resumed.kept)
        return lost == 1

    async def _catch_up(
        self, answer: protocol.ExtendedInitResponseData, resumed: protocol.ResumedWorld
    ) -> Literal[False] | None:
        """Make the steps again that came after a copy of the world. None: they are not known."""
        steps = self._way.steps_missing(resumed)
        if steps is None:
            await self._connect_anew()
            return None
        self._way.resumed(answer, resumed, 0)
        self.moments.forget()
        await self._step_again(steps)
        return False

    async def _repeat(self, start: dict[str, Any], steps: list[dict[str, Any]]) -> None:
        """Begin the same world, and make the same steps."""
        answer = await self._link.ask(protocol.TimedInitRequest, protocol.ExtendedInitResponseData, start)
        self._way.begins_anew(answer)
        self.moments.forget()
        await self._step_again(steps)

    async def _step_again(self, steps: list[dict[str, Any]]) -> None:
        """Make the last steps of the path. Where that breaks off, the world is not where the path leads."""
        self._way.asked()
        for fields in steps:
            await self._link.ask_for_pass(protocol.StepRequest, {**fields, **_UNSEEN})
            self._way.stepped_again()
        self._way.answered()

    async def _connect(self) -> None:
        self._open = Link(await self._tried(self._open_transport))

    async def _connect_anew(self) -> None:
        with suppress(ConnectionLostError):
            await self._link.close()
        self._open = Link(await self._open_transport())

    async def _tried(self, attempt: Callable[[], Awaitable[Result]]) -> Result:
        """Do what fails while a server is away or full, up to `tries` times."""
        for number in range(self._tries - 1):
            try:
                return await attempt()
            except (ConnectionLostError, SessionEndedError) as error:
                if not _may_pass(error):
                    raise
            await asyncio.sleep(_FIRST_PAUSE_S * 2**number)
        return await attempt()


def _may_pass(error: ConnectionLostError | SessionEndedError) -> bool:
    """Whether a new connection may find what this one has lost."""
    return isinstance(error, ConnectionLostError) or error.code in _PASSING


# Requests that leave the world as it is.
_WORLD_STAYS: Final = (protocol.SaveWorldRequest, protocol.TakeMomentRequest, protocol.RecordingRequest)
# Steps that are made again to come back to where a world was are not looked at.
_UNSEEN: Final = {"frames": "last", "codec": "rgb", "width": 8, "height": 8}


class Ask(Protocol):
    """`World`'s way to ask its server for something."""

    async def __call__(self, kind: type[BaseModel], answer: type[Answer], **fields: Any) -> Answer: ...


class Moments:
    """The moments of a world that the server keeps while the session lasts; the oldest give way."""

    def __init__(self, ask: Ask, path: StepPath) -> None:
        self._ask = ask
        self._path = path
        self._ways: dict[str, list[dict[str, Any]] | None] = {}
        self.kept: tuple[str, ...] = ()

    async def take(self) -> str:
        """Keep this moment; its id."""
        answer = await self._ask(protocol.TakeMomentRequest, protocol.MomentResponseData)
        self.keep(answer.kept)
        self._ways[answer.moment_id] = None if self._path.steps is None else list(self._path.steps)
        return answer.moment_id

    async def restore(self, moment: str) -> None:
        """Go back to a moment, as often as wanted."""
        answer = await self._ask(protocol.RestoreMomentRequest, protocol.MomentResponseData, moment_id=moment)
        self.kept = answer.kept
        way = self._ways.get(moment)
        if way is None:
            self._path.lose()
        else:
            self._path.begin(way)

    def keep(self, kept: tuple[str, ...]) -> None:
        """These are still there."""
        self.kept = kept
        self._ways = {moment: way for moment, way in self._ways.items() if moment in kept}

    def forget(self) -> None:
        """Another world has none yet."""
        self.kept, self._ways = (), {}


class Film:
    """A recording: its `name` in the server's list of recordings, and its length in seconds."""

    def __init__(self) -> None:
        self.name: str | None = None
        self.duration_s = 0.0

    def hear(self, message: protocol.RecordingMessage, name: str) -> None:
        """Take in what the server says about the recording `name`. Raises: RefusedError, it failed."""
        if message.name != name:
            return
        match message.event:
            case "saved":
                self.name, self.duration_s = name, message.duration_s or 0.0
            case "failed" | "postponed" | "removed":
                raise RefusedError(message.message or f"The recording was {message.event}.", str(message.code or ""))
            case _:
                pass
