"""Every way of making, through the real classes of diffusers with a tiny model, into files that are read again."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.video_pipeline._seams import SEAM_FRAMES
from services.video_pipeline.film_order import (
    Camera,
    Control,
    Controlled,
    Extension,
    FromPictures,
    FromSound,
    Joining,
    LoraUse,
    PlacedPicture,
    Retake,
    RetakenPart,
    Side,
    Upscale,
)
from services.video_pipeline.video_pipeline import VideoFault, VideoPipelineError
from services.video_pipeline.video_specs import frames_for
from services.video_reader.source_media import read_frames, read_sound
from tests.services.video_pipeline.contract import ORDER, ignore
from tests.services.video_pipeline.rig import pipeline_of

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from services.video_pipeline.film_order import FilmOrder, Way
    from services.video_pipeline.ltx_video_pipeline import LTXFastVideoPipeline
    from services.video_pipeline.video_pipeline import FilmProgress, MadeFilm

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("diffusers") is None, reason="the extra models is not installed"),
    pytest.mark.xdist_group("torch"),
    pytest.mark.trial,
]

FPS = 24.0


@pytest.fixture(name="pipeline", scope="module")
def fixture_pipeline(model: Path) -> Generator[LTXFastVideoPipeline]:
    with pipeline_of(model) as pipeline:
        yield pipeline


def make(pipeline: LTXFastVideoPipeline, order: FilmOrder, target: Path) -> MadeFilm:
    return asyncio.run(pipeline.make(order, target, ignore))


def order_of(way: Way, frames: int = 17) -> FilmOrder:
    return replace(ORDER, way=way, frames=frames, fps=FPS)


def pixels(film: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    return np.stack(list(read_frames(film, width=128, height=64, fps=FPS))).astype(np.int16)


def likeness(first: np.ndarray[tuple[int, ...], np.dtype[np.int16]], second: object) -> float:
    """The mean difference of two stretches of film, 0 to 255."""
    return float(np.abs(first - np.asarray(second)).mean())


def test_pictures_at_both_ends_and_between(pipeline: LTXFastVideoPipeline, media: Path, tmp_path: Path) -> None:
    picture = media / "picture.png"
    places = (PlacedPicture(picture), PlacedPicture(picture, 0.3, 0.5), PlacedPicture(picture, "last"))
    film = make(pipeline, order_of(FromPictures(places)), tmp_path / "film.mp4")
    assert (film.frames, film.has_sound) == (17, True)
    make(pipeline, order_of(FromPictures(places[:1])), tmp_path / "other.mp4")
    assert (tmp_path / "film.mp4").read_bytes() != (tmp_path / "other.mp4").read_bytes()


def test_a_film_to_a_sound_sounds_like_it(pipeline: LTXFastVideoPipeline, media: Path, tmp_path: Path) -> None:
    make(pipeline, order_of(FromSound(media / "tone.wav")), tmp_path / "film.mp4")
    made = read_sound(tmp_path / "film.mp4", rate=24_000, seconds=0.5)[0]
    spectrum = np.abs(np.fft.rfft(made))
    assert abs(np.argmax(spectrum) / made.size * 24_000 - 440) < 5
    with pytest.raises(VideoPipelineError, match="no sound") as caught:
        make(pipeline, order_of(FromSound(media / "silent.mp4")), tmp_path / "none.mp4")
    assert caught.value.fault is VideoFault.SOURCE_UNUSABLE


@pytest.mark.parametrize("what", list(RetakenPart))
def test_a_retake_changes_what_it_says_and_nothing_else(
    pipeline: LTXFastVideoPipeline, media: Path, tmp_path: Path, what: RetakenPart
) -> None:
    source = media / "walk.mp4"
    way = Retake(source, 0.75, 1.25, what)
    film = make(pipeline, order_of(way, frames_for(way, 0, FPS)), tmp_path / "film.mp4")
    assert film.frames == 48
    before, after = pixels(source), pixels(tmp_path / "film.mp4")
    begin, end = 18, 30
    assert likeness(before[:begin], after[:begin]) < 6, "encoded once more, and otherwise as it was"
    assert likeness(before[end:], after[end:]) < 6
    is_new = likeness(before[begin:end], after[begin:end]) > 20
    assert is_new == (what is not RetakenPart.SOUND)
    heard = [read_sound(path, rate=24_000, start_s=0.85, seconds=0.3)[0] for path in (source, tmp_path / "film.mp4")]
    tones = [np.argmax(np.abs(np.fft.rfft(each))) / each.size * 24_000 for each in heard]
    if what is RetakenPart.PICTURE:
        assert abs(tones[1] - 440) < 10
    start = read_sound(tmp_path / "film.mp4", rate=24_000, seconds=0.5)[0]
    assert abs(np.argmax(np.abs(np.fft.rfft(start))) / start.size * 24_000 - 440) < 10, "sound outside of it stays"


def test_a_silent_source_stays_silent(pipeline: LTXFastVideoPipeline, media: Path, tmp_path: Path) -> None:
    way = Retake(media / "silent.mp4", 0.75, 1.25, RetakenPart.PICTURE)
    film = make(pipeline, order_of(way, frames_for(way, 0, FPS)), tmp_path / "film.mp4")
    assert not film.has_sound
    assert read_sound(tmp_path / "film.mp4", rate=24_000, seconds=1).size == 0


@pytest.mark.parametrize("side", list(Side))
def test_an_extension_goes_on_at_its_side(
    pipeline: LTXFastVideoPipeline, media: Path, tmp_path: Path, side: Side
) -> None:
    source = media / "walk.mp4"
    way = Extension(source, side, 0.5)
    film = make(pipeline, order_of(way, frames_for(way, 0, FPS)), tmp_path / "film.mp4")
    assert film.frames == 48 + 12
    before, after = pixels(source), pixels(tmp_path / "film.mp4")
    kept = after[:48] if side is Side.END else after[12:]
    stays = slice(0, 48 - SEAM_FRAMES) if side is Side.END else slice(SEAM_FRAMES, 48)
    assert likeness(before[stays], kept[stays]) < 6
    seam, new = (47, after[48]) if side is Side.END else (0, after[11])
    around = range(48 - SEAM_FRAMES - 1, 48) if side is Side.END else range(11, 12 + SEAM_FRAMES)
    steps = [likeness(after[at], after[at + 1]) for at in around]
    assert max(steps) < 0.5 * likeness(before[seam], new), "a hard cut"


def test_two_films_are_joined(pipeline: LTXFastVideoPipeline, media: Path, tmp_path: Path) -> None:
    source = media / "walk.mp4"
    way = Joining(source, media / "silent.mp4", 0.5)
    film = make(pipeline, order_of(way, frames_for(way, 0, FPS)), tmp_path / "film.mp4")
    assert 0 <= film.frames - (48 + 12 + 48) < 8
    after = pixels(tmp_path / "film.mp4")
    assert likeness(pixels(source)[:-SEAM_FRAMES], after[: 48 - SEAM_FRAMES]) < 6
    assert likeness(pixels(media / "silent.mp4")[SEAM_FRAMES:], after[-48 + SEAM_FRAMES :]) < 6


def test_a_film_is_upscaled_and_made_in_two_passes(pipeline: LTXFastVideoPipeline, media: Path, tmp_path: Path) -> None:
    larger = replace(order_of(Upscale(media / "walk.mp4"), 25), width=256, height=128)
    film = make(pipeline, larger, tmp_path / "upscaled.mp4")
    assert (film.width, film.height, film.frames, film.has_sound) == (256, 128, 25, True)
    seen: list[FilmProgress] = []
    twice = replace(ORDER, upscale=True, width=256, height=128)
    asyncio.run(pipeline.make(twice, tmp_path / "twice.mp4", seen.append))
    assert max(progress.steps for progress in seen) == 8 + 3


def test_a_film_follows_edges_by_a_lora(pipeline: LTXFastVideoPipeline, media: Path, tmp_path: Path) -> None:
    lora = tmp_path / "edges.safetensors"
    write_lora(lora, {"transformer_blocks.0.attn1.to_q": (32, 32)})
    way = Controlled(media / "walk.mp4", Control.EDGES, lora)
    film = make(pipeline, order_of(way), tmp_path / "film.mp4")
    assert film.frames == 17
    with pytest.raises(VideoPipelineError, match="finds poses"):
        make(pipeline, order_of(Controlled(media / "walk.mp4", Control.POSE, lora)), tmp_path / "no.mp4")
    with pytest.raises(VideoPipelineError, match="needs an in-context LoRA"):
        make(pipeline, order_of(Controlled(media / "walk.mp4", Control.EDGES)), tmp_path / "no.mp4")


def test_a_film_follows_depth_where_it_can_be_told_and_a_control_that_is_brought_along(
    pipeline: LTXFastVideoPipeline, media: Path, tmp_path: Path
) -> None:
    lora = tmp_path / "depth.safetensors"
    write_lora(lora, {"transformer_blocks.0.attn1.to_q": (32, 32)})
    films: list[bytes] = []
    for control in (Control.DEPTH, Control.AS_IS):
        film = make(pipeline, order_of(Controlled(media / "hill.mp4", control, lora)), tmp_path / f"{control}.mp4")
        assert film.frames == 17
        films.append((tmp_path / f"{control}.mp4").read_bytes())
    assert films[0] != films[1], "the control made no difference"
    with pytest.raises(VideoPipelineError, match="network that finds it learnt open country") as refused:
        make(pipeline, order_of(Controlled(media / "walk.mp4", Control.DEPTH, lora)), tmp_path / "no.mp4")
    assert refused.value.fault is VideoFault.SOURCE_UNUSABLE
    assert not (tmp_path / "no.mp4").exists()


def test_a_lora_changes_the_film_and_is_gone_afterwards(pipeline: LTXFastVideoPipeline, tmp_path: Path) -> None:
    lora = tmp_path / "own.safetensors"
    write_lora(lora, {"transformer_blocks.1.attn1.to_v": (32, 32)})
    for name, uses in (("plain", ()), ("with", (LoraUse(lora, 2.0),)), ("after", ())):
        make(pipeline, replace(ORDER, loras=uses), tmp_path / f"{name}.mp4")
    plain, changed, after = ((tmp_path / f"{name}.mp4").read_bytes() for name in ("plain", "with", "after"))
    assert plain == after
    assert plain != changed


def test_loras_that_do_not_fit_are_refused_before_the_model_is_touched(
    pipeline: LTXFastVideoPipeline, tmp_path: Path
) -> None:
    files = {
        "other sizes": ("a.safetensors", {"transformer_blocks.0.attn1.to_q": (64, 64)}, "other sizes"),
        "another model": ("b.safetensors", {"single_blocks.0.linear1": (32, 32)}, "another model"),
    }
    for name, layers, match in files.values():
        write_lora(tmp_path / name, layers)
        refuse(pipeline, tmp_path / name, match)
    (tmp_path / "c.safetensors").write_bytes(b"\x80\x04 a pickle")
    refuse(pipeline, tmp_path / "c.safetensors", "damaged")
    (tmp_path / "d.pt").write_bytes(b"\x80\x04 a pickle")
    refuse(pipeline, tmp_path / "d.pt", r"has to be a \.safetensors file")
    whole = (tmp_path / "a.safetensors").read_bytes()
    (tmp_path / "e.safetensors").write_bytes(whole[:-10])
    refuse(pipeline, tmp_path / "e.safetensors", "ends too early")
    refuse(pipeline, tmp_path / "gone.safetensors", "not there")


def refuse(pipeline: LTXFastVideoPipeline, lora: Path, match: str) -> None:
    with pytest.raises(VideoPipelineError, match=match) as caught:
        make(pipeline, replace(ORDER, loras=(LoraUse(lora),)), lora.with_name("none.mp4"))
    assert caught.value.fault is VideoFault.LORA_REFUSED
    assert str(lora) not in str(caught.value)
    assert not lora.with_name("none.mp4").exists()


def write_lora(file: Path, layers: dict[str, tuple[int, int]], rank: int = 2) -> None:
    """A LoRA with random weights in the format safetensors."""
    numbers = np.random.default_rng(5)
    tensors = {
        f"transformer.{layer}.{part}.weight": numbers.normal(size=shape).astype("<f4")
        for layer, (inner, outer) in layers.items()
        for part, shape in (("lora_A", (rank, inner)), ("lora_B", (outer, rank)))
    }
    header, at = {}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + tensor.nbytes]}
        at += tensor.nbytes
    text = json.dumps(header).encode()
    body = b"".join(tensor.tobytes() for tensor in tensors.values())
    file.write_bytes(struct.pack("<Q", len(text)) + text + body)


def test_a_camera_is_words_where_there_is_no_lora(pipeline: LTXFastVideoPipeline, tmp_path: Path) -> None:
    assert {spec.by for spec in pipeline.specs().cameras} == {"words"}
    make(pipeline, ORDER, tmp_path / "plain.mp4")
    make(pipeline, replace(ORDER, camera=Camera.DOLLY_IN), tmp_path / "moved.mp4")
    assert (tmp_path / "plain.mp4").read_bytes() != (tmp_path / "moved.mp4").read_bytes()


def test_previews_come_where_they_are_asked_for_and_change_nothing(
    pipeline: LTXFastVideoPipeline, tmp_path: Path
) -> None:
    seen: list[FilmProgress] = []
    asyncio.run(pipeline.make(replace(ORDER, previews=True), tmp_path / "shown.mp4", seen.append))
    previews = [progress.preview for progress in seen if progress.preview is not None]
    assert len(previews) == 4
    assert all(preview.startswith(b"\xff\xd8") for preview in previews)
    make(pipeline, ORDER, tmp_path / "plain.mp4")
    assert (tmp_path / "shown.mp4").read_bytes() == (tmp_path / "plain.mp4").read_bytes()


def test_a_source_that_is_too_short_or_no_film_is_refused(
    pipeline: LTXFastVideoPipeline, media: Path, tmp_path: Path
) -> None:
    script = tmp_path / "film.mp4"
    script.write_text(f"#EXTM3U\n#EXTINF:1,\nfile://{media / 'walk.mp4'}\n")
    late = Retake(media / "walk.mp4", 1.5, 9.0)
    short = Extension(media / "picture.png", Side.END, 0.5)
    for way in (Extension(script, Side.END, 0.5), late, short, Extension(media / "tone.wav", Side.END, 0.5)):
        with pytest.raises(VideoPipelineError) as caught:
            make(pipeline, order_of(way, 41), tmp_path / "no.mp4")
        assert caught.value.fault in {VideoFault.SOURCE_UNUSABLE, VideoFault.CANNOT}
        assert str(tmp_path) not in str(caught.value)
    assert not (tmp_path / "no.mp4").exists()
