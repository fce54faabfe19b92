"""World files and logs out of real play, by real engines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from services.frame_encoder.simple_jpeg_encoder import SimpleJpegEncoder
from services.input_log.ndjson_input_logs import NdjsonInputLogs
from services.world_engine.catalogue import CatalogueEntry, WorldEngineCatalogue
from services.world_files.directory_world_store import DirectoryWorldStore
from tests.play.harness import fake_services, picture, play_server, session_config

if TYPE_CHECKING:
    from pathlib import Path

    from tests.play.harness import PlayClient


def play_and_save(entry: CatalogueEntry, folder: Path, passes: int = 200) -> Path:
    """Walk about, return and rewind, save, and open in a second session to walk on; the file of that one."""
    encoder = SimpleJpegEncoder(1)
    services = replace(
        fake_services(),
        catalogue=WorldEngineCatalogue([entry]),
        frame_encoder=encoder,
        world_store=DirectoryWorldStore(folder / "worlds", 10),
        input_logs=NdjsonInputLogs(folder / "logs", 10**9),
    )
    with play_server(services) as server:
        model = entry.model_id
        with server.client(extended=True) as client:
            client.start(picture(90, 140, 60), model=model, action_logging=True, cap_inference_fps=False)
            walk(client, passes // 3, "W")
            moment = asked(client, "take_moment")["moment_id"]
            walk(client, passes // 6, "A", "SHIFT")
            asked(client, "restore_moment", moment_id=moment)
            walk(client, passes // 3, "W", "D")
            asked(client, "rewind", seconds=0.5)
            walk(client, 5, "S")
            saved = asked(client, "save_world", title="A walk")["world_id"]
        with server.client(extended=True) as client:
            start = client.request("init", model=model, config=session_config(cap_inference_fps=False), world_id=saved)
            assert client.reply(start)["success"]
            walk(client, passes // 3, "SPACE", "W")
            again = asked(client, "save_world")["world_id"]
    services.input_logs.close(10.0)
    return folder / "worlds" / f"{again}.world"


def walk(client: PlayClient, passes: int, *buttons: str) -> None:
    client.send("resume")
    for number in range(passes):
        client.control(*buttons, mouse_dx=(number * 7 % 31) - 15.25, mouse_dy=0.1 * (number % 5), ts=float(number + 1))
        client.frame(lambda frame: frame.header.gen_ms > 0)  # no still picture


def asked(client: PlayClient, kind: str, **fields: Any) -> dict[str, Any]:
    client.send("pause")
    reply = client.reply(client.request(kind, **fields))
    assert reply["success"], reply
    return reply["data"]
