"""The messages of the protocol as pydantic models for the Python client, written from the protocol's JSON Schema."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scripts.generate_protocol import Schema

_ROOTS: Final = ("ExtendedClientMessage", "ExtendedServerMessage", "FrameHeader")
_SCALARS: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_BOUNDS: Final = {
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
    "minLength": "min_length",
    "maxLength": "max_length",
    "maxItems": "max_length",
    "pattern": "pattern",
}
_HEAD: Final = '''"""The messages of the protocol. Generated from wire_protocol.py by scripts/generate_protocol.py."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field


class FromClient(BaseModel):
    """What the client sends: a field that the protocol does not have is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FromServer(BaseModel):
    """What the server sends: a newer one may say more."""

    model_config = ConfigDict(frozen=True, extra="ignore")
'''


def render_models(schema: Schema) -> str:
    """Python source, formatted as the rest of the project is.

    Raises:
        subprocess.CalledProcessError: ruff is missing, or what was written is no Python.
    """
    definitions: dict[str, Schema] = schema["$defs"]
    sent = _reached(definitions, ["ExtendedServerMessage", "FrameHeader"])
    wanted = sent | _reached(definitions, ["ExtendedClientMessage"])
    classes = [_class(name, definitions[name], is_sent=name in sent) for name in sorted(wanted - set(_ROOTS[:2]))]
    constants = (
        f"PROTOCOL_VERSION: Final = {definitions['PROTOCOL_VERSION']['const']}\n"
        f"KEYS: Final = frozenset({sorted(definitions['KEY_CODES']['const'])!r})\n"
    )
    source = "\n\n".join([_HEAD, constants, *classes])
    command = [sys.executable, "-m", "ruff", "format", "--line-length", "120", "--stdin-filename", "protocol.py", "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True, encoding="utf-8", check=True)
    return done.stdout


def _reached(definitions: Mapping[str, Schema], roots: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            text = json.dumps({key: value for key, value in definitions[name].items() if key != "discriminator"})
            waiting += [part.split('"', 1)[0] for part in text.split("#/$defs/")[1:]]
    return found


def _class(name: str, schema: Schema, *, is_sent: bool) -> str:
    doc = schema.get("description", "")
    if "enum" in schema:
        members = [f"    {_member(value)} = {json.dumps(value)}" for value in schema["enum"]]
        return "\n".join([f"class {name}(StrEnum):", *_docstring(doc), "", *members])
    required = set(schema.get("required", []))
    fields = [_field(key, value, is_required=key in required, is_sent=is_sent) for key, value in _ordered(schema)]
    base = "FromServer" if is_sent else "FromClient"
    return "\n".join([f"class {name}({base}):", *_docstring(doc), "", *fields])


def _ordered(schema: Schema) -> list[tuple[str, Schema]]:
    return list(schema["properties"].items())


def _member(value: str) -> str:
    spelled = "".join(f"_{letter}" if letter.isupper() else letter for letter in value)
    return spelled.replace(".", "_").replace("-", "_").upper()


def _docstring(text: str) -> list[str]:
    return [textwrap.indent(f'"""{text}"""' if "\n" not in text else f'"""{text}\n"""', "    ")] if text else []


def _field(name: str, schema: Schema, *, is_required: bool, is_sent: bool) -> str:
    kind = _type(schema, is_sent=is_sent)
    if "const" in schema:  # the client need not write what can only be one thing
        return f"    {name}: {kind} = {schema['const']!r}"
    if is_required:
        return f"    {name}: {kind}"
    if is_sent or schema.get("default", ...) is None:
        return f"    {name}: {kind if kind.endswith('None') else f'{kind} | None'} = None"
    default = schema["default"]
    return f"    {name}: {kind} = {tuple(default) if isinstance(default, list) else default!r}"  # pyright: ignore[reportUnknownArgumentType] - JSON has no narrower type


def _type(schema: Schema, *, is_sent: bool) -> str:
    match schema:
        case {"$ref": str(ref)}:
            name = ref.rsplit("/", 1)[-1]
            # What the server names may be newer than this client.
            return f"{name} | str" if is_sent and name in _OPEN_ENUMS else name
        case {"const": value}:
            return f"Literal[{value!r}]"
        case {"enum": [*values]}:
            return f"Literal[{', '.join(repr(value) for value in values)}]"
        case {"anyOf": [*parts]}:
            return " | ".join(dict.fromkeys(_type(part, is_sent=is_sent) for part in parts))
        case {"type": "array", "items": items}:
            return _bounded(f"tuple[{_type(items, is_sent=is_sent)}, ...]", schema)
        case {"type": "object"}:
            return f"dict[str, {_type(schema['additionalProperties'], is_sent=is_sent)}]"
        case {"type": str(kind)}:
            return _bounded(_SCALARS[kind], schema)
        case _:
            raise ValueError(f"There is no Python type for {json.dumps(schema)}.")


_OPEN_ENUMS: Final = frozenset({"ErrorCode", "ErrorId", "ProgressStep", "RecordingEvent", "StageId", "WarningId"})


def _bounded(kind: str, schema: Mapping[str, Any]) -> str:
    bounds = [f"{argument}={schema[key]!r}" for key, argument in _BOUNDS.items() if key in schema]
    return f"Annotated[{kind}, Field({', '.join(bounds)})]" if bounds else kind
