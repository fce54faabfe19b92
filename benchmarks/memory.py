"""Whether memory stays where it was: `python -m benchmarks.memory [--worlds N]`.

Opens, records, saves and closes worlds one after the other through the real server process.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from websockets.sync.client import connect

from benchmarks.child import game_server
from benchmarks.null_engine import INSTANT
from benchmarks.recording_measures import encode_passes
from benchmarks.scenery import SceneSpec, make_passes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from websockets.sync.client import ClientConnection

    from benchmarks.child import Child

AIM_MB: Final = 60.0  # more than after the first world
_ANSWER_S: Final = 60.0
_HOLD_S: Final = 0.1  # from one control to the next


@dataclass(frozen=True, slots=True)
class Plan:
    """`frames` is how many messages with frames each world plays while it is recorded."""

    scene: SceneSpec = field(default_factory=lambda: SceneSpec(640, 360, frames_per_pass=2, fps=30, passes=30))
    worlds: int = 300
    looks: int = 10  # after the first world, evenly spread
    frames: int = 12


@dataclass(frozen=True, slots=True)
class Reading:
    """What the server's process held once so many worlds were closed."""

    worlds: int
    rss_mb: float


def run(plan: Plan) -> list[Reading]:
    """With the server in a process of its own that ends with this call."""
    step = max(1, plan.worlds // plan.looks)
    seed = encode_passes(make_passes(plan.scene), quality=85, subsampling="420")[0][0]
    readings: list[Reading] = []
    with game_server(plan.scene) as child:
        for number in range(1, plan.worlds + 1):
            _live_and_leave(child, seed, plan.frames)
            if number == 1 or number % step == 0:
                readings.append(Reading(number, child.rss_mb()))
    return readings


def render(readings: Sequence[Reading]) -> str:
    first = readings[0].rss_mb
    return "\n".join(
        [
            f"Memory of the server's process; aim: within {AIM_MB:.0f} MB of the first world",
            "  worlds    RSS MB    more than first",
            *(f"  {each.worlds:6}  {each.rss_mb:8.1f}  {each.rss_mb - first:+12.1f}" for each in readings),
        ]
    )


def _live_and_leave(child: Child, seed: bytes, frames: int) -> None:
    url = f"ws://127.0.0.1:{child.port}/ws?protocol_version=5&client=terrarium"
    with connect(url, compression=None, max_size=None) as socket:
        _ask(socket, "init", model=INSTANT, seed_image_data=base64.b64encode(seed).decode(), config=_config())
        _ask(socket, "recording", on=True)
        _play(socket, frames)
        _ask(socket, "recording", on=False)
        world = _ask(socket, "save_world")["world_id"]
    connection = http.client.HTTPConnection("127.0.0.1", child.port, timeout=_ANSWER_S)
    connection.request("DELETE", f"/api/worlds/{world}")  # only so many are kept
    connection.getresponse().read()
    connection.close()


def _play(socket: ClientConnection, frames: int) -> None:
    """Hold a key, as a client does by sending it again and again, until so many passes have come."""
    came = 0
    while came < frames:
        socket.send(json.dumps({"type": "control", "buttons": ["W"]}))
        with suppress(TimeoutError):
            came += isinstance(socket.recv(_HOLD_S), bytes)


def _ask(socket: ClientConnection, kind: str, **fields: Any) -> dict[str, Any]:
    """The data of the reply.

    Raises:
        RuntimeError: it was refused.
    """
    socket.send(json.dumps({"type": kind, "req_id": kind, **fields}))
    while True:
        received = socket.recv(_ANSWER_S)
        message: dict[str, Any] = {} if isinstance(received, bytes) else json.loads(received)
        if message.get("type") == "response" and message["req_id"] == kind:
            if not message["success"]:
                raise RuntimeError(f"The server refused {kind}: {message}")
            return message["data"] or {}


def _config() -> dict[str, Any]:
    return {
        "engine_backend": "world_engine",
        "scene_authoring": False,
        "action_logging": False,
        "video_recording": False,
        "video_output_dir": None,
        "cap_inference_fps": False,  # what counts is how much comes, not how fast
    }


def main() -> None:
    defaults = Plan()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=defaults.worlds, help="opened and closed in all (%(default)s)")
    options = parser.parse_args()
    print(render(run(Plan(worlds=options.worlds))))


if __name__ == "__main__":
    main()
