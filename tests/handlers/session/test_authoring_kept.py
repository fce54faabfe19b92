"""What stays of scenes in words: lines of the input log, world files and recordings, and replays that are exact."""

from __future__ import annotations

import base64
import io
import itertools
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from replay.log_plan import plan_of_log
from replay.plan import plan_of_world
from replay.player import Replay
from services.frame_encoder.simple_jpeg_encoder import SimpleJpegEncoder
from services.input_log.lines import LOG_LINE, ContinuedFrom, GenerateScene, SceneEdit, SessionStart, WorldChanged
from services.input_log.ndjson_input_logs import NdjsonInputLogs
from services.world_engine.catalogue import WorldEngineCatalogue
from services.world_files.directory_world_store import DirectoryWorldStore
from services.world_files.world_file import Continued
from state.app_state_types import Playing
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_image_editor import FakeImageEditor
from tests.fakes.fake_prompt_writer import FakePromptWriter
from tests.handlers.session.authoring_studio import BOTH, SEED, ask, begin, is_green, studio
from tests.play.harness import fake_services, picture, play_server, session_config
from tests.replay.elsewhere import entries
from tests.replay.saved import asked, walk

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from replay.plan import ReplayPlan
    from services.input_log.lines import LogLine
    from services.world_engine.catalogue import CatalogueEntry
    from services.world_engine.world_engine import Picture, WorldEngine
    from tests.play.harness import PlayClient

PROMPT = "make it night"
CHECKED = 64  # passes between two hashes of a frame


def lines_of(log: Path) -> list[LogLine]:
    return [LOG_LINE.validate_json(line) for line in log.read_bytes().splitlines()]


def scenes_of(plan: ReplayPlan) -> list[Continued]:
    return [change for change in plan.changes if isinstance(change, Continued)]


def replays_exactly(plan: ReplayPlan, engine: WorldEngine) -> int:
    """How many of its frames were compared on the way."""
    replay = Replay(plan)
    assert sum(1 for _ in replay.passes(engine)) == len(plan.inputs)
    assert replay.findings.is_exact
    return replay.findings.checked


# ------------------------------------------------------------------------------------------------ the input log


@contextmanager
def logging_client(folder: Path) -> Generator[PlayClient]:
    """Plays as fast as it can. The logs are whole at the end of the block."""
    logs = NdjsonInputLogs(folder, 10**9)
    with studio(input_logs=logs) as at, at.server.client(extended=True) as client:
        client.start(picture(SEED), scene_authoring=True, action_logging=True, cap_inference_fps=False)
        yield client
    logs.close(30.0)


def play_to(client: PlayClient, passes: int) -> None:
    client.hold("W", until=lambda frame: frame.content.pass_number >= passes)


WHEN = pytest.mark.parametrize("when", ["in play", "in a pause", "before the first pass"])


def say_it(client: PlayClient, kind: str, when: str) -> None:
    """Walk, have the scene changed at that time, and walk on for so long that frames of it are compared."""
    if when != "before the first pass":
        play_to(client, CHECKED)
    if when == "in a pause":
        client.send("pause")
    assert ask(client, kind, PROMPT)["success"]
    client.send("resume")
    client.hold("W", until=is_green)
    play_to(client, 3 * CHECKED)


@BOTH
@WHEN
def test_the_log_has_the_words_and_replays_exactly(kind: str, when: str, tmp_path: Path) -> None:
    with logging_client(tmp_path) as client:
        say_it(client, kind, when)
    logs = sorted(tmp_path.glob("*.ndjson"), key=lambda path: lines_of(path)[0].model_dump()["ts"])
    compared = [replays_exactly(plan_of_log(log), FakeModel().entry.load("none", lambda _: None)) for log in logs]
    assert compared[-1] >= 1
    said = [line for log in logs for line in lines_of(log) if isinstance(line, SceneEdit | GenerateScene)]
    assert [(line.type, line.prompt) for line in said] == [(kind, PROMPT)]
    last = lines_of(logs[-1])
    begins = last[0]
    assert isinstance(begins, SessionStart)
    if kind == "scene_edit" and when != "in a pause":
        at = last.index(said[0])
        went_on = next(line for line in last[at:] if isinstance(line, ContinuedFrom))
        assert went_on.frame_id == said[0].frame_id
        assert (said[0].frame_id > CHECKED - 1) == (when == "in play")
        assert [change.prompt for change in scenes_of(plan_of_log(logs[-1]))] == [PROMPT]
    else:  # the log begins after the change
        assert last[1] == said[0]
        assert said[0].frame_id == begins.frame_id
        assert (begins.starts_from is None) == (kind == "generate_scene")


def test_a_scene_out_of_nothing_ends_the_log_of_the_world_before(tmp_path: Path) -> None:
    with logging_client(tmp_path) as client:
        say_it(client, "generate_scene", "in play")
    logs = [lines_of(log) for log in tmp_path.glob("*.ndjson")]
    (before,) = [log for log in logs if isinstance(log[-2], WorldChanged)]
    (after,) = [log for log in logs if log is not before]
    changed, begins = before[-2], after[0]
    assert isinstance(changed, WorldChanged)
    assert isinstance(begins, SessionStart)
    assert (changed.picture, changed.rng_seed) == (begins.picture, begins.rng_seed)


@pytest.mark.parametrize("turn", ["a reset", "a kept moment", "another seed"])
def test_an_edit_undone_during_a_pause_is_not_in_the_log(turn: str, tmp_path: Path) -> None:
    with logging_client(tmp_path) as client:
        play_to(client, 3)
        client.send("pause")
        moment = client.reply(client.request("take_moment"))["data"]["moment_id"]
        assert ask(client, "scene_edit", PROMPT)["success"]
        match turn:
            case "a reset":
                client.send("reset")
            case "a kept moment":
                assert client.reply(client.request("restore_moment", moment_id=moment))["success"]
            case _:
                again = client.init(picture(77), scene_authoring=True, action_logging=True)
                assert client.reply(again)["success"]
        client.send("resume")
        client.hold("W", until=lambda frame: not is_green(frame))
    assert not [line for log in tmp_path.glob("*.ndjson") for line in lines_of(log) if isinstance(line, SceneEdit)]


# -------------------------------------------------------------------------------------------------- world files


def noise(number: int, width: int, height: int) -> bytes:
    """A picture file in which any difference would show."""
    pixels = np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def pixels_of(jpeg_b64: str) -> Picture:
    with Image.open(io.BytesIO(base64.b64decode(jpeg_b64))) as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture(name="entry", params=["fake", "moss"])
def fixture_entry(request: pytest.FixtureRequest, micro_folder: Path) -> CatalogueEntry:
    return FakeModel().entry if request.param == "fake" else entries(micro_folder)[request.param]


def test_a_world_saved_after_edits_replays_exactly_in_words_and_pixels(entry: CatalogueEntry, tmp_path: Path) -> None:
    editor = FakeImageEditor()
    services = replace(
        fake_services(prompt_writer=FakePromptWriter(), image_editor=editor),
        catalogue=WorldEngineCatalogue([entry]),
        frame_encoder=SimpleJpegEncoder(1),
        world_store=DirectoryWorldStore(tmp_path, 10),
    )
    model, pictures, seen = entry.model_id, itertools.count(), list[tuple[str, str]]()

    def change(client: PlayClient, prompt: str) -> None:
        editor.data = noise(next(pictures), 640, 360)
        data = ask(client, "scene_edit", prompt, timeout_s=300)["data"]
        seen.append((prompt, data["preview_jpeg_b64"]))

    with play_server(services) as server:
        with server.client(extended=True) as client:
            client.start(picture(90, 140, 60), model=model, scene_authoring=True, cap_inference_fps=False)
            change(client, "before the first pass")
            walk(client, 20, "W")
            moment = asked(client, "take_moment")["moment_id"]
            change(client, "undone")
            seen.pop()
            walk(client, 3, "A")
            asked(client, "restore_moment", moment_id=moment)
            walk(client, 3, "W", "D")
            client.send("pause")
            change(client, "in a pause")
            change(client, "in the same pause")
            walk(client, CHECKED - 20, "S")
            first = asked(client, "save_world")["world_id"]
        with server.client(extended=True) as client:
            config = session_config(scene_authoring=True, cap_inference_fps=False)
            assert client.reply(client.request("init", model=model, config=config, world_id=first))["success"]
            walk(client, 3, "W")
            change(client, "after opening it again")
            walk(client, 10, "SPACE")
            second = asked(client, "save_world")["world_id"]
    services.frame_encoder.close()
    engine = entry.load("none", lambda _: None)
    for world_id, count in ((first, 3), (second, 4)):
        plan = plan_of_world(tmp_path / f"{world_id}.world")
        assert [change.prompt for change in scenes_of(plan)] == [prompt for prompt, _ in seen[:count]]
        for change_there, (_, preview) in zip(scenes_of(plan), seen[:count], strict=True):
            assert np.array_equal(plan.pictures[change_there.picture], pixels_of(preview))
        assert plan.place is not None
        assert plan.place_picture is not None
        assert replays_exactly(plan, engine) == len(plan.inputs) // CHECKED >= 1
    engine.close()


# --------------------------------------------------------------------------------- the seed's identity afterwards


def test_a_generated_scene_is_the_seed_from_then_on() -> None:
    with studio() as at, at.server.client(extended=True) as client:
        begin(client)
        made = ask(client, "generate_scene")["data"]
        (session,) = at.server.sessions()
        in_play = at.server.handler.sessions.state_of(session["id"])
        assert isinstance(in_play, Playing)
        assert in_play.world.seed_hash == made["seed_hash"]
        client.hold("W", until=lambda frame: is_green(frame) and frame.content.pass_number >= 5)
        config = session_config(scene_authoring=True)
        same = client.request("init", model="fake/world", config=config, seed_hash=made["seed_hash"])
        assert client.reply(same)["success"]
        assert client.hold("W").content.pass_number > 5, "choosing it again changes nothing"
        assert client.reply(client.init(base64.b64decode(made["image_jpeg_base64"]), scene_authoring=True))["success"]
        assert client.hold("W").content.pass_number > 5
        assert at.server.http.delete(f"/api/scenes/{made['seed_hash']}").status_code == 204
        assert is_green(client.start_over()), "even if it is removed"
