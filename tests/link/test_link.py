"""The link between a client and the server: the relay that shapes it, and what each codec makes of it."""

from __future__ import annotations

import socket
import subprocess
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from websockets.sync.client import connect

from benchmarks.child import terrarium_server
from benchmarks.link_relay import LinkRelay, LinkShape
from benchmarks.player import CONTROL_INTERVAL_S
from runtime_config.runtime_config import JpegConfig, VideoConfig
from services.bundled_ffmpeg import bundled_ffmpeg
from tests.play.harness import PlayClient
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.play.harness import Frame, Json

PAYLOAD = bytes(range(256)) * 400
SEED = Path(__file__).parents[2] / "assets" / "seeds" / "forest_path.jpg"
SHAPE = LinkShape(8e6, 0.02, jitter_s=0.004)
LOST = 8  # passes in a row
FRAMES_A_PASS = 4  # as the diorama makes them


@contextmanager
def sending_server() -> Generator[int]:
    """Sends `PAYLOAD` to whoever asks with one byte, and then waits for the other end to close."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(deadline_s())

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(deadline_s())
                connection.recv(1)
                connection.sendall(PAYLOAD)
                connection.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join(deadline_s())
        assert not thread.is_alive()


def read_all(client: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count and (part := client.recv(count - len(data))):
        data += part
    return bytes(data)


def test_bytes_arrive_whole_and_in_order_however_late_some_are() -> None:
    shape = LinkShape(50e6, 0.002, jitter_s=0.02)
    with (
        sending_server() as port,
        LinkRelay(port, shape) as relay,
        socket.create_connection(("127.0.0.1", relay.port), timeout=deadline_s()) as client,
    ):
        client.sendall(b"?")
        assert read_all(client, len(PAYLOAD)) == PAYLOAD


def test_a_link_that_is_cut_ends_both_connections() -> None:
    with (
        sending_server() as port,
        LinkRelay(port, LinkShape(1e6, 0.0)) as relay,
        socket.create_connection(("127.0.0.1", relay.port), timeout=deadline_s()) as client,
    ):
        client.sendall(b"?")
        assert read_all(client, 1000) == PAYLOAD[:1000]
        relay.cut()
        with suppress(ConnectionResetError):
            assert len(read_all(client, len(PAYLOAD))) < len(PAYLOAD) - 1000


@contextmanager
def walking(port: int, codec: str) -> Generator[Walker]:
    """Somebody who walks in a world and looks around, and gets all passes in that form."""
    url = f"ws://127.0.0.1:{port}/ws?protocol_version=5&client=terrarium"
    with connect(url, compression=None, max_size=None, max_queue=None, open_timeout=deadline_s()) as socket:
        client, stopping = PlayClient(socket, extended=True), threading.Event()

        def press() -> None:
            while not stopping.wait(CONTROL_INTERVAL_S):
                client.control("W", mouse_dx=1.5)

        client.start(SEED.read_bytes(), model="terrarium/diorama")
        assert client.reply(client.request("video", codec=codec))["data"] == {"codec": codec}
        pressing = threading.Thread(target=press)
        pressing.start()
        try:
            yield Walker(client)
        finally:
            stopping.set()
            pressing.join()


class Walker:
    def __init__(self, client: PlayClient) -> None:
        self._client = client
        self.played_frame = client.played_frame

    def acknowledge(self, frame: Frame) -> None:
        self._client.send("frame_ack", frame_id=frame.header.frame_id, epoch=frame.header.epoch)


@pytest.fixture(scope="module")
def server_port() -> Generator[int]:
    with terrarium_server() as (server, _):
        yield server.port


@pytest.fixture
def empty_server(server_port: int) -> int:
    """The port of a server where nobody plays, as those of the test before have left."""
    wait_until(lambda: not sessions(server_port), "the sessions have ended")
    return server_port


def sessions(port: int) -> list[Json]:
    return httpx.get(f"http://127.0.0.1:{port}/api/sessions", timeout=deadline_s()).json()["sessions"]


def wait_for_losses(port: int, count: int) -> None:
    """Until so many more passes have given way to newer ones."""

    def lost() -> int:
        (session,) = sessions(port)
        return int(session["passes_replaced"])

    goal = lost() + count
    wait_until(lambda: lost() >= goal, f"{count} passes give way")


def passes_until_coarser(walker: Walker, port: int) -> list[Frame]:
    """Those that somebody gets who is so far behind that most are lost, until they are of less than the best quality.

    How fast the world is on this machine does not matter: however slow, the client waits.
    """
    came = [walker.played_frame()]
    while not is_coarser(came[-1]):
        walker.acknowledge(came[-1])  # without the first word of the client, what it has read counts as confirmed
        wait_for_losses(port, 4)
        came.append(walker.played_frame())
    return came


def is_coarser(frame: Frame) -> bool:
    header = frame.header
    return (header.crf or 0) > VideoConfig().crf if header.codec else (header.quality or 100) < JpegConfig().quality


@pytest.mark.trial
@pytest.mark.parametrize("codec", ["jpeg", "h264"])
def test_who_falls_behind_gets_coarser_passes_and_then_what_the_world_is_like_now(
    empty_server: int, codec: str
) -> None:
    with LinkRelay(empty_server, SHAPE) as relay, walking(relay.port, codec) as walker:
        last = passes_until_coarser(walker, empty_server)[-1]
        wait_for_losses(empty_server, LOST)
        walker.acknowledge(last)
        while (frame := walker.played_frame()).header.frame_id < last.header.frame_id + LOST * FRAMES_A_PASS:
            last = frame  # it was on its way already
            walker.acknowledge(last)
        assert {frame.header.codec, last.header.codec} == {codec if codec == "h264" else None}


@pytest.mark.trial
def test_of_h264_every_unit_that_comes_is_decoded_whatever_was_left_out(empty_server: int) -> None:
    with LinkRelay(empty_server, SHAPE) as relay, walking(relay.port, "h264") as walker:
        came = passes_until_coarser(walker, empty_server)
    assert {frame.header.codec for frame in came} == {"h264"}
    assert (came[0].header.key_frame, came[-1].header.key_frame) == (True, True), "each quality begins with one"
    units = [unit for frame in came for unit in frame.jpegs]
    assert decoded_pictures(units) == len(units)


def decoded_pictures(units: list[bytes]) -> int:
    """How many pictures a decoder makes of these; it fails at the first error."""
    command = (
        *(str(bundled_ffmpeg()), "-hide_banner", "-loglevel", "error", "-xerror", "-f", "h264", "-i", "pipe:0"),
        *("-fps_mode", "passthrough", "-vf", "scale=16:16", "-pix_fmt", "gray", "-f", "rawvideo", "pipe:1"),
    )
    done = subprocess.run(command, input=b"".join(units), stdout=subprocess.PIPE, check=True)
    return len(done.stdout) // (16 * 16)
