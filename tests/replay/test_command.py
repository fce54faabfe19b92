"""`terrarium replay` as a person uses it."""

from __future__ import annotations

import io
import json
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from replay.command import ReplayServices, run_replay
from services.frame_encoder.simple_jpeg_encoder import SimpleJpegEncoder
from services.input_log.columns import InputColumns, PassInput
from services.input_log.lines import SessionStart, encode_lines, frame_input
from services.input_log.pictures import pixels_hash
from services.picture_decoder.png_pixels import encode_pixels
from services.world_engine.catalogue import WorldEngineCatalogue
from services.world_engine.world_engine import ControlPayload
from services.world_files.world_file import ModelFacts, SeedFacts, WorldFilePayload, WorldMoment
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_video_writer import FakeVideoWriter, read_fake_video
from tests.fakes.fake_world_engine import FakeWorldEngine, fake_seed
from tests.full_disk import files_of_at_most, needs_file_limits
from tests.services.world_files.samples import pack, sample_world, spoiled

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

PASSES = 12


def world_of(engine: FakeWorldEngine) -> WorldFilePayload:
    """A walk of a fake engine, as it was."""
    seed = fake_seed(10, 20, 30)
    world, inputs = engine.open_world(seed, rng_seed=5), InputColumns()
    frame = seed
    for number in range(PASSES):
        control = ControlPayload(frozenset({0x57, 0x10} if number % 2 else {0x57}), 0.5 * number, 0.0)
        frame = world.step(control)[-1]
        inputs.append(PassInput(control, 100.0 + number, 0.0))
    spec = engine.spec
    return replace(
        sample_world(),
        title="A walk",
        model=ModelFacts(
            id=spec.model_id,
            quant="none",
            weights_hash=spec.weights_hash,
            frames_per_pass=spec.frames_per_pass,
            fps=spec.fps,
            width=spec.width,
            height=spec.height,
        ),
        rng_seed=5,
        seed=SeedFacts(picture=pixels_hash(seed), file=None),
        base=None,
        place=WorldMoment(PASSES, world.snapshot(), pixels_hash(seed)),
        place_picture=pixels_hash(frame),
        inputs=inputs,
        changes=(),
        checks=(),
        pictures={pixels_hash(seed): seed, pixels_hash(frame): frame},
    )


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Person:
    """Runs the command and keeps what it says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "walk.world"
        self.file.write_bytes(pack(world_of(FakeWorldEngine())))
        self.out = io.StringIO()
        self.err: io.StringIO = io.StringIO()
        self.model = FakeModel()

    def run(self, *arguments: object) -> int:
        return run_replay([str(argument) for argument in arguments], self._services, out=self.out, err=self.err)

    @contextmanager
    def _services(self, _: Path | None) -> Generator[ReplayServices]:
        encoder = SimpleJpegEncoder(1)
        yield ReplayServices(WorldEngineCatalogue([self.model.entry]), encoder, FakeVideoWriter())
        encoder.close()


@pytest.fixture(name="person")
def fixture_person(tmp_path: Path) -> Person:
    return Person(tmp_path)


def test_a_film_has_every_frame_at_its_nominal_time(person: Person) -> None:
    film = person.folder / "film.mp4"
    assert person.run(person.file, "--out", film) == 0
    video = read_fake_video(film)
    assert len(video.frames) == PASSES * 2
    assert video.shown_at_s == pytest.approx([frame / 60 for frame in range(PASSES * 2)], abs=1e-5)
    assert video.duration_s == pytest.approx(PASSES * 2 / 60)
    assert (video.title, json.loads(video.comment)["model"]) == ("A walk", "fake/world")
    assert "compared: exact" in person.out.getvalue()
    assert person.err.getvalue() == "", "a bar would only fill a log"


def test_a_terminal_sees_how_far_it_is_unless_it_asked_for_quiet(person: Person) -> None:
    person.err = Terminal()
    assert person.run(person.file) == 0
    assert f"{PASSES}/{PASSES}" in person.err.getvalue()
    person.err = Terminal()
    assert person.run(person.file, "--quiet") == 0
    assert person.err.getvalue() == ""


def test_a_data_set_has_each_frame_and_what_led_to_it(person: Person) -> None:
    folder = person.folder / "set"
    assert person.run(person.file, "--frames", folder, "--quiet") == 0
    assert person.err.getvalue() == ""
    rows = [json.loads(line) for line in (folder / "actions.jsonl").read_text().splitlines()]
    facts = json.loads((folder / "dataset.json").read_text())
    assert facts["frames"] == len(rows) == 1 + PASSES * 2
    assert (facts["fps"], facts["frames_per_pass"], facts["model"]) == (60, 2, "fake/world")
    assert rows[0] == {"frame": 0, "time_s": 0.0, "pass": 0, "sub_frame": None, "file": "frames/00000000.png"}
    assert rows[4]["buttons"] == ["SHIFT", "W"]
    assert (rows[4]["pass"], rows[4]["sub_frame"], rows[4]["mouse_dx"]) == (2, 1, 0.5)
    engine = FakeWorldEngine()
    world = engine.open_world(fake_seed(10, 20, 30), rng_seed=5)
    frames = [world.step(given.control) for given in world_of(engine).inputs]
    for row in rows[1:]:
        with Image.open(folder / row["file"]) as image:
            expected = frames[int(row["pass"]) - 1][int(row["sub_frame"])]
            assert np.array_equal(np.asarray(image, dtype=np.uint8), expected)


def test_a_data_set_can_keep_its_frames_in_a_film(person: Person) -> None:
    folder = person.folder / "set"
    assert person.run(person.file, "--frames", folder, "--frames-as", "mp4", "--quiet") == 0
    assert len(read_fake_video(folder / "frames.mp4").frames) == PASSES * 2
    rows = [json.loads(line) for line in (folder / "actions.jsonl").read_text().splitlines()]
    assert [row["frame"] for row in rows] == list(range(PASSES * 2))
    assert "file" not in rows[0]


def test_a_replay_that_differs_is_reported_and_measured(person: Person) -> None:
    world = world_of(FakeWorldEngine())
    place = world.pictures[world.place_picture or ""].copy()
    place[-1, -1] += 7
    changed = replace(world, place_picture=pixels_hash(place), pictures={**world.pictures, pixels_hash(place): place})
    person.file.write_bytes(pack(changed))
    assert person.run(person.file, "--quiet") == 3
    said = person.out.getvalue()
    assert "differs by 7 of 255 at most" in said
    assert "vouches for nothing on other machines" in said
    assert "a test" in said


def test_a_world_without_a_pass_compares_nothing_and_says_so(person: Person) -> None:
    engine = FakeWorldEngine()
    seed = fake_seed(10, 20, 30)
    at_seed = WorldMoment(0, engine.open_world(seed, rng_seed=5).snapshot(), pixels_hash(seed))
    unplayed = replace(
        world_of(engine), inputs=InputColumns(), place=at_seed, place_picture=None, pictures={pixels_hash(seed): seed}
    )
    person.file.write_bytes(pack(unplayed))
    assert person.run(person.file, "--quiet") == 4
    assert "compared: nothing, as there is no pass" in person.out.getvalue()


def test_help_names_every_exit_status(person: Person, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        person.run("--help")
    shown = capsys.readouterr().out
    assert all(f"\n  {status}  " in shown for status in (0, 2, 3, 4))


@needs_file_limits
@pytest.mark.parametrize("size_bytes", [0, 100, 3000])
def test_a_disk_that_fills_up_under_a_data_set_is_told_in_a_sentence(person: Person, size_bytes: int) -> None:
    folder = person.folder / "set"
    with files_of_at_most(size_bytes):
        assert person.run(person.file, "--frames", folder, "--quiet") == 2
    assert "set cannot be written" in person.err.getvalue()
    assert not (folder / "dataset.json").exists(), "which would say that the set is whole"


def test_nothing_is_written_over(person: Person) -> None:
    film = person.folder / "film.mp4"
    film.write_text("precious")
    assert person.run(person.file, "--out", film) == 2
    assert film.read_text() == "precious"
    assert person.run(person.file, "--frames", person.folder) == 2
    assert person.run(person.file, "--out", person.folder / "film.avi") == 2
    assert "exists already" in person.err.getvalue()


def test_other_models_and_weights_are_told(person: Person) -> None:
    person.model = FakeModel("other/model")
    assert person.run(person.file) == 2
    assert "made with fake/world, which is not here" in person.err.getvalue()
    person.model = FakeModel(make_engine=lambda name: FakeWorldEngine(name, weights_hash="beef"))
    assert person.run(person.file) == 2
    assert "other weights" in person.err.getvalue()
    person.model = FakeModel(fail="The weights are not on this machine.")
    assert person.run(person.file) == 2
    assert "The weights are not on this machine." in person.err.getvalue()


def test_bad_files_and_bad_flags_are_told_in_a_sentence(person: Person) -> None:
    bad = person.folder / "bad.world"
    for data in (b"", b"x" * 100, spoiled(lambda members: members.update({"../x": b""}))):
        bad.write_bytes(data)
        assert person.run(bad) == 2
    assert person.run(person.folder / "missing.world") == 2
    assert person.run("--unheard-of") == 2
    log = person.folder / "log.ndjson"
    for text in ("", "{}\n", '{"type":"frame_input"}\n', "x"):
        log.write_text(text)
        assert person.run(log) == 2
    assert all(line.endswith(".") for line in person.err.getvalue().splitlines())


def test_a_log_cut_off_by_a_crash_is_replayed_as_far_as_it_goes(person: Person) -> None:
    world = world_of(FakeWorldEngine())
    start = SessionStart(
        ts=1.0,
        frame_id=0,
        model="fake/world",
        seed=None,
        n_frames=2,
        seed_target_size=(32, 48),
        weights_hash="f00d",
        rng_seed=5,
        picture=world.seed.picture,
    )
    lines = encode_lines([start, *(frame_input(number, given) for number, given in enumerate(world.inputs, 1))])
    log = person.folder / "log.ndjson"
    log.write_bytes(lines[:-40])
    assert person.run(log, "--quiet") == 2
    assert "needs pictures/" in person.err.getvalue()
    (person.folder / "pictures").mkdir()
    picture = person.folder / "pictures" / f"{world.seed.picture}.png"
    picture.write_bytes(encode_pixels(world.pictures[world.seed.picture]))
    assert person.run(log, "--quiet") == 4, "a log of so few passes has no check"
    assert f"{PASSES - 1} passes" in person.out.getvalue()
    assert "compared: nothing, as the file holds nothing" in person.out.getvalue()
    picture.write_bytes(encode_pixels(fake_seed(99)))
    assert person.run(log, "--quiet") == 2
