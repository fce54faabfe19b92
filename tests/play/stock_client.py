"""What a stock client of protocol version 5 accepts: one thing it does not know, and it drops the whole message.

Written from the protocol's description, apart from `wire_protocol`, so that a change there cannot pass unnoticed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

STAGES = frozenset(
    {
        "startup.begin",
        "startup.world_engine_manager",
        "startup.safety_checker",
        "startup.safety_ready",
        "startup.ready",
        "session.waiting_for_seed",
        "session.loading_model.load",
        "session.loading_model.instantiate",
        "session.scene_authoring.load",
        "session.warmup.reset",
        "session.warmup.seed",
        "session.warmup.compile",
        "session.init.reset",
        "session.init.seed",
        "session.init.frame",
        "session.reset",
        "session.ready",
    }
)
ERRORS = frozenset(
    {
        "app.server.error.protocolVersionMismatch",
        "app.server.error.serverBusy",
        "app.server.error.serverStartupFailed",
        "app.server.error.timeoutWaitingForSeed",
        "app.server.error.initFailed",
        "app.server.error.quantUnsupportedGpu",
        "app.server.error.sceneAuthoringModelLoadFailed",
        "app.server.error.sceneAuthoringEmptyPrompt",
        "app.server.error.sceneAuthoringModelNotLoaded",
        "app.server.error.sceneAuthoringAlreadyInProgress",
        "app.server.error.sceneEditSafetyRejected",
        "app.server.error.generateSceneSafetyRejected",
        "app.server.error.deviceRecoveryFailed",
    }
)
WARNINGS = frozenset(
    {
        "app.server.warning.missingSeedData",
        "app.server.warning.invalidSeedData",
        "app.server.warning.seedUnsafe",
        "app.server.warning.seedSafetyCheckFailed",
        "app.server.warning.seedLoadFailed",
    }
)
TYPES = frozenset({"status", "system_info", "error", "warning", "log", "response"})


class RejectedMessageError(AssertionError):
    """A stock client would have dropped this message."""


def accept(message: Mapping[str, Any]) -> None:
    """Raise `RejectedMessageError` unless a stock client takes the message."""
    _no_null_or_nan(message, "message")
    kind = message.get("type")
    _check(kind in TYPES, f"unknown type {kind!r}")
    match kind:
        case "status":
            _check(message["stage"] in STAGES, f"unknown stage {message['stage']!r}")
        case "system_info":
            _check(isinstance(message["torch_version"], str), "torch_version is required")
        case "error":
            _check(message.get("message_id", "app.server.error.initFailed") in ERRORS, "unknown error id")
        case "warning":
            _check(message["message_id"] in WARNINGS, "unknown warning id")
        case "log":
            fields = message.get("fields", {})
            _check(all(isinstance(value, str | int | float | bool) for value in fields.values()), "a nested log field")
        case _:
            _accept_response(message)


def _accept_response(message: Mapping[str, Any]) -> None:
    _check(isinstance(message["req_id"], str), "req_id is a string")
    if message["success"]:
        _check("data" in message, "a success carries data")
        _check(message["data"].get("model", "x") != "", "an empty model name")
    else:
        _check(message.get("error_id", "app.server.error.initFailed") in ERRORS | WARNINGS, "unknown error id")


def _no_null_or_nan(value: object, where: str) -> None:
    match value:
        case None:
            raise RejectedMessageError(f"{where} is null")
        case float() if not math.isfinite(value):
            raise RejectedMessageError(f"{where} is {value}")
        case dict():
            for key, inner in value.items():  # pyright: ignore[reportUnknownVariableType] - any JSON
                _no_null_or_nan(inner, f"{where}.{key}")  # pyright: ignore[reportUnknownArgumentType] - any JSON
        case list():
            for inner in value:  # pyright: ignore[reportUnknownVariableType] - any JSON
                _no_null_or_nan(inner, f"{where}[]")  # pyright: ignore[reportUnknownArgumentType] - any JSON
        case _:
            pass


def _check(holds: bool, what: str) -> None:  # noqa: FBT001 - an assertion
    if not holds:
        raise RejectedMessageError(what)
