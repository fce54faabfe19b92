"""Films whose prompts are written out, and films made once more to other words."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from services.prompt_writer.prompt_writer import FilmRequest, Instruction, Refusal
from tests._routes.film_rig import SMALL, ask, film_client, made, over
from tests.fakes.fake_prompt_writer import FakePromptWriter, writer_failure
from tests.fakes.fake_video_pipeline import FakeVideoPipeline

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from starlette.testclient import TestClient


@contextmanager
def writing_client(
    folder: Path, writer: FakePromptWriter, pipeline: FakeVideoPipeline | None = None
) -> Generator[TestClient]:
    with film_client(folder, pipeline, prompt_writer=writer) as client:
        yield client


def test_a_prompt_is_written_out_and_the_film_tells_what_was_written(tmp_path: Path) -> None:
    writer, pipeline = FakePromptWriter(), FakeVideoPipeline()
    with writing_client(tmp_path, writer, pipeline) as client:
        assert client.get("/api/video/specs").json()["why_no_writing"] is None
        film = made(client, prompt="a lake", write_prompt=True, seed=3)
        assert writer.requests == [FilmRequest("a lake")]
        assert (film["prompt"], film["written_prompt"]) == ("a lake", "a lake, written out")
        assert [order.prompt for order in pipeline.orders] == ["a lake, written out"]
        writer.answer = Instruction("something else")
        again = over(client, client.post(f"/api/video/films/{film['id']}/again").json()["id"])
        assert (again["digest"], len(writer.requests)) == (film["digest"], 1), "it was written once more"
        plain = made(client, prompt="a lake", seed=3)
        assert (plain["written_prompt"], pipeline.orders[-1].prompt) == (None, "a lake")


def test_without_a_prompt_writer_nothing_is_written_and_the_specs_say_so(tmp_path: Path) -> None:
    with film_client(tmp_path) as client:
        why = client.get("/api/video/specs").json()["why_no_writing"]
        answer = client.post("/api/video/words", json={"prompt": "a lake", "write_prompt": True, **SMALL})
        assert (answer.status_code, answer.json()["code"]) == (409, "filmRefused")
        assert why in answer.json()["message"]


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        (Refusal("No real persons."), "filmRefused", "No real persons."),
        (Instruction("a\x07lake"), "filmRefused", "control character"),
        (Instruction("x" * 5000), "filmRefused", "5000 characters"),
        (None, "authoringFailed", "The endpoint failed."),
    ],
)
def test_what_was_written_is_judged_like_what_was_typed(
    tmp_path: Path, answer: Instruction | Refusal | None, code: str, says: str
) -> None:
    writer, pipeline = FakePromptWriter(answer=answer), FakeVideoPipeline()
    if answer is None:
        writer.fail = writer_failure("The endpoint failed.")
    with writing_client(tmp_path, writer, pipeline) as client:
        film = over(client, ask(client, write_prompt=True)["id"])
        assert (film["state"], film["fault"]["code"]) == ("failed", code), film
        assert says in film["fault"]["message"]
        assert pipeline.orders == []
