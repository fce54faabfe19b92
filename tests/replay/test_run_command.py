"""`terrarium run` as a person uses it."""

from __future__ import annotations

import io
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from replay.dataset_folder import Split
from replay.plan import plan_of_world
from replay.run_command import RunServices, run_scripts
from replay.run_sources import RunSources
from replay.script import ScriptError, ScriptFault, read_script
from services.clock.system_clock import SystemClock
from services.frame_encoder.simple_jpeg_encoder import SimpleJpegEncoder
from services.picture_decoder.pillow_picture_decoder import PillowPictureDecoder
from services.world_engine.catalogue import WorldEngineCatalogue
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_seed_store import FakeSeedStore
from tests.fakes.fake_video_writer import FakeVideoWriter, read_fake_video
from tests.fakes.fake_world_engine import FakeWorldEngine
from tests.fakes.fake_world_store import FakeWorldStore
from tests.play.harness import picture
from tests.replay.scripts import script
from tests.services.world_files.samples import pack, sample_world
from tests.source_code import PROJECT

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.play.harness import Json

VIEW: Json = {"kind": "file", "path": "view.png"}


class Person:
    """Has some scripts in a folder, runs the command and reads what it says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "set"
        self.model = FakeModel()
        (folder / "view.png").write_bytes(picture(90))

    def has(self, name: str, said: Json) -> str:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(said))
        return str(path)

    def run(self, *scripts: str, flags: tuple[str, ...] = ()) -> tuple[int, str, str]:
        """Exit status, and what was said to the person and in complaint."""
        out, err = io.StringIO(), io.StringIO()
        status = run_scripts([*scripts, "--out", str(self.data), *flags], self._services, out=out, err=err)
        return status, out.getvalue(), err.getvalue()

    @property
    def manifest(self) -> Json:
        return json.loads((self.data / "dataset.json").read_text())

    @contextmanager
    def _services(self, _: Path | None) -> Generator[RunServices]:
        encoder, decoder = SimpleJpegEncoder(1), PillowPictureDecoder()
        catalogue = WorldEngineCatalogue([self.model.entry])
        sources = RunSources(FakeSeedStore(), FakeWorldStore(), decoder, catalogue)
        yield RunServices(catalogue, encoder, FakeVideoWriter(), sources, SystemClock())
        decoder.close()
        encoder.close()


@pytest.fixture(name="person")
def fixture_person(tmp_path: Path) -> Person:
    return Person(tmp_path)


def test_scripts_become_a_data_set_with_frames_actions_and_a_manifest(person: Person) -> None:
    walk = person.has("walk", script(VIEW, keep=["film", "world", "log", "frames"]))
    other = person.has("other", script(VIEW, rng_seed=8))
    assert person.run(walk, other, flags=("--quiet",))[0] == 0
    episodes = {episode["name"]: episode for episode in person.manifest["episodes"]}
    assert list(episodes) == ["other", "walk"]
    assert (person.manifest["passes"], person.manifest["frames"]) == (14, 28)
    assert episodes["walk"]["digest"] != episodes["other"]["digest"]
    folder = person.data / "episodes" / "walk"
    for role, name in episodes["walk"]["files"].items():
        assert (folder / name).exists(), role
    assert len(read_fake_video(folder / "film.mp4").frames) == 14
    assert len(list((folder / "frames").iterdir())) == 1 + 14
    assert len((folder / "actions.jsonl").read_text().splitlines()) == 1 + 14
    assert plan_of_world(folder / "end.world").inputs[6].control.mouse_dx == 2.5
    assert len(person.model.engines) == 1, "one engine for both"
    assert (person.model.engines[0].open_worlds, person.model.engines[0].is_closed) == (0, True)


def test_the_same_script_gives_the_same_frames_in_another_folder(person: Person) -> None:
    walk = person.has("walk", script(VIEW))
    person.run(walk)
    first = person.manifest["episodes"]
    person.data = person.folder / "again"
    person.run(walk)
    assert person.manifest["episodes"] == first


def test_an_interrupted_run_goes_on_where_it_was(person: Person) -> None:
    scripts = [person.has(f"walk{number}", script(VIEW, rng_seed=number)) for number in range(3)]
    person.run(*scripts[:1])
    left = person.data / "episodes" / "walk1"
    left.mkdir()
    (left / "actions.jsonl").write_text("half a li")
    status, told, _ = person.run(*scripts)
    assert (status, told.count("was there already")) == (0, 1)
    assert [episode["name"] for episode in person.manifest["episodes"]] == ["walk0", "walk1", "walk2"]
    assert len((left / "actions.jsonl").read_text().splitlines()) == 14, (
        "without pictures there is none of the beginning"
    )


def test_an_episode_of_another_script_is_not_taken_for_it(person: Person) -> None:
    person.run(person.has("walk", script(VIEW)))
    before = person.manifest
    status, _, complaint = person.run(person.has("walk", script(VIEW, rng_seed=8)))
    assert (status, person.manifest) == (2, before)
    assert "made from another script" in complaint
    (person.folder / "view.png").write_bytes(picture(200))
    assert person.run(person.has("walk", script(VIEW)))[0] == 2, "it would begin in another picture"


def test_one_that_fails_does_not_keep_the_others(person: Person) -> None:
    bad = script({"kind": "file", "path": "walk.world"})
    (person.folder / "walk.world").write_bytes(pack(sample_world()))
    person.model = FakeModel(make_engine=lambda name: FakeWorldEngine(name, weights_hash="beef"))
    status, told, _ = person.run(person.has("bad", bad), person.has("good", script(VIEW)))
    assert (status, "other weights" in told) == (3, True), told
    assert [episode["name"] for episode in person.manifest["episodes"]] == ["good"]


def test_the_split_depends_on_the_episode_alone(person: Person) -> None:
    split = Split(validation=20, test=30)
    digests = [f"{number * 0x28F5C28F5C28F5C:016x}{'0' * 48}" for number in range(100)]
    parts = [split.part_of(digest) for digest in digests]
    assert {part: parts.count(part) for part in ("train", "validation", "test")} == {
        "train": pytest.approx(50, abs=1),
        "validation": pytest.approx(20, abs=1),
        "test": pytest.approx(30, abs=1),
    }
    person.run(person.has("walk", script(VIEW)), flags=("--split", "0/0/100"))
    assert person.manifest["split"] == {"train": 0, "validation": 0, "test": 1}


def test_programs_are_told_in_json(person: Person) -> None:
    _, told, complaints = person.run(person.has("walk", script(VIEW)), flags=("--json",))
    lines = [json.loads(line) for line in told.splitlines()]
    assert [(line["event"], line["name"], line["passes"]) for line in lines] == [("episode", "walk", 7)]
    assert complaints == ""


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"model": "fake/none"}, "There is no engine “fake/none” here"),
        ({"quant": "int1"}, "does not come as “int1”"),
        ({"start": {"kind": "file", "path": "nothing.png"}}, "cannot be read"),
        ({"start": {"kind": "seed", "hash": "0" * 64}}, "There is no picture"),
        ({"start": {"kind": "world", "id": "nowhere"}}, "There is no saved world"),
        ({"steps": [{"keys": ["WARP"]}]}, "there is no key “WARP”"),
    ],
)
def test_nothing_is_played_unless_every_script_is_in_order(person: Person, change: Json, sentence: str) -> None:
    good, bad = person.has("good", script(VIEW)), person.has("bad", {**script(VIEW), **change})
    status, told, complaint = person.run(good, bad)
    assert (status, told) == (2, "")
    assert sentence in complaint
    assert "bad.json" in complaint
    assert person.model.engines == []


def test_two_scripts_of_one_name_are_refused(person: Person) -> None:
    (person.folder / "more").mkdir()
    twice = person.has("walk", script(VIEW)), person.has("more/walk", script({"kind": "file", "path": "../view.png"}))
    assert "Rename one of them" in person.run(*twice)[2]


@pytest.mark.parametrize("split", ["80/10", "a/b/c", "80/10/11"])
def test_a_split_makes_a_hundred(person: Person, split: str) -> None:
    status, _, complaint = person.run(person.has("walk", script(VIEW)), flags=("--split", split))
    assert (status, "three whole numbers that make 100" in complaint) == (2, True)


def said(change: Any) -> bytes:
    return json.dumps({**script(VIEW), **change}).encode()


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", ScriptFault.EMPTY),
        (b" \n", ScriptFault.EMPTY),
        (b" " * (8 * 1024 * 1024 + 1), ScriptFault.TOO_LARGE),
        (b"\x89PNG", ScriptFault.NOT_A_SCRIPT),
        (b"[]", ScriptFault.NOT_A_SCRIPT),
        (b"[" * 1_000_000, ScriptFault.NOT_A_SCRIPT),
        (b'{"format": "terrarium.world", "version": 1}', ScriptFault.NOT_A_SCRIPT),
        (said({"version": 2}), ScriptFault.OTHER_VERSION),
        (said({"steps": []}), ScriptFault.INVALID),
        (said({"steps": [{"keys": ["WARP"]}]}), ScriptFault.INVALID),
        (said({"steps": [{"mouse": [float("nan"), 0]}]}), ScriptFault.INVALID),
        (said({"steps": [{"mouse": [float("inf"), 0]}]}), ScriptFault.INVALID),
        (said({"steps": [{"prompt": "a\nb"}]}), ScriptFault.INVALID),
        (said({"steps": [{"hold": 10_000}] * 100}), ScriptFault.TOO_LONG),
    ],
)
def test_bad_files_are_told_apart(data: bytes, fault: ScriptFault) -> None:
    with pytest.raises(ScriptError) as refused:
        read_script(data)
    assert refused.value.fault is fault
    assert refused.value.message.endswith(".")


def test_a_file_of_a_hundred_megabytes_is_not_read_whole(person: Person) -> None:
    path = person.folder / "huge.json"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    status, _, complaint = person.run(str(path))
    assert (status, "8 MiB at most" in complaint) == (2, True)


def test_the_place_of_a_fault_is_named_as_its_author_counts() -> None:
    with pytest.raises(ScriptError, match=r"steps 2\.keys 1"):
        read_script(said({"steps": [{}, {"keys": ["WARP"]}]}))


def test_the_example_of_the_documentation_is_a_script() -> None:
    text = (PROJECT / "docs" / "scripts.md").read_text(encoding="utf-8")
    assert read_script(text.split("```json\n")[1].split("```")[0].encode()).passes == 90
