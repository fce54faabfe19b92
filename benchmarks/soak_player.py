"""A player who does everything that a player can do, in an order that a seed decides."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx
import numpy as np
from PIL import Image
from websockets.sync.client import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from websockets.sync.client import ClientConnection

MODELS: Final = ("terrarium/diorama", "terrarium/moss")
_ANSWER_S: Final = 120.0
_CONTROL_S: Final = 1 / 30
_BUTTONS: Final = ("W", "A", "S", "D", "SHIFT", "SPACE")
_KEPT_UPLOADS: Final = 20


class SoakError(RuntimeError):
    """The server did what it should not."""


class RefusedError(SoakError):
    """A request was refused, with `code`."""

    def __init__(self, kind: str, reply: dict[str, Any]) -> None:
        super().__init__(f"{kind} was refused: {reply.get('error')}")
        self.code = reply.get("code")


@dataclass
class Tally:
    """What the players have seen since the last `take`. Safe to use from several threads."""

    frames: int = 0
    actions: int = 0
    longest_gap_s: float = 0.0
    errors: list[str] = field(default_factory=list[str])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def frame(self, gap_s: float | None) -> None:
        with self._lock:
            self.frames += 1
            self.longest_gap_s = max(self.longest_gap_s, gap_s or 0.0)

    def action(self) -> None:
        with self._lock:
            self.actions += 1

    def error(self, sentence: str) -> None:
        with self._lock:
            self.errors.append(sentence)

    def take(self) -> Tally:
        with self._lock:
            taken = Tally(self.frames, self.actions, self.longest_gap_s, self.errors)
            self.frames, self.actions, self.longest_gap_s, self.errors = 0, 0, 0.0, []
            return taken


class SoakPlayer:
    """Plays until told to stop. What goes wrong is tallied, and play goes on with a new connection."""

    def __init__(self, url: str, rng: Random, tally: Tally, *, models: Sequence[str] = MODELS) -> None:
        self._url = url
        self._rng = rng
        self._tally = tally
        self._models = models
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._ids = 0
        self._recording = False
        self._moments: list[str] = []
        self._last_frame: float | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        # The server ends connections that are idle for five seconds. A request on one that it just ends would be lost.
        limits = httpx.Limits(keepalive_expiry=2.0)
        with httpx.Client(base_url=self._url, timeout=_ANSWER_S, limits=limits) as http:
            while not self._stopping.is_set():
                try:
                    self._live(http)
                except Exception as error:  # noqa: BLE001 - whatever it is, it belongs into the table
                    self._tally.error(f"{type(error).__name__}: {error}")
                    self._stopping.wait(1.0)

    def _live(self, http: httpx.Client) -> None:
        """One connection, from the first world to leaving."""
        url = self._url.replace("http", "ws", 1) + "/ws?protocol_version=5&client=terrarium"
        with connect(url, compression=None, max_size=None, open_timeout=_ANSWER_S) as socket:
            self._recording, self._moments = False, []
            self._open(socket, seed_image_data=self._picture())
            actions = self._actions(socket, http)
            names, weights = zip(*((act, weight) for act, weight in actions), strict=True)
            while not self._stopping.is_set():
                (act,) = self._rng.choices(names, weights)
                self._tally.action()
                if act == self._leave:
                    return
                act()
                self._walk(socket)

    def _actions(self, socket: ClientConnection, http: httpx.Client) -> list[tuple[Callable[[], None], int]]:
        """What can be done, and how often of 100 times."""
        return [
            (lambda: self._send(socket, "reset"), 10),
            (lambda: self._pause(socket), 8),
            (lambda: self._open(socket, seed_image_data=self._picture()), 14),
            (lambda: self._open_seed(socket, http), 8),
            (lambda: self._open_saved(socket, http), 8),
            (lambda: self._save(socket, http), 10),
            (lambda: self._toggle_recording(socket), 12),
            (lambda: self._take_moment(socket), 6),
            (lambda: self._restore_moment(socket), 5),
            (lambda: self._rewind(socket), 5),
            (lambda: self._upload(http), 6),
            (lambda: self._look_around(http), 4),
            (self._leave, 4),
        ]

    def _leave(self) -> None:
        """Its place in the list is all that it is for: `_live` ends with it."""

    # ---------------------------------------------------------------------------------------- over the socket

    def _walk(self, socket: ClientConnection) -> None:
        """Hold keys and move the mouse for a while, and take the frames."""
        until = time.monotonic() + self._rng.uniform(0.5, 6.0)
        buttons = self._rng.sample(_BUTTONS, self._rng.randint(1, 2))
        self._last_frame = None
        while (now := time.monotonic()) < until and not self._stopping.is_set():
            motion = {"mouse_dx": self._rng.uniform(-8, 8), "mouse_dy": self._rng.uniform(-2, 2)}
            self._send(socket, "control", buttons=buttons, ts=now * 1000, **motion)
            due = now + _CONTROL_S
            while (left := due - time.monotonic()) > 0:
                with suppress(TimeoutError):
                    self._take(socket.recv(left))
        self._last_frame = None

    def _pause(self, socket: ClientConnection) -> None:
        self._send(socket, "pause")
        self._stopping.wait(self._rng.uniform(0.1, 1.0))
        self._send(socket, "resume")

    def _open(self, socket: ClientConnection, **fields: Any) -> None:
        config = {
            "engine_backend": "world_engine",
            "scene_authoring": False,
            "action_logging": self._rng.random() < 0.5,
            "video_recording": False,
            "video_output_dir": None,
            "cap_inference_fps": True,
        }
        self._ask(socket, "init", model=self._rng.choice(self._models), config=config, **fields)
        self._moments = []

    def _open_seed(self, socket: ClientConnection, http: httpx.Client) -> None:
        seeds = _json(http.get("/api/seeds"))["seeds"]
        self._open(socket, seed_hash=self._rng.choice(seeds)["hash"])

    def _open_saved(self, socket: ClientConnection, http: httpx.Client) -> None:
        worlds = [world["id"] for world in _json(http.get("/api/worlds"))["worlds"]]
        try:
            if worlds:
                self._open(socket, world_id=self._rng.choice(worlds))
        except RefusedError as refused:
            if refused.code != "worldUnknown":  # as it is when another player has deleted it meanwhile
                raise

    def _save(self, socket: ClientConnection, http: httpx.Client) -> None:
        world = self._ask(socket, "save_world")["world_id"]
        if self._rng.random() < 0.7:  # else it stays for `_open_saved`
            file = http.get(f"/api/worlds/{world}/file")
            _json(http.post("/api/worlds", content=file.raise_for_status().content))
            http.delete(f"/api/worlds/{world}")

    def _toggle_recording(self, socket: ClientConnection) -> None:
        self._recording = not self._recording
        self._ask(socket, "recording", on=self._recording)

    def _take_moment(self, socket: ClientConnection) -> None:
        self._moments.append(self._ask(socket, "take_moment")["moment_id"])

    def _restore_moment(self, socket: ClientConnection) -> None:
        if self._moments:
            self._ask(socket, "restore_moment", moment_id=self._moments[-1])

    def _rewind(self, socket: ClientConnection) -> None:
        try:
            self._ask(socket, "rewind", seconds=self._rng.uniform(0.5, 10.0))
        except RefusedError as refused:
            if refused.code != "nothingToRewind":  # as it is just after a world was opened
                raise

    def _ask(self, socket: ClientConnection, kind: str, **fields: Any) -> dict[str, Any]:
        """The data of the reply.

        Raises:
            RefusedError: it was refused.
            SoakError: there was none in time.
        """
        self._ids += 1
        request, until = str(self._ids), time.monotonic() + _ANSWER_S
        self._send(socket, kind, req_id=request, **fields)
        while (left := until - time.monotonic()) > 0:
            with suppress(TimeoutError):
                message = self._take(socket.recv(left))
                if message.get("type") == "response" and message["req_id"] == request:
                    if not message["success"]:
                        raise RefusedError(kind, message)
                    return message["data"] or {}
        raise SoakError(f"{kind} was not answered within {_ANSWER_S:.0f} s")

    def _send(self, socket: ClientConnection, kind: str, **fields: Any) -> None:
        socket.send(json.dumps({"type": kind, **fields}))

    def _take(self, received: str | bytes) -> dict[str, Any]:
        """A received message; empty for frames, which are tallied.

        Raises:
            SoakError: the server says that something went wrong.
        """
        if isinstance(received, bytes):
            now = time.monotonic()
            self._tally.frame(None if self._last_frame is None else now - self._last_frame)
            self._last_frame = now
            return {}
        message: dict[str, Any] = json.loads(received)
        if message["type"] == "error":
            raise SoakError(f"The server reports: {message}")
        return message

    # ------------------------------------------------------------------------------------------ over REST

    def _upload(self, http: httpx.Client) -> None:
        """Add a picture to the gallery, and remove the oldest when there are many."""
        _json(http.post("/api/seeds", content=base64.b64decode(self._picture()), params={"title": "Soak"}))
        seeds = _json(http.get("/api/seeds"))["seeds"]
        uploaded = [seed["hash"] for seed in seeds if seed["origin"] == "uploaded"]
        for seed in uploaded[_KEPT_UPLOADS:]:
            http.delete(f"/api/seeds/{seed}")

    def _look_around(self, http: httpx.Client) -> None:
        """The gallery with its thumbnails. The oldest recordings are removed."""
        recordings = _json(http.get("/api/recordings"))["recordings"]
        for recording in recordings[:3]:
            http.get(recording["thumbnail_url"])
        for recording in recordings[_KEPT_UPLOADS:]:
            http.delete(f"/api/recordings/{recording['name']}")
        for seed in _json(http.get("/api/seeds"))["seeds"][:8]:
            http.get(f"/api/seeds/{seed['hash']}/thumbnail").raise_for_status()
        for path in ("/health", "/metrics", "/api/sessions", "/api/models"):
            http.get(path).raise_for_status()

    def _picture(self) -> str:
        """A picture nobody has seen before: blobs of colour, as a JPEG in base64."""
        pixels = np.random.default_rng(self._rng.getrandbits(64)).integers(0, 256, (9, 16, 3), dtype=np.uint8)
        size = self._rng.choice([(640, 360), (1280, 720), (1600, 1200)])
        file = io.BytesIO()
        Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
        return base64.b64encode(file.getvalue()).decode()


def _json(response: httpx.Response) -> Any:
    return response.raise_for_status().json()
