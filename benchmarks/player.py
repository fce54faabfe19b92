"""A client that plays over a raw socket: sends controls at a fixed rate, and reads frames with little CPU."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from websockets.frames import Frame, Opcode

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

CONTROL_INTERVAL_S: Final = 1 / 60
_TIMEOUT_S: Final = 30.0
_BUFFER_BYTES: Final = 4 * 1024 * 1024


class PlayerError(RuntimeError):
    """The server did not behave as a client expects."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A completely received pass. `at` and `newest_control` are monotonic seconds, the latter 0 without a control.

    `frames` came in the message: over a slow link these are fewer than the world has made.
    """

    at: float
    newest_control: float
    frames: int
    size: int
    codec: str  # jpeg or h264
    quality: int  # of JPEGs, or the CRF of H.264; -1 for a still picture
    is_key: bool  # of H.264


class MessageSocket:
    """The client's side of a WebSocket. It supports only messages of one frame."""

    def __init__(self, port: int, path: str, *, offers_compression: bool = True) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._sending = threading.Lock()
        offered = (
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" if offers_compression else ""
        )
        self._shake_hands(port, path, offered)
        # Blocking from here on, so that one system call waits for a whole message. `abort` interrupts it.
        self._socket.settimeout(None)

    def read(self) -> tuple[Opcode, memoryview]:
        """Read the next message. The view is valid until the next call.

        Raises:
            PlayerError: the connection ended.
        """
        first, length = self._take(2)
        if length >= 126:
            (length,) = struct.unpack("!Q" if length == 127 else "!H", self._take(8 if length == 127 else 2))
        if length > _BUFFER_BYTES:
            raise PlayerError(f"A message of {length} bytes is larger than this client accepts.")
        return Opcode(first & 0x0F), self._take(length)

    def send(self, opcode: Opcode, payload: bytes) -> None:
        frame = Frame(opcode, payload).serialize(mask=True)
        with self._sending:
            self._socket.sendall(frame)

    def abort(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.abort()
        self._socket.close()

    def _take(self, count: int) -> memoryview:
        have = 0
        while have < count:
            got = self._socket.recv_into(self._buffer[have:count], count - have, socket.MSG_WAITALL)
            if got == 0:
                raise PlayerError("The server closed the connection.")
            have += got
        return self._buffer[:count]

    def _shake_hands(self, port: int, path: str, offered: str) -> None:
        request = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\nSec-WebSocket-Version: 13\r\n"
            f"{offered}\r\n"
        )
        self._socket.sendall(request.encode())
        answer = bytearray()
        while not answer.endswith(b"\r\n\r\n"):
            answer += self._take(1)
        lines = answer.decode("latin-1").lower().splitlines()
        if " 101 " not in lines[0] or any(line.startswith("sec-websocket-extensions:") for line in lines):
            raise PlayerError(f"The server did not accept a plain WebSocket: {lines}")


class Player:
    """One session of play, from `init` to the end of the `with` block. Records every arrival from the first pass on."""

    def __init__(
        self,
        port: int,
        model: str,
        *,
        seed: bytes,
        capped: bool,
        records: bool = False,
        read_interval_s: float = 0.0,
        query: str = "",
        acknowledges: bool = False,
        start_limit_s: float = _TIMEOUT_S,
        offers_compression: bool = True,
        control_interval_s: float = CONTROL_INTERVAL_S,
    ) -> None:
        """`read_interval_s` is the least time between two reads, which simulates a slow client. `start_limit_s` is for
        loading the model.

        `query` is appended to the address. `acknowledges`: confirm each pass at once, as a page that draws it does.
        `offers_compression`: as browsers do; the server itself never takes it up.
        """
        self.arrivals: list[Arrival] = []
        self.controls: list[float] = []  # when each was sent
        self._read_interval_s = read_interval_s
        self._control_interval_s = control_interval_s
        self._acknowledges = acknowledges
        self._stopping = threading.Event()
        self._failure: Exception | None = None
        self._socket = MessageSocket(port, f"/ws?protocol_version=5{query}", offers_compression=offers_compression)
        try:
            self._socket.send(Opcode.TEXT, json.dumps(_init(model, seed, capped=capped, records=records)).encode())
            self._await_start(start_limit_s)
        except BaseException:  # even an interrupt must not leave the socket open
            self._socket.close()
            raise
        self._threads = [threading.Thread(target=self._guard, args=(work,)) for work in (self._read, self._press)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping.set()
        self._socket.abort()
        for thread in self._threads:
            thread.join()
        self._socket.close()
        if self._failure is not None and error is None:
            raise self._failure

    def ask(self, kind: str, **fields: Any) -> float:
        """Send a request whose answer nobody waits for; when it was sent."""
        now = time.monotonic()
        self._socket.send(Opcode.TEXT, json.dumps({"type": kind, "req_id": f"{kind} {now}", **fields}).encode())
        return now

    def _await_start(self, limit_s: float) -> None:
        timer = threading.Timer(limit_s, self._socket.abort)
        timer.start()
        try:
            while True:
                opcode, payload = self._socket.read()
                self._answer_ping(opcode, payload)
                message: dict[str, Any] = json.loads(bytes(payload)) if opcode is Opcode.TEXT else {}
                if message.get("type") == "response" and message["success"]:
                    return
                if message.get("type") in ("error", "response"):
                    raise PlayerError(f"The server refused: {message}")
        finally:
            timer.cancel()

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (OSError, PlayerError) as error:
            if not self._stopping.is_set():
                self._failure = error

    def _press(self) -> None:
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            now = time.monotonic()
            control = {"type": "control", "buttons": ["W"], "mouse_dx": 1.5, "mouse_dy": 0.0, "ts": now * 1000}
            self.controls.append(now)
            self._socket.send(Opcode.TEXT, json.dumps(control).encode())
            due = max(due + self._control_interval_s, now)

    def _read(self) -> None:
        due = 0.0
        while True:
            opcode, payload = self._socket.read()
            self._answer_ping(opcode, payload)
            if opcode is Opcode.BINARY:
                header = header_of(payload)
                self.arrivals.append(_arrival(header, frames_in(payload), len(payload)))
                if self._acknowledges:
                    drawn = {"type": "frame_ack", "frame_id": header["frame_id"], "epoch": header["epoch"]}
                    self._socket.send(Opcode.TEXT, json.dumps(drawn).encode())
                due = max(due, time.monotonic()) + self._read_interval_s
                if self._read_interval_s and self._stopping.wait(due - time.monotonic()):
                    return

    def _answer_ping(self, opcode: Opcode, payload: memoryview) -> None:
        if opcode is Opcode.PING:
            self._socket.send(Opcode.PONG, bytes(payload))


def header_of(payload: memoryview) -> dict[str, Any]:
    """The header of a pass."""
    (length,) = struct.unpack_from("<I", payload)
    return json.loads(bytes(payload[4 : 4 + length]))


def frames_in(payload: memoryview) -> int:
    """How many sub-frames a pass has brought."""
    (length,) = struct.unpack_from("<I", payload)
    (count,) = struct.unpack_from("<I", payload, 4 + length)
    return int(count)


def _arrival(header: dict[str, Any], frames: int, size: int) -> Arrival:
    return Arrival(
        at=time.monotonic(),
        newest_control=header["client_ts"] / 1000,
        frames=frames,
        size=size,
        codec=header.get("codec", "jpeg"),
        quality=header.get("crf", header.get("quality", -1)),
        is_key=header.get("key_frame") is True,
    )


def admitted(port: int, model: str, *, seed: bytes) -> tuple[int, str]:
    """The port of the server to which the fleet at `port` sends a player, and what to add to the query there.

    Raises:
        PlayerError: it sends them nowhere.
    """
    path = "/ws?protocol_version=5&client=terrarium&follows=ws"
    door = MessageSocket(port, path, offers_compression=False)
    try:
        door.send(Opcode.TEXT, json.dumps(_init(model, seed, capped=True, records=False)).encode())
        while True:
            opcode, payload = door.read()
            message: dict[str, Any] = json.loads(bytes(payload)) if opcode is Opcode.TEXT else {}
            if message.get("type") == "moved":
                return int(message["address"].rpartition(":")[2]), f"&ticket={message['ticket']}"
            if message.get("type") != "progress":
                raise PlayerError(f"The fleet does not send its player on: {message}")
    finally:
        door.close()


def _init(model: str, seed: bytes, *, capped: bool, records: bool) -> dict[str, Any]:
    return {
        "type": "init",
        "req_id": "1",
        "model": model,
        "seed_image_data": base64.b64encode(seed).decode(),
        "config": {
            "engine_backend": "world_engine",
            "scene_authoring": False,
            "action_logging": False,
            "video_recording": records,
            "video_output_dir": None,
            "cap_inference_fps": capped,
        },
    }
