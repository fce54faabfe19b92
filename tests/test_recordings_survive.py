"""Recordings of a whole server with the real encoder: finished beside play, at a stop, and after a kill."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest
from websockets.sync.client import connect

from tests.play.harness import PlayClient, picture
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

ROOT = Path(__file__).parent.parent
PLAYED_S = deadline_s(3.5)
LOST_S = deadline_s(1.5)  # at a kill: the last second, and what a busy machine had not yet got to


pytestmark = pytest.mark.trial  # each starts servers and kills them


@contextmanager
def server(data_dir: Path) -> Generator[tuple[subprocess.Popen[str], httpx.Client]]:
    command = [sys.executable, str(ROOT / "ltx2_server.py"), "--data-dir", str(data_dir), "--port", "0"]
    with (
        (data_dir / "stderr.txt").open("a", encoding="utf-8") as stderr,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            url = process.stdout.readline().removeprefix("Server running on ").strip()
            with httpx.Client(base_url=url, timeout=deadline_s()) as http:
                yield process, http
        finally:
            process.kill()


@contextmanager
def client_of(http: httpx.Client) -> Generator[PlayClient]:
    url = str(http.base_url).replace("http", "ws") + "/ws?protocol_version=5"
    with connect(url, compression=None, max_size=None, open_timeout=deadline_s()) as socket:
        yield PlayClient(socket, extended=False)


def play_for_a_while(client: PlayClient) -> None:
    client.start(picture(90, 120, 60, width=320, height=180), model="terrarium/diorama", video_recording=True)
    began = time.monotonic()
    client.hold("W", until=lambda _: time.monotonic() - began > PLAYED_S)


def listed(http: httpx.Client) -> list[dict[str, Any]]:
    return http.get("/api/recordings").json()["recordings"]


def test_a_recording_is_there_once_play_pauses(tmp_path: Path) -> None:
    with server(tmp_path) as (_, http), client_of(http) as client:
        began = time.monotonic()
        play_for_a_while(client)
        client.send("pause")
        wait_until(lambda: bool(listed(http)), "the recording is in the gallery")
        (recording,) = listed(http)
        assert PLAYED_S - LOST_S < recording["duration_s"] <= time.monotonic() - began
        details = http.get(f"/api/recordings/{recording['name']}").json()
        assert (details["title"], details["model"]) == ("Terrarium Recording", "terrarium/diorama")
        assert http.get(recording["thumbnail_url"]).content.startswith(b"\xff\xd8")
        part = http.get(recording["video_url"], headers={"Range": "bytes=4-7"})
        assert (part.status_code, part.content) == (206, b"ftyp")
        assert b'"play_session"' in http.get(recording["video_url"]).content


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM to wait for")
def test_a_stop_in_mid_recording_takes_no_time_and_loses_nothing(tmp_path: Path) -> None:
    with server(tmp_path) as (process, http), client_of(http) as client:
        play_for_a_while(client)
        process.send_signal(signal.SIGTERM)
        assert client.closed()[0] == 1001
        assert process.wait(deadline_s()) == 0
    assert not (tmp_path / "logs" / "crash.log").exists() or not (tmp_path / "logs" / "crash.log").read_text()
    with server(tmp_path) as (_, http):
        wait_until(lambda: bool(listed(http)), "the recording is in the gallery")
        assert listed(http)[0]["duration_s"] > PLAYED_S - LOST_S


def test_a_killed_encoder_ends_the_recording_and_not_the_game(tmp_path: Path) -> None:
    with server(tmp_path) as (process, http), client_of(http) as client:
        play_for_a_while(client)
        encoders = [child for child in psutil.Process(process.pid).children(recursive=True) if "ffmpeg" in child.name()]
        assert encoders
        for encoder in encoders:
            encoder.kill()
        client.control("W")
        stopped = client.of_type("log", event="Recording stopped")
        assert stopped["fields"]["code"] == "recordingFailed"
        client.hold("W")
        wait_until(lambda: http.get("/api/recordings").json()["unfinished"] == [], "what there is of it is put away")
        (kept,) = listed(http)
        assert kept["duration_s"] > PLAYED_S - LOST_S


def test_a_killed_server_loses_at_most_the_last_second(tmp_path: Path) -> None:
    with server(tmp_path) as (process, http), client_of(http) as client:
        play_for_a_while(client)
        process.kill()
        process.wait(deadline_s())
    assert list((tmp_path / "recordings").glob("*.mp4")) == []
    with server(tmp_path) as (_, http):
        # It serves while the rest is being finished.
        assert http.get("/health").json()["startup_complete"] is True
        wait_until(lambda: bool(listed(http)), "the recording is in the gallery")
        (recording,) = listed(http)
        assert recording["duration_s"] > PLAYED_S - LOST_S
        assert json.loads(http.get("/api/recordings").text)["unfinished"] == []
