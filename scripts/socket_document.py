"""The AsyncAPI document of the WebSocket, written from the registry of commands and the protocol's JSON Schema."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, get_args

from handlers.session.commands import COMMANDS
from wire_protocol import PROTOCOL_VERSION, AnyNotification

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from handlers.session.commands import Command
    from scripts.generate_protocol import Schema

_CHANNEL: Final = {"$ref": "#/channels/session"}
_PASS: Final = "Pass"
_NOT_MESSAGES: Final = frozenset({"ClientMessage", "ExtendedClientMessage", "ServerMessage", "ExtendedServerMessage"})
_PUSHED: Final = (
    "StatusMessage",
    "SystemInfoMessage",
    "ErrorMessage",
    "WarningMessage",
    "LogMessage",
    "ProgressMessage",
    "RecordingMessage",
)
_QUERY: Final = {
    "protocol_version": {"const": str(PROTOCOL_VERSION), "type": "string"},
    "client": {"const": "terrarium", "type": "string", "description": "the extended messages, which this describes"},
    "mode": {"const": "stepped", "type": "string", "description": "a pass for each `step`, and none by itself"},
    "video": {"const": "h264", "type": "string", "description": "frames as H.264 where the server can encode it"},
}


def socket_document(schema: Schema) -> Schema:
    """One AsyncAPI 3.0 document. What a message may contain is the same as in protocol.schema.json."""
    definitions: dict[str, Schema] = schema["$defs"]
    told = [model.__name__ for model in get_args(AnyNotification)]
    asked = [_model_of(command, definitions) for command in COMMANDS.values()]
    answers = {name: _answer_of(command) for name, command in zip(asked, COMMANDS.values(), strict=True)}
    names = sorted({*told, *asked, *_PUSHED, "RpcError", *(name for name in answers.values() if name != _PASS)})
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Terrarium",
            "version": str(PROTOCOL_VERSION),
            "description": "The WebSocket of a session. Requests have a `req_id`, and each gets exactly one answer.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "here": {"host": "127.0.0.1:7987", "protocol": "ws", "description": "as the server starts by itself"}
        },
        "channels": {
            "session": {
                "address": "/ws",
                "bindings": {"ws": {"method": "GET", "query": {"type": "object", "properties": _QUERY}}},
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in [*names, _PASS]},
            }
        },
        "operations": {
            **{_name_of(name, definitions): _received(name) for name in told},
            **{_name_of(name, definitions): _received(name, answers[name]) for name in asked},
            **{f"send_{_name_of(name, definitions)}": _sent(name) for name in _PUSHED},
            "send_pass": _sent(_PASS),
        },
        "components": {
            "messages": {**{name: _message(name, definitions, answers) for name in names}, _PASS: _pass_message()},
            "schemas": _schemas(definitions),
        },
    }


def render_document(schema: Schema) -> str:
    return json.dumps(socket_document(schema), indent=2, ensure_ascii=False) + "\n"


def _model_of(command: Command[Any], definitions: Mapping[str, Schema]) -> str:
    """The schema of a request in its extended form, if it has one."""
    name = command.model.__name__
    return f"Timed{name}" if f"Timed{name}" in definitions else name


def _answer_of(command: Command[Any]) -> str:
    """The name of what a command's function returns: of the data of a response, or of a pass."""
    name = str(command.run.__annotations__["return"])
    return _PASS if name == "FramesAnswer" else name


def _name_of(model: str, definitions: Mapping[str, Schema]) -> str:
    return str(definitions[model]["properties"]["type"]["const"])


def _received(name: str, answer: str | None = None) -> Schema:
    operation: Schema = {"action": "receive", "channel": _CHANNEL, "messages": _messages([name])}
    if answer is not None:
        operation["reply"] = {"channel": _CHANNEL, "messages": _messages([answer, "RpcError"])}
    return operation


def _sent(name: str) -> Schema:
    return {"action": "send", "channel": _CHANNEL, "messages": _messages([name])}


def _messages(names: Iterable[str]) -> list[Schema]:
    return [{"$ref": f"#/channels/session/messages/{name}"} for name in names]


def _message(name: str, definitions: Mapping[str, Schema], answers: Mapping[str, str]) -> Schema:
    reference = {"$ref": f"#/components/schemas/{name}"}
    described = {"description": definitions[name]["description"]} if "description" in definitions[name] else {}
    if name not in answers.values():
        return {"name": name, "payload": reference, **described}
    envelope = {
        "type": "object",
        "properties": {
            "type": {"const": "response", "type": "string"},
            "req_id": {"type": "string"},
            "success": {"const": True, "type": "boolean"},
            "data": reference,
        },
        "required": ["type", "req_id", "success", "data"],
    }
    return {"name": name, "payload": envelope, **described}


def _pass_message() -> Schema:
    return {
        "name": _PASS,
        "contentType": "application/octet-stream",
        "description": (
            "Frames. All numbers are little-endian: u32 header length, header (JSON, FrameHeader), u32 count, then for "
            "each frame u32 length and its bytes."
        ),
        "headers": {"$ref": "#/components/schemas/FrameHeader"},
        "payload": {"type": "string", "format": "binary"},
    }


def _schemas(definitions: Mapping[str, Schema]) -> Schema:
    kept = {name: schema for name, schema in definitions.items() if name not in _NOT_MESSAGES}
    return json.loads(json.dumps(kept).replace("#/$defs/", "#/components/schemas/"))
