"""Generates files from wire_protocol.py: its JSON Schema, an AsyncAPI document of the socket, TypeScript declarations
for the browser client, and pydantic models for the Python client.

`python -m scripts.generate_protocol` writes them. With `--check` it writes nothing and exits with 1 if one is stale.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REPOSITORY: Final = Path(__file__).resolve().parent.parent
# If this is run as a file, the path contains scripts/ but not the folder of wire_protocol.py.
sys.path.insert(0, str(REPOSITORY))

from scripts.client_models import render_models  # noqa: E402
from scripts.socket_document import render_document  # noqa: E402
from wire_protocol import KEY_CODES, PROTOCOL_VERSION, json_schemas  # noqa: E402

WEB: Final = REPOSITORY / "web"
SCHEMA_FILE: Final = REPOSITORY / "docs" / "protocol.schema.json"
TYPES_FILE: Final = WEB / "protocol.generated.d.ts"
DOCUMENT_FILE: Final = REPOSITORY / "docs" / "asyncapi.json"
MODELS_FILE: Final = REPOSITORY / "client" / "terrarium_client" / "protocol.py"
# The types that the server sends. FrameHeader is not a union of messages, but is sent too.
SERVER_ROOTS: Final = ("ServerMessage", "ExtendedServerMessage", "FrameHeader")
BANNER: Final = "// Generated from wire_protocol.py by scripts/generate_protocol.py. Do not edit.\n"

# The generator ends every comment with the place where it found the type, which is always the same here.
PROVENANCE: Final = re.compile(r"(?: \*\n)? \* This interface was referenced by .*\n \* via the `definition` .*\n")

Schema: TypeAlias = dict[str, Any]


class GeneratorMissingError(RuntimeError):
    """A tool for generating the types is missing on this machine."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what} is missing: {remedy}")


# ------------------------------------------------------------------------------------------------ the schema


def protocol_schema() -> Schema:
    """One draft 2020-12 document: every message and union under `$defs`, and the two constants."""
    raw = json_schemas()
    from_server = _reachable(raw, SERVER_ROOTS)
    definitions = {name: _definition(name, raw[name], as_sent=name in from_server) for name in sorted(raw)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "TerrariumProtocol",
        "description": "Messages of the WebSocket /ws, the header of a binary frame, and the names of keys.",
        "$defs": {
            "PROTOCOL_VERSION": {"const": PROTOCOL_VERSION},
            "KEY_CODES": {"const": dict(sorted(KEY_CODES.items(), key=lambda item: item[1]))},
            **definitions,
        },
    }


def _reachable(definitions: Mapping[str, Schema], roots: tuple[str, ...]) -> set[str]:
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [ref.rsplit("/", 1)[-1] for ref in _references(definitions[name])]
    return found


def _references(node: object) -> Iterator[str]:
    match node:
        case {"$ref": str(ref)}:
            yield ref
        case dict():
            for value in node.values():  # pyright: ignore[reportUnknownVariableType] - JSON has no narrower type
                yield from _references(value)  # pyright: ignore[reportUnknownArgumentType]
        case list():
            for value in node:  # pyright: ignore[reportUnknownVariableType]
                yield from _references(value)  # pyright: ignore[reportUnknownArgumentType]
        case _:
            pass


def _definition(name: str, schema: Schema, *, as_sent: bool) -> Schema:
    properties: dict[str, Schema] = schema.get("properties", {})
    cleaned = {key: _without_title(value) for key, value in properties.items()}
    result = {**_without_title(schema), "title": name}
    if properties:
        result["properties"] = {key: _as_sent(value) for key, value in cleaned.items()} if as_sent else cleaned
        # The server's messages have all fields that are not null. The client's messages may omit fields with defaults.
        required = [k for k, v in cleaned.items() if not _is_nullable(v)] if as_sent else schema.get("required", [])
        result["required"] = required
    return result


def _without_title(schema: Schema) -> Schema:
    # A property with a title would become a separate declaration, such as `export type Type = "status"`.
    return {key: value for key, value in schema.items() if key != "title"}


def _is_nullable(schema: Schema) -> bool:
    return {"type": "null"} in schema.get("anyOf", [])


def _as_sent(schema: Schema) -> Schema:
    """A property as the server sends it: never null, because `encode_message` omits absent fields."""
    sent = {key: value for key, value in schema.items() if key != "default"}
    if not _is_nullable(schema):
        return sent
    present = [part for part in schema["anyOf"] if part != {"type": "null"}]
    del sent["anyOf"]
    return {**sent, **present[0]} if len(present) == 1 else {**sent, "anyOf": present}


def render_schema(schema: Schema) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


# ------------------------------------------------------------------------------------------------- the types


def render_types(schema: Schema) -> str:
    """The schema as TypeScript declarations, generated by json-schema-to-typescript.

    Raises:
        GeneratorMissingError: node is not installed, or `npm ci` was not run in web/.
    """
    node, generator = shutil.which("node"), WEB / "node_modules" / ".bin" / "json2ts"
    if node is None:
        raise GeneratorMissingError("node", "install Node.js 20 or newer")
    if not generator.exists():
        raise GeneratorMissingError("web/node_modules", "run `npm ci --ignore-scripts` in web/")
    options = ["--unreachableDefinitions", "--no-additionalProperties", "--maxItems=-1"]
    options += ["--bannerComment", BANNER, "--style.printWidth=120"]
    done = subprocess.run(
        [node, str(generator.resolve()), *options],
        input=json.dumps(schema),
        cwd=WEB,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    return PROVENANCE.sub("", done.stdout).replace("/**\n */\n", "")


# ---------------------------------------------------------------------------------------------- command line


def _parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is stale")
    return parser.parse_args(arguments)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _write_or_check(path: Path, text: str, *, check: bool) -> bool:
    """Write or check one file. True: it is fresh now."""
    name = path.relative_to(REPOSITORY)
    fresh = path.exists() and path.read_text(encoding="utf-8") == text
    if check:
        _say(f"{name}: {'fresh' if fresh else 'stale, run python -m scripts.generate_protocol'}")
        return fresh
    if not fresh:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    _say(f"{name}: {'unchanged' if fresh else 'written'}")
    return True


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0 if all is fresh or written, 1 if a file is stale, 2 if the types could not be written."""
    check: bool = _parse_arguments(arguments).check
    schema = protocol_schema()
    fresh = _write_or_check(SCHEMA_FILE, render_schema(schema), check=check)
    fresh &= _write_or_check(DOCUMENT_FILE, render_document(schema), check=check)
    fresh &= _write_or_check(MODELS_FILE, render_models(schema), check=check)
    try:
        fresh &= _write_or_check(TYPES_FILE, render_types(schema), check=check)
    except GeneratorMissingError as missing:
        _say(f"{TYPES_FILE.relative_to(REPOSITORY)}: skipped, {missing}")
        if not check:
            return 2
    return 0 if fresh else 1


if __name__ == "__main__":
    raise SystemExit(main())
