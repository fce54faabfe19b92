"""What the status says of a writer's model that is missing or incomplete. Nothing is loaded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from services.prompt_writer.writer_files import MODEL_ID, REVISION, WriterFiles

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = "Pull it in the Models view of the server's page."
WHOLE = {
    "config.json": '{"vision_config": {}}',
    "tokenizer_config.json": "{}",
    "preprocessor_config.json": "{}",
    "model.safetensors": "",
}


def put(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def files_in(cache: Path, given: Path | None = None, *, without: str | None = None) -> WriterFiles:
    return WriterFiles(cache, given, has_package=lambda package: package != without)


def test_the_pinned_revision_is_found_in_the_cache(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    assert files.what_is_missing() == f"The model {MODEL_ID} is not on this machine. {COMMAND}"
    put(files.folder.parent / "another", WHOLE)
    assert files.what_is_missing() == f"The model {MODEL_ID} is on this machine in another version. {COMMAND}"
    put(files.folder, WHOLE)
    assert files.what_is_missing() is None
    assert files.name == MODEL_ID
    assert files.folder == tmp_path / "models--Qwen--Qwen3-VL-4B-Instruct" / "snapshots" / REVISION


@pytest.mark.parametrize("lacking", WHOLE)
def test_a_part_of_it_is_not_enough(tmp_path: Path, lacking: str) -> None:
    files = files_in(tmp_path)
    put(files.folder, {name: text for name, text in WHOLE.items() if name != lacking})
    missing = files.what_is_missing()
    if lacking == "config.json":
        # Without it nobody knows whether the model reads pictures; it is missing either way.
        assert missing is not None
    assert missing == f"The model {MODEL_ID} is on this machine in part. {COMMAND}"


def test_weights_in_several_files_are_all_wanted(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    index = json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})
    whole = {name: text for name, text in WHOLE.items() if name != "model.safetensors"}
    put(files.folder, {**whole, "model.safetensors.index.json": index, "model-1.safetensors": "one"})
    assert "in part" in str(files.what_is_missing())
    put(files.folder, {"model-2.safetensors": "two"})
    assert files.what_is_missing() is None
    assert (files.size().total, files.size().largest_part) == (6, 6)


@pytest.mark.parametrize(
    "index", ["[", "[]", '{"weight_map": []}', '{"weight_map": {"a": 7}}', '{"weight_map": {"a": []}}']
)
def test_a_damaged_index_is_no_crash(tmp_path: Path, index: str) -> None:
    files = files_in(tmp_path)
    put(files.folder, {**WHOLE, "model.safetensors.index.json": index})
    files.what_is_missing()


def test_a_folder_of_the_settings_may_hold_another_model(tmp_path: Path) -> None:
    given = tmp_path / "my-writer"
    files = files_in(tmp_path / "cache", given)
    assert files.what_is_missing() == (
        "The folder of the prompt writer's model lacks files of it. Download the model into it again."
    )
    put(given, {"config.json": "{}", "tokenizer_config.json": "{}", "model.safetensors": ""})
    assert files.what_is_missing() is None, "one that reads no pictures has no image processor"
    assert files.name == "my-writer"


@pytest.mark.parametrize("package", ["torch", "transformers", "accelerate"])
def test_packages_that_are_missing_are_said_with_the_remedy(tmp_path: Path, package: str) -> None:
    files = files_in(tmp_path, without=package)
    put(files.folder, WHOLE)
    assert "Install the extra models" in str(files.what_is_missing())


def test_quantising_wants_a_package_of_its_own(tmp_path: Path) -> None:
    put(files_in(tmp_path).folder, WHOLE)
    assert files_in(tmp_path, without="torchao").what_is_missing() is None
    quantised = WriterFiles(tmp_path, quant="int8", has_package=lambda package: package != "torchao")
    assert "install the extra quantised, or set TERRARIUM_LOCAL_WRITER_QUANT=none" in str(quantised.what_is_missing())
