"""The app as a whole: its lifetime, its errors, several of them side by side."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI, WebSocket
from starlette.websockets import WebSocketDisconnect

from error_types import DomainError, ErrorCode
from state.deps import attach_state_service
from tests.rest_client import rest_client

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from starlette.testclient import TestClient

STATUSES = {
    400: ("protocolVersionMismatch hostInvalid"),
    401: ("tokenRequired signInRequired signInFailed"),
    403: (
        "ticketInvalid recordingFolderRefused hostForbidden originForbidden localOnly anonymousNotAllowed sentAway "
        "roleNotAllowed scopeMissing codeInvalid modelAccessNeeded watchOnly"
    ),
    404: (
        "unknownModel sessionUnknown seedUnknown momentUnknown jobUnknown jobHasNoFile worldUnknown recordingUnknown "
        "feedbackUnknown accountUnknown notFound filmUnknown filmSourceUnknown linkUnknown guestUnknown "
        "agentsMissing"
    ),
    405: ("methodNotAllowed"),
    408: ("initTimeout clientTooSlow"),
    409: (
        "ticketUsed displaced cancelled notReady modelNotPulled modelBusy modelBuiltIn modelInUse modelDoesNotFit "
        "seedShipped nothingToRewind nothingToKeep promptNotHeard sizeNotDrawn "
        "authoringInProgress authoringOutdated jobNotOver jobNotRetryable jobKeyReused worldOtherModel "
        "recordingNameTaken recordingInUse settingsBroken accountsOff accountNameTaken lastOwner ownerExists notAPerson"
        " filmNotMade filmRefused filmLoraRefused filmSourceInUse controlsTaken sharingOff sharingEnded "
        "resumedElsewhere scriptTooLong"
    ),
    410: ("resumeTooLate ticketExpired"),
    412: ("settingsChanged"),
    413: ("messageTooLarge seedTooLarge worldTooLarge filmSourceTooLarge"),
    422: (
        "invalidRequest promptInvalid unsupportedQuant unsupportedBackend seedMissing seedNotBase64 seedEmpty "
        "seedNotAPicture seedUnsafe authoringEmptyPrompt authoringPromptTooLong authoringEditRefused "
        "authoringSceneRefused worldNotAWorld worldDamaged worldOtherVersion recordingNameInvalid "
        "recordingDamaged jobKindUnknown settingsRefused accountNameInvalid passwordInvalid modelUnusable "
        "filmSourceUnusable filmNotesMissing"
    ),
    428: ("settingsRevisionMissing"),
    429: ("tooManyRequests tooManySessions uploadQuotaUsed tooManyAttempts"),
    500: ("internal engineFailed authoringFailed recordingFailed filmFailed scriptFailed"),
    503: (
        "serverBusy shuttingDown modelLoadFailed seedCheckFailed authoringUnavailable authoringLoadFailed "
        "recordingEncoderMissing serviceUnavailable jobsUnavailable serverRestarted "
        "feedbackUnavailable ownersUnavailable accountsUnavailable modelHubUnavailable filmOutOfMemory tooManyWatchers"
    ),
    504: ("requestTimeout"),
    507: (
        "seedNotKept jobNotKept worldNotKept recordingFolderUnusable recordingDiskFull recordingQuotaUsed"
        " feedbackNotKept settingsNotKept accountNotKept modelNotKept filmQuotaUsed filmNotKept"
    ),
}


@contextmanager
def client_of(path: str, endpoint: Callable[..., object], *, websocket: bool = False) -> Generator[TestClient]:
    """The app with one route more."""
    with rest_client() as client:
        app = client.app
        assert isinstance(app, FastAPI)
        if websocket:
            app.router.add_api_websocket_route(path, endpoint)
        else:
            app.router.add_api_route(path, endpoint)
        app.router.routes.insert(0, app.router.routes.pop())  # before the page's catch-all
        yield client


def test_several_apps_live_in_one_process() -> None:
    with rest_client(launched_from_standalone=True) as one, rest_client() as two:
        assert one.get("/health").json()["launched_from_standalone"] is True
        assert two.get("/health").json()["launched_from_standalone"] is False


def test_a_route_without_a_handler_answers_503() -> None:
    with rest_client() as client:
        app = client.app
        assert isinstance(app, FastAPI)
        handler = app.state.handler
        del app.state.handler
        answer = client.get("/health")
        attach_state_service(app, handler)
    assert (answer.status_code, answer.json()["code"]) == (503, "serviceUnavailable")


def test_every_error_is_a_code_and_a_message_with_a_request_id() -> None:
    with rest_client() as client:
        for method, path, status, code in (
            ("GET", "/api/nothing", 404, "notFound"),
            ("DELETE", "/health", 405, "methodNotAllowed"),
            ("GET", "/api/models?backend=nonsense", 422, "invalidRequest"),
            ("GET", "/api/seeds/unknown/image", 404, "seedUnknown"),
        ):
            answer = client.request(method, path)
            assert (answer.status_code, answer.json()["code"]) == (status, code), path
            assert set(answer.json()) == {"code", "message"}
            assert answer.json()["message"]
            assert answer.headers["x-request-id"]


def test_an_unexpected_failure_gives_nothing_away() -> None:
    def broken() -> None:
        raise RuntimeError("secret path /home/somebody")

    with client_of("/broken", broken) as client:
        answer = client.get("/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "/home" not in answer.text


def test_every_code_has_the_status_that_a_client_of_http_expects() -> None:
    def refuse(code: str) -> None:
        raise DomainError("Why not.", ErrorCode(code))

    expected = {code: status for status, codes in STATUSES.items() for code in codes.split()}
    with client_of("/refuse", refuse) as client:
        answers = {code.value: client.get("/refuse", params={"code": code.value}) for code in ErrorCode}
    assert {code: answer.status_code for code, answer in answers.items()} == expected
    assert all(answer.json() == {"code": code, "message": "Why not."} for code, answer in answers.items())


def test_a_refusal_that_leaves_a_sockets_route_closes_the_socket() -> None:
    async def refuse(socket: WebSocket) -> None:
        await socket.accept()
        raise DomainError("Why not.", ErrorCode.NOT_READY)

    with client_of("/refuse", refuse, websocket=True) as client, client.websocket_connect("/refuse") as socket:
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
        assert closed.value.code == 1011


def test_the_server_is_serving_while_the_app_lives_and_stopping_after() -> None:
    with rest_client() as client:
        assert client.get("/health").json()["startup_complete"] is True
