"""The project's modules as their source says it: what they import, where, and which classes they define."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PROJECT: Final = Path(__file__).resolve().parent.parent
PACKAGES: Final = frozenset(path.parent.name for path in PROJECT.glob("*/__init__.py"))
OURS: Final = frozenset(path.stem for path in PROJECT.glob("*.py")) | PACKAGES
PRODUCTION: Final = OURS - {"tests", "benchmarks", "assets", "scripts"}


@dataclass(frozen=True)
class Imported:
    """One module of ours that a module imports. `is_typing`: under TYPE_CHECKING alone; `is_late`: in a function."""

    name: str
    line: int
    is_typing: bool = False
    is_late: bool = False


@dataclass(frozen=True)
class Module:
    """`name` is what one imports: services.clock.clock."""

    name: str
    path: Path
    tree: ast.Module = field(repr=False)

    @property
    def where(self) -> str:
        return str(self.path.relative_to(PROJECT))

    @property
    def top(self) -> str:
        return self.name.split(".")[0]

    def classes(self) -> Iterator[ast.ClassDef]:
        return (node for node in self.tree.body if isinstance(node, ast.ClassDef))

    def imports(self) -> Iterator[Imported]:
        """Every import of ours, wherever it stands."""
        yield from _imports(self.tree.body, is_typing=False, is_late=False)


@cache
def modules() -> Mapping[str, Module]:
    """Those that production runs, by name."""
    found = [
        path
        for name in PRODUCTION
        for path in ([PROJECT / f"{name}.py"], (PROJECT / name).rglob("*.py"))[name in PACKAGES]
    ]
    return {module.name: module for module in map(_read, sorted(found))}


def _read(path: Path) -> Module:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, path, ast.parse(path.read_text(encoding="utf-8")))


def _imports(body: Iterable[ast.AST], *, is_typing: bool, is_late: bool) -> Iterator[Imported]:
    for node in body:
        match node:
            case ast.Import(names=names):
                yield from (Imported(alias.name, node.lineno, is_typing, is_late) for alias in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                for alias in names:
                    submodule = f"{module}.{alias.name}"
                    yield Imported(submodule if _is_module(submodule) else module, node.lineno, is_typing, is_late)
            case ast.If(test=test, body=guarded, orelse=otherwise) if ast.unparse(test) == "TYPE_CHECKING":
                yield from _imports(guarded, is_typing=True, is_late=is_late)
                yield from _imports(otherwise, is_typing=is_typing, is_late=is_late)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _imports(ast.iter_child_nodes(node), is_typing=is_typing, is_late=True)
            case _:
                yield from _imports(ast.iter_child_nodes(node), is_typing=is_typing, is_late=is_late)


@cache
def _is_module(name: str) -> bool:
    path = PROJECT.joinpath(*name.split("."))
    return name.split(".")[0] in OURS and (path.with_suffix(".py").exists() or (path / "__init__.py").exists())


def circles(*, with_typing: bool) -> list[tuple[str, ...]]:
    """Groups of modules of which each needs all the others, by imports outside functions."""
    graph = {
        module.name: {
            imported.name
            for imported in module.imports()
            if imported.name in modules() and not imported.is_late and (with_typing or not imported.is_typing)
        }
        for module in modules().values()
    }
    reach = {name: _reachable(graph, name) for name in graph}
    groups = {tuple(sorted(other for other in reach[name] if name in reach[other])) for name in graph}
    return sorted(group for group in groups if group)


def _reachable(graph: Mapping[str, set[str]], start: str) -> frozenset[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for other in graph[waiting.pop()] - seen:
            seen.add(other)
            waiting.append(other)
    return frozenset(seen)


# -------------------------------------------------------------------------------------------- Protocols of services


def methods_of(node: ast.ClassDef) -> frozenset[str]:
    """What others may call or read of it; nothing of its bases."""
    own = {item.name for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)}
    return frozenset(name for name in own if not name.startswith("_"))


def is_protocol(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).split("[")[0] == "Protocol" for base in node.bases)


@cache
def implementations() -> Mapping[str, str]:
    """Modules of services with a class that has all methods of a service's Protocol; and the two, in words."""
    services = [module for module in modules().values() if module.top == "services"]
    protocols = {node.name: methods_of(node) for module in services for node in module.classes() if is_protocol(node)}
    found: dict[str, str] = {}
    for module in services:
        for node in module.classes():
            kept = [name for name, methods in protocols.items() if methods and methods <= methods_of(node)]
            if kept and not is_protocol(node):
                found[module.name] = f"{node.name} implements {', '.join(kept)}"
    return found
