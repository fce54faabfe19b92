"""What a module or a class keeps that a running program could change, found in the source.

A value counts as fixed when its form says so: a constant, a tuple or frozen set of fixed values, a read-only mapping of
them, a frozen object. Of any other call nobody can tell by reading, so each maker of fixed values is named here.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from tests.source_code import modules

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIXED_MAKERS: Final = frozenset(
    {
        *("bool", "bytes", "complex", "float", "int", "len", "max", "min", "object", "range", "slice", "str", "sum"),
        *(
            "Path",
            "auto",
            "cast",
            "compile",
            "getattr",
            "partial",
            "timedelta",
            "encode",
            "decode",
            "join",
            "resolve",
            "upper",
        ),
        *("cos", "exp", "hypot", "log", "radians", "sin", "sqrt", "tan"),
        *("NewType", "ParamSpec", "TypeVar", "TypeVarTuple"),
        *("Struct", "calcsize", "fields"),
        *("field", "Field", "ConfigDict", "AfterValidator", "TypeAdapter"),  # declarations, which frameworks read
        *("getLogger", "get_logger"),  # handles: what they write to is set up elsewhere
        "APIRouter",  # a table of routes, complete when its module is
        *("BigInteger", "MetaData", "Table", "with_variant"),  # a schema, complete when its module is
    }
)
_OF_FIXED: Final = frozenset({"frozenset", "tuple"})


def kept_state(tree: ast.Module, frozen: frozenset[str] = frozenset()) -> Iterator[tuple[int, str]]:
    """Line and text of every value at the top of a module or of a class that can be changed, and of every `global`.

    `frozen` names the classes whose objects cannot.
    """
    yield from ((node.lineno, ast.unparse(node)) for node in ast.walk(tree) if isinstance(node, ast.Global))
    yield from _kept(tree.body, frozen | _own_makers(tree))


def _kept(body: list[ast.stmt], frozen: frozenset[str]) -> Iterator[tuple[int, str]]:
    for node in body:
        match node:
            case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value) | ast.AugAssign(value=value):
                names = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
                if names not in {"__all__", "__slots__"} and not _is_fixed(value, frozen):
                    yield node.lineno, ast.unparse(node)
            case ast.ClassDef(body=inner) | ast.With(body=inner) | ast.For(body=inner) | ast.While(body=inner):
                yield from _kept(inner, frozen)
            case ast.If(body=inner, orelse=otherwise):
                yield from _kept([*inner, *otherwise], frozen)
            case ast.Try(body=inner, handlers=handlers, orelse=otherwise, finalbody=last):
                yield from _kept([*inner, *(line for one in handlers for line in one.body), *otherwise, *last], frozen)
            case _:
                pass


def _own_makers(tree: ast.Module) -> frozenset[str]:
    """The module's functions whose results are to be read alone, by their type."""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.returns is not None]
    return frozenset(
        node.name
        for node in functions
        if _name_of(node.returns or ast.Constant(None)) not in {"dict", "list", "set", "bytearray", "deque", "Any"}
    )


def _is_fixed(value: ast.expr, frozen: frozenset[str]) -> bool:
    match value:
        case ast.List() | ast.Dict() | ast.Set() | ast.ListComp() | ast.DictComp() | ast.SetComp():
            return False
        case ast.GeneratorExp() | ast.Await() | ast.Yield() | ast.YieldFrom() | ast.NamedExpr():
            return False
        case ast.Tuple(elts=parts):
            return all(_is_fixed(part, frozen) for part in parts)
        case ast.Starred(value=inner) | ast.UnaryOp(operand=inner):
            return _is_fixed(inner, frozen)
        case ast.BinOp(left=ast.Call() as left, right=ast.Set(elts=parts)):  # a frozen set less a few
            return all(_is_fixed(part, frozen) for part in (left, *parts))
        case ast.BinOp(left=left, right=right):
            return _is_fixed(left, frozen) and _is_fixed(right, frozen)
        case ast.BoolOp(values=parts):
            return all(_is_fixed(part, frozen) for part in parts)
        case ast.IfExp(body=one, orelse=other):
            return _is_fixed(one, frozen) and _is_fixed(other, frozen)
        case ast.Call(func=function, args=arguments):
            return _makes_fixed(_name_of(function), arguments, frozen)
        case _:  # a constant, a name, a type, a function
            return True


def _makes_fixed(maker: str, arguments: list[ast.expr], frozen: frozenset[str]) -> bool:
    if maker == "MappingProxyType":
        return all(_is_fixed(value, frozen) for argument in arguments for value in _values_of(argument))
    if maker in _OF_FIXED:
        return all(_is_fixed(part, frozen) for argument in arguments for part in _parts_of(argument))
    return maker in _FIXED_MAKERS or maker in frozen


def _values_of(argument: ast.expr) -> list[ast.expr]:
    """Of a mapping that is written out where it becomes read-only."""
    match argument:
        case ast.Dict(keys=keys, values=values):
            return [
                part
                for key, value in zip(keys, values, strict=True)
                for part in ([value] if key is not None else _values_of(value))
            ]
        case ast.DictComp(value=value):
            return [value]
        case ast.Call(keywords=named):
            return [keyword.value for keyword in named]
        case _:
            return []


def _parts_of(argument: ast.expr) -> list[ast.expr]:
    match argument:
        case ast.List(elts=parts) | ast.Set(elts=parts) | ast.Tuple(elts=parts):
            return parts
        case ast.ListComp(elt=part) | ast.SetComp(elt=part) | ast.GeneratorExp(elt=part):
            return [part]
        case _:
            return []


def _name_of(function: ast.expr) -> str:
    """`radians` of `math.radians`, `dict` of `dict[str, int]`."""
    match function:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case ast.Subscript(value=inner):
            return _name_of(inner)
        case _:
            return ""


def frozen_classes() -> frozenset[str]:
    """Ours whose objects nobody can change: frozen dataclasses and models, enumerations, named tuples."""
    classes = [node for module in modules().values() for node in module.classes()]
    found = {"Enum", "IntEnum", "StrEnum", "NamedTuple"}
    while more := {node.name for node in classes if node.name not in found and _is_frozen(node, found)}:
        found |= more
    return frozenset(found)


def _is_frozen(node: ast.ClassDef, found: set[str]) -> bool:
    settings = [line.value for line in node.body if isinstance(line, ast.Assign)]
    said = [ast.unparse(part) for part in (*node.decorator_list, *settings)]
    return any("frozen=True" in text for text in said) or any(_name_of(base) in found for base in node.bases)
