"""The rules of the layout, held on the source itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parent.parent
LAYERS = {
    "_routes": {"app_handler", "state", "api_types", "error_types", "wire_protocol"},
    "handlers": {"services", "state", "runtime_config", "api_types", "error_types", "wire_protocol", "handlers"},
    "services": {"services", "simulator", "world_model", "runtime_config", "wire_protocol", "log_rendering"},
    "simulator": {"simulator"},
    "replay": {"replay", "services", "runtime_config", "wire_protocol"},
    "world_model": {"world_model"},
    "training": {
        "training",
        "simulator",
        "world_model",
        "services",
        "wire_protocol",
    },  # the diorama, a baseline of the evaluation
    "state": {"state", "services", "app_handler", "error_types"},
    "runtime_config": {"runtime_config"},
    "network": {"network", "runtime_config", "services", "api_types", "error_types", "logging_policy", "crash_hooks"},
}
OURS = {path.stem for path in PROJECT.glob("*.py")} | {path.parent.name for path in PROJECT.glob("*/__init__.py")}
HEAVY = ("torch", "diffusers", "transformers", "onnxruntime", "cv2", "numba", "llvmlite")


def _sources(folder: str) -> Iterator[Path]:
    return (PROJECT / folder).rglob("*.py")


def _imports(path: Path) -> Iterator[str]:
    """Top-level names of every import, also those inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_point_one_way(layer: str) -> None:
    wrong = {
        f"{path.relative_to(PROJECT)} imports {name}"
        for path in _sources(layer)
        for name in _imports(path)
        if name in OURS and name not in LAYERS[layer] | {layer}
    }
    assert not wrong


def test_the_server_never_imports_what_trains_its_world() -> None:
    """The layers do not by the table above; these are the modules at the top."""
    for path in PROJECT.glob("*.py"):
        assert "training" not in set(_imports(path)), path.name


def test_training_reaches_services_for_the_evaluations_baseline_alone() -> None:
    reaching = [path.name for path in _sources("training") if "services" in set(_imports(path))]
    assert reaching == ["subjects.py"]


def test_a_service_imports_no_other_service_but_protocols_and_payloads() -> None:
    allowed_outside = {
        "picture_decoder",
        "world_engine",
        "clock",
        "files",
        "image_classifier",
        "frame_encoder",
        "http_client",
        "input_log",
        "local_models",
        "machine",
        "memory_planner",
        "model_hub",
        "seed_store",
        "torch_worker",
        "video_writer",
    }
    for path in _sources("services"):
        own = path.relative_to(PROJECT / "services").parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("services."):
                other = node.module.split(".")[1]
                assert other == own or other in allowed_outside, f"{path.name} imports {node.module}"


def test_the_app_factory_loads_nothing_heavy() -> None:
    code = f"import sys, app_factory; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_state_lock_is_never_held_across_an_await() -> None:
    for path in (*_sources("handlers"), *_sources("state")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.AsyncFunctionDef):
                decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
                assert "with_state_lock" not in decorators, f"{path.name}: {node.name}"
                held = [ast.unparse(item) for w in ast.walk(node) if isinstance(w, ast.With) for item in w.items]
                assert not any("_lock" in item for item in held), f"{path.name}: {node.name}"


def test_no_module_keeps_mutable_state() -> None:
    for path in PROJECT.rglob("*.py"):
        parts = path.relative_to(PROJECT).parts
        if parts[0] not in OURS - {"tests", "benchmarks", "assets", "scripts"} and len(parts) > 1:
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign | ast.AnnAssign):
                assert not isinstance(node.value, ast.List), f"{path.name}: {ast.unparse(node)[:60]}"
        assert not any(isinstance(node, ast.Global) for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def test_tests_fake_through_services_alone() -> None:
    for path in _sources("tests"):
        text = path.read_text(encoding="utf-8")
        if path != Path(__file__):
            assert "unittest.mock" not in text, path
            assert "monkeypatch.setattr" not in text, path
