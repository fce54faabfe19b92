"""The files generated from wire_protocol.py are fresh, and describe what the server does."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from error_types import ErrorCode
from handlers.session.commands import COMMANDS
from scripts import client_models, generate_protocol, socket_document
from tests.web.node_tools import require_node_modules
from wire_protocol import KEY_CODES, PROTOCOL_VERSION, ErrorId, ErrorMessage, StageId, WarningId, encode_message

if TYPE_CHECKING:
    from enum import StrEnum


@pytest.fixture(name="definitions")
def fixture_definitions() -> dict[str, Any]:
    return json.loads(generate_protocol.SCHEMA_FILE.read_text(encoding="utf-8"))["$defs"]


def test_the_schema_is_fresh() -> None:
    rendered = generate_protocol.render_schema(generate_protocol.protocol_schema())
    assert generate_protocol.SCHEMA_FILE.read_text(encoding="utf-8") == rendered, (
        "run python -m scripts.generate_protocol"
    )


def test_the_models_of_the_python_client_are_fresh() -> None:
    rendered = client_models.render_models(generate_protocol.protocol_schema())
    assert generate_protocol.MODELS_FILE.read_text(encoding="utf-8") == rendered, (
        "run python -m scripts.generate_protocol"
    )


def test_the_document_of_the_socket_is_fresh() -> None:
    rendered = socket_document.render_document(generate_protocol.protocol_schema())
    assert generate_protocol.DOCUMENT_FILE.read_text(encoding="utf-8") == rendered, (
        "run python -m scripts.generate_protocol"
    )


def test_the_document_has_an_operation_with_its_answer_for_each_command() -> None:
    document = json.loads(generate_protocol.DOCUMENT_FILE.read_text(encoding="utf-8"))
    operations = document["operations"]
    assert set(COMMANDS) <= set(operations)
    for name in COMMANDS:
        answers = [message["$ref"].rsplit("/", 1)[-1] for message in operations[name]["reply"]["messages"]]
        assert (len(answers), answers[-1]) == (2, "RpcError")
    assert operations["step"]["reply"]["messages"][0]["$ref"].endswith("/Pass")
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
        place: Any = document
        for part in reference.split("/"):
            place = place[part]  # a reference that leads nowhere raises


@pytest.mark.xdist_group("node")
def test_the_types_are_fresh() -> None:
    require_node_modules()
    rendered = generate_protocol.render_types(generate_protocol.protocol_schema())
    assert generate_protocol.TYPES_FILE.read_text(encoding="utf-8") == rendered, (
        "run python -m scripts.generate_protocol"
    )


def test_check_mode_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    before = generate_protocol.SCHEMA_FILE.stat().st_mtime_ns
    generate_protocol.main(["--check"])
    assert generate_protocol.SCHEMA_FILE.stat().st_mtime_ns == before
    assert "protocol.schema.json: fresh" in capsys.readouterr().out


def test_every_reference_leads_somewhere(definitions: dict[str, Any]) -> None:
    references = re.findall(r'"#/\$defs/([^"]+)"', json.dumps(definitions))
    assert references
    assert set(references) <= set(definitions)


@pytest.mark.parametrize("enum", [StageId, ErrorId, WarningId, ErrorCode])
def test_enums_are_complete_in_both_files(definitions: dict[str, Any], enum: type[StrEnum]) -> None:
    values = [member.value for member in enum]
    assert definitions[enum.__name__]["enum"] == values
    types = generate_protocol.TYPES_FILE.read_text(encoding="utf-8")
    declared = re.search(rf"export type {enum.__name__} =([^;]+);", types)
    assert declared
    assert re.findall(r'"([^"]+)"', declared[1]) == values


def test_constants_are_in_the_schema(definitions: dict[str, Any]) -> None:
    assert definitions["PROTOCOL_VERSION"] == {"const": PROTOCOL_VERSION}
    assert definitions["KEY_CODES"]["const"] == dict(KEY_CODES)


def test_what_the_server_sends_has_its_required_fields(definitions: dict[str, Any]) -> None:
    sent: dict[str, Any] = json.loads(encode_message(ErrorMessage(message="no")))
    assert set(definitions["ErrorMessage"]["required"]) <= set(sent)
    assert "null" not in json.dumps(definitions["ErrorMessage"])


def test_every_message_has_a_type_to_tell_it_by(definitions: dict[str, Any]) -> None:
    for union in ("ExtendedClientMessage", "ExtendedServerMessage"):
        members = [
            part["$ref"].rsplit("/", 1)[-1] for part in definitions[union].get("oneOf", definitions[union].get("anyOf"))
        ]
        assert members
        for member in members:
            assert "const" in definitions[member]["properties"]["type"]
            assert "type" in definitions[member]["required"]
