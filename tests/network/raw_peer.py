"""A client that does only what it is told: no pongs, no echo of a close frame, no reading ahead."""

from __future__ import annotations

import base64
import os
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.waiting import deadline_s

if TYPE_CHECKING:
    from types import TracebackType

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


@dataclass(frozen=True, slots=True)
class RawFrame:
    opcode: int
    payload: bytes

    @property
    def close_code(self) -> int:
        assert self.opcode == CLOSE
        return int(struct.unpack("!H", self.payload[:2])[0])

    @property
    def close_reason(self) -> str:
        return self.payload[2:].decode()


class RawPeer:
    """`source` is the address that it connects from, any of 127.0.0.0/8 on Linux."""

    def __init__(self, port: int, *, receive_buffer: int | None = None, source: str | None = None) -> None:
        self.socket = socket.socket()
        if source is not None:
            self.socket.bind((source, 0))
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(deadline_s())
        self.socket.connect(("127.0.0.1", port))
        self.port = port
        self.stream = self.socket.makefile("rb")

    def __enter__(self) -> RawPeer:
        return self

    def close(self) -> None:
        self.stream.close()
        self.socket.close()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def handshake(self, target: str = "/ws", **headers: str) -> tuple[int, dict[str, str]]:
        """Status and headers of the answer."""
        lines = [
            f"GET {target} HTTP/1.1",
            f"Host: {headers.pop('host', f'127.0.0.1:{self.port}')}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        return self._read_head()

    def send(self, text: str) -> None:
        """Bytes of a request, as they are."""
        self.socket.sendall(text.encode())

    def read_answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an answer with a Content-Length."""
        status, headers = self._read_head()
        return status, headers, self._read(int(headers["content-length"]))

    def is_closed(self) -> bool:
        """Whether the server ended the connection. Waits for that, and takes what comes before."""
        try:
            while self.stream.read(65536):
                pass
        except ConnectionResetError:
            pass
        return True

    def send_frame(self, opcode: int, payload: bytes, *, final: bool = True) -> None:
        self.socket.sendall(frame_head(opcode, len(payload), final=final) + payload)

    def read_frame(self) -> RawFrame:
        first, second = self._read(2)
        length = second & 0x7F
        if length == 126:
            length = struct.unpack("!H", self._read(2))[0]
        elif length == 127:
            length = struct.unpack("!Q", self._read(8))[0]
        return RawFrame(first & 0x0F, self._read(length))

    def read_to_close(self) -> RawFrame:
        """The close frame, past all before it."""
        while (frame := self.read_frame()).opcode != CLOSE:
            pass
        return frame

    def _read_head(self) -> tuple[int, dict[str, str]]:
        first = self.stream.readline()
        if not first:
            raise EOFError
        answer: dict[str, str] = {}
        while line := self.stream.readline().strip().decode():
            name, _, value = line.partition(":")
            answer[name.lower()] = value.strip()
        return int(first.split()[1]), answer

    def _read(self, count: int) -> bytes:
        data = self.stream.read(count)
        if len(data) < count:
            raise EOFError
        return data


def frame_head(opcode: int, length: int, *, final: bool = True) -> bytes:
    """The head of a frame masked with zeros, which leave the payload as it is."""
    first = (0x80 if final else 0) | opcode
    if length < 126:
        size = struct.pack("!B", 0x80 | length)
    elif length < 65536:
        size = struct.pack("!BH", 0x80 | 126, length)
    else:
        size = struct.pack("!BQ", 0x80 | 127, length)
    return bytes([first]) + size + bytes(4)
