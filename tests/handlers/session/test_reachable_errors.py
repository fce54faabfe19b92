"""Every error that belongs to safety and to scenes in words is reached here. One that no scenario reaches fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from error_types import ErrorCode
from runtime_config.authoring_config import AuthoringConfig
from runtime_config.runtime_config import JobsConfig
from services.image_classifier.image_classifier import ClassifierMissing
from services.image_editor.image_editor import ImageEditorError
from services.local_models.model_error import ModelFault
from services.prompt_writer.prompt_writer import Refusal
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_image_classifier import FakeImageClassifier
from tests.fakes.fake_image_editor import FakeImageEditor
from tests.fakes.fake_prompt_writer import FakePromptWriter
from tests.handlers.session.authoring_studio import SEED, ask, begin, studio
from tests.play.harness import Json, PlayClient, fake_services, picture, play_server
from wire_protocol import ErrorId, WarningId

if TYPE_CHECKING:
    from collections.abc import Callable

Id: TypeAlias = ErrorCode | ErrorId | WarningId


def told(*messages: Json) -> set[str]:
    """Every message id in what a client received."""
    names = ("code", "error_id", "message_id")
    return {message[name] for message in messages for name in names if message.get(name)}


def asked(kind: str, prompt: str = "fog", *models: FakeModel, **given: Any) -> set[str]:
    """What a session is answered when it asks for a scene."""
    with studio(*models, **given) as at, at.server.client() as client:
        begin(client)
        return told(ask(client, kind, prompt))


def edit(prompt: str = "fog", **given: Any) -> set[str]:
    return asked("scene_edit", prompt, **given)


def failing_editor(fault: ModelFault) -> FakeImageEditor:
    editor = FakeImageEditor()
    editor.fail = ImageEditorError(fault, "It is broken.")
    return editor


def not_asked_for() -> set[str]:
    with studio() as at, at.server.client() as client:
        client.start(picture(SEED))
        return told(ask(client, "scene_edit"))


def held(meanwhile: Callable[[PlayClient, str], Json | None], *, is_released: bool = False) -> set[str]:
    """What a session is told while the painter holds its edit: in answer to what it does then, or to the edit."""
    with studio() as at, at.server.client(extended=True) as client:
        begin(client)
        at.editor.hold()
        req_id = client.request("scene_edit", prompt="fog")
        at.editor.wait_until_held()
        reply = meanwhile(client, req_id)
        if is_released:
            at.editor.release()
        found = told(client.reply(req_id) if reply is None else reply)
        at.editor.release()
        return found


def reset(client: PlayClient, _: str) -> None:
    client.start_over()


def cancel(client: PlayClient, req_id: str) -> None:
    client.send("cancel", target_req_id=req_id)


def before_a_world() -> set[str]:
    with studio() as at, at.server.client() as client:
        return told(ask(client, "scene_edit"))


def too_slow() -> set[str]:
    with studio(authoring=AuthoringConfig(edit_limit_s=0.1)) as at, at.server.client() as client:
        begin(client)
        at.editor.hold()
        found = told(ask(client, "scene_edit"))
        at.editor.release()
        return found


def no_world_in_the_scene() -> set[str]:
    model = FakeModel()
    with studio(model) as at, at.server.client() as client:
        begin(client)
        model.engines[0].fail_to_open(1)
        return told(ask(client, "generate_scene"))


def started(classifier: FakeImageClassifier, **config: Any) -> set[str]:
    """What a client is answered when it starts a world from a picture."""
    with play_server(fake_services(classifier=classifier), **config) as server, server.client() as client:
        req_id = client.init(picture(SEED))
        warning = client.of_type("warning")
        return told(warning, client.reply(req_id))


def many_jobs() -> set[str]:
    with studio(jobs=JobsConfig(max_queued=2)) as at:
        at.editor.hold()
        scene = {"kind": "scene", "request": {"prompt": "x"}}
        answers = [at.server.http.post("/api/jobs", json=scene).json() for _ in range(3)]
        at.editor.release()
        return told(answers[-1])


def refusing(kind: str) -> set[str]:
    return asked(kind, writer=FakePromptWriter(answer=Refusal("No brands.")))


def unsafe(picture: Any) -> bool:
    del picture
    return False


REACHED: dict[Id, Callable[[], set[str]]] = {
    ErrorCode.AUTHORING_EMPTY_PROMPT: lambda: edit(" \n"),
    ErrorCode.AUTHORING_PROMPT_TOO_LONG: lambda: edit("x" * 100_000),
    ErrorCode.AUTHORING_UNAVAILABLE: not_asked_for,
    ErrorCode.AUTHORING_IN_PROGRESS: lambda: held(lambda client, _: ask(client, "scene_edit")),
    ErrorCode.AUTHORING_OUTDATED: lambda: held(reset, is_released=True),
    ErrorCode.AUTHORING_LOAD_FAILED: lambda: edit(editor=failing_editor(ModelFault.NOT_LOADED)),
    ErrorCode.AUTHORING_FAILED: lambda: edit(editor=failing_editor(ModelFault.FAILED)),
    ErrorCode.AUTHORING_EDIT_REFUSED: lambda: refusing("scene_edit"),
    ErrorCode.AUTHORING_SCENE_REFUSED: lambda: refusing("generate_scene"),
    ErrorCode.SEED_UNSAFE: lambda: started(FakeImageClassifier(unsafe)),
    ErrorCode.SEED_CHECK_FAILED: lambda: started(
        FakeImageClassifier(status=ClassifierMissing("None.")), seed_safety="strict"
    ),
    # of any request, and so of a scene's too
    ErrorCode.CANCELLED: lambda: held(cancel),
    ErrorCode.REQUEST_TIMEOUT: too_slow,
    ErrorCode.NOT_READY: before_a_world,
    ErrorCode.TOO_MANY_REQUESTS: many_jobs,
    ErrorCode.ENGINE_FAILED: no_world_in_the_scene,
    # what a stock client has texts for
    ErrorId.AUTHORING_EMPTY_PROMPT: lambda: edit(""),
    ErrorId.AUTHORING_ALREADY_IN_PROGRESS: lambda: held(lambda client, _: ask(client, "generate_scene")),
    ErrorId.AUTHORING_MODEL_LOAD_FAILED: lambda: edit(editor=failing_editor(ModelFault.OUT_OF_MEMORY)),
    ErrorId.INIT_FAILED: before_a_world,
    WarningId.SEED_UNSAFE: lambda: started(FakeImageClassifier(unsafe)),
    WarningId.SEED_SAFETY_CHECK_FAILED: lambda: started(
        FakeImageClassifier(status=ClassifierMissing("None.")), seed_safety="strict"
    ),
}

_OTHER_KINDS = (
    *("JOB_", "JOBS_", "MODEL_", "WORLD_", "RECORDING_", "UNSUPPORTED_"),
    *("ACCOUNT_", "ACCOUNTS_", "SIGN_IN_", "FEEDBACK_", "SETTINGS_", "FILM_", "SHARING_", "SCRIPT_"),
    "AGENTS_",
)

# What has nothing to do with safety or scenes in words. A new error belongs here, or above with what reaches it.
ELSEWHERE: frozenset[Id] = frozenset(
    {
        *(code for code in ErrorCode if code.name.startswith(_OTHER_KINDS)),
        ErrorCode.SERVER_RESTARTED,
        *(ErrorCode.LINK_UNKNOWN, ErrorCode.GUEST_UNKNOWN, ErrorCode.WATCH_ONLY, ErrorCode.TOO_MANY_WATCHERS),
        *(ErrorCode.CONTROLS_TAKEN, ErrorCode.SENT_AWAY, ErrorCode.RESUMED_ELSEWHERE, ErrorCode.RESUME_TOO_LATE),
        *(ErrorCode.PROTOCOL_VERSION_MISMATCH, ErrorCode.SERVER_BUSY, ErrorCode.DISPLACED, ErrorCode.INIT_TIMEOUT),
        *(ErrorCode.SHUTTING_DOWN, ErrorCode.CLIENT_TOO_SLOW, ErrorCode.INVALID_REQUEST, ErrorCode.MESSAGE_TOO_LARGE),
        *(ErrorCode.INTERNAL, ErrorCode.UNKNOWN_MODEL, ErrorCode.MOMENT_UNKNOWN, ErrorCode.NOTHING_TO_REWIND),
        ErrorCode.NOTHING_TO_KEEP,
        *(ErrorCode.TICKET_INVALID, ErrorCode.TICKET_EXPIRED, ErrorCode.TICKET_USED),
        *(ErrorCode.SEED_MISSING, ErrorCode.SEED_UNKNOWN, ErrorCode.SEED_NOT_BASE64, ErrorCode.SEED_EMPTY),
        *(ErrorCode.SEED_NOT_A_PICTURE, ErrorCode.SEED_TOO_LARGE, ErrorCode.SEED_SHIPPED, ErrorCode.SEED_NOT_KEPT),
        *(ErrorCode.HOST_INVALID, ErrorCode.PROMPT_INVALID, ErrorCode.PROMPT_NOT_HEARD),
        ErrorCode.SIZE_NOT_DRAWN,
        *(ErrorCode.HOST_FORBIDDEN, ErrorCode.ORIGIN_FORBIDDEN, ErrorCode.TOKEN_REQUIRED, ErrorCode.LOCAL_ONLY),
        *(ErrorCode.ANONYMOUS_NOT_ALLOWED, ErrorCode.UPLOAD_QUOTA_USED, ErrorCode.TOO_MANY_SESSIONS),
        *(ErrorCode.TOO_MANY_ATTEMPTS, ErrorCode.ROLE_NOT_ALLOWED, ErrorCode.SCOPE_MISSING, ErrorCode.NOT_A_PERSON),
        *(ErrorCode.PASSWORD_INVALID, ErrorCode.CODE_INVALID, ErrorCode.LAST_OWNER, ErrorCode.OWNER_EXISTS),
        ErrorCode.OWNERS_UNAVAILABLE,
        *(ErrorCode.NOT_FOUND, ErrorCode.METHOD_NOT_ALLOWED, ErrorCode.SERVICE_UNAVAILABLE),
        *(ErrorId.PROTOCOL_VERSION_MISMATCH, ErrorId.SERVER_BUSY, ErrorId.SERVER_STARTUP_FAILED),
        # A client would show its own text, which says less than our sentence.
        *(ErrorId.AUTHORING_MODEL_NOT_LOADED, ErrorId.SCENE_EDIT_SAFETY_REJECTED),
        *(ErrorId.GENERATE_SCENE_SAFETY_REJECTED, ErrorCode.SESSION_UNKNOWN),
        *(ErrorId.TIMEOUT_WAITING_FOR_SEED, ErrorId.QUANT_UNSUPPORTED_GPU, ErrorId.DEVICE_RECOVERY_FAILED),
        *(WarningId.MISSING_SEED_DATA, WarningId.INVALID_SEED_DATA, WarningId.SEED_LOAD_FAILED),
    }
)


def test_every_error_is_accounted_for() -> None:
    every = {*ErrorCode, *ErrorId, *WarningId}
    assert every - REACHED.keys() - ELSEWHERE == set(), "these need a scenario that reaches them"
    assert REACHED.keys() & ELSEWHERE == set()


@pytest.mark.parametrize("wanted", REACHED, ids=lambda wanted: f"{type(wanted).__name__}.{wanted.name}")
def test_the_error_is_reached(wanted: Id) -> None:
    assert wanted.value in REACHED[wanted]()
