"""The rules of the layout, held on the source itself."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.mutable_state import frozen_classes, kept_state
from tests.source_code import OURS, PROJECT, circles, implementations, is_protocol, modules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.source_code import Module

LAYERS: Final = {
    "_routes": {
        *(
            "app_handler",
            "state",
            "access_rules",
            "account_types",
            "film_types",
            "openai_video_types",
            "api_types",
            "error_answers",
            "error_types",
            "sign_in",
            "wire_protocol",
        ),
    },
    "handlers": {
        *("services", "state", "runtime_config", "replay"),
        *(
            "access_rules",
            "account_types",
            "api_types",
            "error_types",
            "film_types",
            "openai_video_types",
            "sign_in",
            "wire_protocol",
            "handlers",
        ),
    },
    "services": {
        "services",
        "engines",
        "simulator",
        "world_model",
        "runtime_config",
        "wire_protocol",
        "log_rendering",
        "log_repeats",
    },
    "fleet": {
        *("fleet", "handlers", "network", "services", "runtime_config"),
        *("ltx2_server", "app_factory", "app_handler", "error_types"),
    },
    "simulator": {"simulator"},
    "replay": {"replay", "services", "runtime_config", "wire_protocol"},
    "world_model": {"world_model"},
    "engines": {"engines"},
    "training": {
        "training",
        "simulator",
        "world_model",
        "services",
        "runtime_config",
        "wire_protocol",
    },  # the evaluation plays engines: the diorama as a baseline, and any by its id
    "state": {"state", "services", "runtime_config", "app_handler", "access_rules", "error_types", "sign_in"},
    "runtime_config": {"runtime_config"},
    "network": {
        *("network", "runtime_config", "services"),
        *("access_rules", "error_answers", "error_types", "sign_in", "wire_protocol", "logging_policy", "crash_hooks"),
        "api_types",
    },
}
HEAVY: Final = (
    *("torch", "diffusers", "transformers", "onnxruntime", "huggingface_hub", "safetensors", "accelerate", "torchao"),
    *("cv2", "numba", "llvmlite", "sqlalchemy", "alembic", "ray"),
)
EXCUSED: Final = {
    ("training.gym_env", "metadata"),  # gymnasium asks for a dict on the class
    ("services.caller", "CALLER"),  # a context variable: it has a value in each context, and never another one there
}


def _in(*layers: str) -> Iterator[Module]:
    return (module for module in modules().values() if module.top in layers)


def _imported(module: Module) -> set[str]:
    """Top-level names of every import of ours, also those inside functions."""
    return {imported.name.split(".")[0] for imported in module.imports()} & OURS


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_point_one_way(layer: str) -> None:
    wrong = {
        f"{module.where} imports {name}"
        for module in _in(layer)
        for name in _imported(module) - LAYERS[layer] - {layer}
    }
    assert not wrong


def test_the_server_never_imports_training() -> None:
    """The table above covers the packages; this covers the modules at the top."""
    assert not [
        module.where for module in modules().values() if "." not in module.name and "training" in _imported(module)
    ]


def test_training_reaches_services_for_the_evaluation_alone() -> None:
    reaching = {module.name for module in _in("training") if "services" in _imported(module)}
    assert {name for name in reaching if not name.startswith("training.evaluation.")} == {"training.evaluate"}


@pytest.mark.parametrize("with_typing", [False, True], ids=["at run time", "for types as well"])
def test_no_modules_import_each_other_in_a_circle(*, with_typing: bool) -> None:
    assert circles(with_typing=with_typing) == []


def test_a_circle_would_be_found() -> None:
    """`circles` finds nothing unless imports are classified correctly."""
    imports = tuple(modules()["service_bundle"].imports())
    names = {imported.name for imported in imports if not imported.is_late}
    typing = {imported.name for imported in imports if imported.is_typing}
    late = {imported.name for imported in imports if imported.is_late}
    assert "services.world_engine.catalogue" in names - typing
    assert "services.clock.clock" in typing
    assert "services.clock.system_clock" in late - names


# ------------------------------------------------------------------------------------------------ services

# Whoever needs a service asks for its Protocol and is given an implementation, so that a test can give another one. An
# implementation is a class in `services` that has all methods of a Protocol there.


def _reaching_implementations(reaching: Iterable[Module]) -> list[str]:
    """Each import of an implementation from outside its own package."""
    return [
        f"{module.where}:{imported.line} imports {imported.name}: {implementations()[imported.name]}"
        for module in reaching
        for imported in module.imports()
        if imported.name in implementations() and imported.name.split(".")[:2] != module.name.split(".")[:2]
    ]


def test_every_implementation_is_found() -> None:
    """An implementation that is not found would be exempt from the rules that follow."""
    promised = {module.name.split(".")[1] for module in _in("services") if any(map(is_protocol, module.classes()))}
    kept = {name.split(".")[1] for name in implementations()}
    assert promised - kept == {"read_receipts", "local_models"}, "what the transport gives, and each model for itself"
    assert "services.clock.clock" not in implementations()
    assert "services.clock.system_clock" in implementations()


def test_a_service_imports_no_implementation_of_another() -> None:
    """But for the plug-ins of engines. The server gives them nothing but its settings, so they choose for themselves
    which process their engine, or a network that it asks, lives in; what they build is given it."""
    reaching = _reaching_implementations(_in("services"))
    hosts = r"(engine_host\.engine_host|torch_worker\.process_torch_worker)"
    plugins = r"services/world_engine/(\w+/entry|plugins/foreign_engine)\.py"
    chosen = [line for line in reaching if re.match(rf"{plugins}:\d+ imports services\.{hosts}:", line)]
    assert chosen
    assert not set(reaching) - set(chosen)


def test_services_are_injected() -> None:
    """Only `build_default_service_bundle` and its helpers import implementations, and only when they are called."""
    without = ("handlers", "_routes", "state", "network", "runtime_config", "app_handler")
    assert not _reaching_implementations(_in(*without))
    chosen = [imported for imported in modules()["service_bundle"].imports() if imported.name in implementations()]
    assert chosen
    assert all(imported.is_late for imported in chosen)


# ------------------------------------------------------------------------------------------------ state


def test_routes_call_handlers_and_no_service() -> None:
    for path in (PROJECT / "_routes").glob("*.py"):
        assert "handler.services" not in path.read_text(encoding="utf-8"), path.name


def test_the_app_factory_loads_nothing_heavy() -> None:
    code = f"import sys, app_factory; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_state_lock_is_never_held_across_an_await() -> None:
    for module in _in("handlers", "state"):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.AsyncFunctionDef):
                decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
                assert "with_state_lock" not in decorators, f"{module.where}: {node.name}"
                held = [ast.unparse(item) for w in ast.walk(node) if isinstance(w, ast.With) for item in w.items]
                assert not any("_lock" in item for item in held), f"{module.where}: {node.name}"


def test_nothing_that_changes_is_kept_by_a_module_or_a_class() -> None:
    frozen = frozen_classes()
    assert not [
        f"{module.where}:{line}: {text[:100]}"
        for module in modules().values()
        for line, text in kept_state(module.tree, frozen)
        if (module.name, text.split(":")[0]) not in EXCUSED
    ]


@pytest.mark.parametrize(
    "line",
    [
        *(
            "A = []",
            "A = {}",
            "A: Final = {1, 2}",
            "A = bytearray(4)",
            "A = [x for x in range(3)]",
            "A = {x: x for x in B}",
        ),
        *("A = dict()", "A = list[int]()", "A = set()", "A = deque()", "A = defaultdict(list)", "A = Counter()"),
        *("A = OrderedDict()", "A = threading.Lock()", "A = asyncio.Event()", "A = queue.Queue()", "A = Cache()"),
        *("A = ([], 1)", "A = MappingProxyType({1: []})", "A = MappingProxyType(dict(a={}))", "A = frozenset(B) or {}"),
        *("A = np.zeros(3)", "A = iter(B)", "A = (x for x in B)", "A: dict[int, int] = {} if B else {}"),
        *("if B:\n    A = []", "try:\n    A = 1\nexcept OSError:\n    A = []", "with B:\n    A = []"),
        *("class C:\n    a: list[int] = []", "class C:\n    class D:\n        a = dict()"),
        *("def f():\n    global A\n    A = 1", "def f() -> dict[str, int]: ...\nA = f()"),
    ],
)
def test_mutable_values_are_found(line: str) -> None:
    assert list(kept_state(ast.parse(textwrap.dedent(line))))


@pytest.mark.parametrize(
    "line",
    [
        *("A = 1", "A: Final = (1, 'two', b'three')", "A = frozenset({1, 2})", "A = tuple(x for x in B)", "A: int"),
        *(
            "A = MappingProxyType({1: (2, 3)})",
            "A = MappingProxyType({1: MappingProxyType({2: 3})})",
            "A = re.compile('x')",
        ),
        *(
            "A = Frozen(1)",
            "A = B.C",
            "A = lambda: []",
            "A = dict[str, int]",
            "A = frozenset(B) - {1}",
            "def f(): return []",
        ),
        *("class C:\n    a: list[int] = field(default_factory=list)", "class C:\n    def f(self): self.a = []"),
        *("__all__ = ['f']", "def f() -> Mapping[str, int]: ...\nA = f()"),
    ],
)
def test_immutable_values_are_allowed(line: str) -> None:
    assert not list(kept_state(ast.parse(textwrap.dedent(line)), frozenset({"Frozen"})))


def test_tests_fake_through_services_alone() -> None:
    for path in (PROJECT / "tests").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path != Path(__file__):
            assert "unittest.mock" not in text, path
            assert "monkeypatch.setattr" not in text, path
