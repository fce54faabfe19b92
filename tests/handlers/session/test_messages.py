"""Messages that a client should not have sent."""

from __future__ import annotations

import json
import threading

import pytest

from runtime_config.runtime_config import MIB, SessionLimits
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_image_classifier import FakeImageClassifier
from tests.play.harness import b64, fake_services, picture, play_server, session_config
from tests.play.movable_time import MOVABLE_TIME, stopped_time
from tests.waiting import deadline_s, wait_until

WITHOUT_ID = [
    "",
    "nonsense",
    "{",
    "null",
    "[]",
    '{"type": "control", "buttons": "W"}',
    '{"type": "control", "mouse_dx": NaN}',
    '{"type": "control", "mouse_dy": 1e999}',
    '{"type": "control", "ts": "now"}',
    '{"type": "control", "speed": 9}',
    '{"type": "dance"}',
    '{"no": "type"}',
    '{"type": "init"}',
    '{"type": "frame_ack", "frame_id": 1}',  # of the extension, which a stock client does not speak
    "[" * 20_000,
]


@pytest.mark.parametrize("text", WITHOUT_ID, ids=range(len(WITHOUT_ID)))
def test_a_message_that_makes_no_sense_is_ignored_and_the_session_stays(text: str) -> None:
    with play_server() as server, server.client() as client:
        client.socket.send(text)
        client.start()
        client.socket.send(text)
        client.hold("W")


CONFIG = session_config()
WITH_ID = {
    "unknown type": {"type": "dance", "req_id": "7"},
    "extra field": {"type": "scene_edit", "req_id": "7", "prompt": "x", "loud": True},
    "extra field in the configuration": {
        "type": "init",
        "req_id": "7",
        "model": "m",
        "config": {**CONFIG, "turbo": 1},
    },
    "missing field": {"type": "init", "req_id": "7", "model": "m"},
    "wrong type": {"type": "check_seed_safety", "req_id": "7", "image_data": 5},
    "unknown quantisation": {"type": "init", "req_id": "7", "model": "m", "config": {**CONFIG, "quant": "int2"}},
    "an id that is a number": {"type": "scene_edit", "req_id": 7, "prompt": "x"},
}


@pytest.mark.parametrize("name", WITH_ID)
def test_a_malformed_request_with_an_id_gets_its_one_error_reply(name: str) -> None:
    with play_server() as server, server.client() as client:
        client.socket.send(json.dumps(WITH_ID[name]))
        reply = client.reply("7")
        assert (reply["success"], reply["code"]) == (False, "invalidRequest")
        assert reply["error"].startswith("Invalid message: ")
        client.start()


@pytest.mark.parametrize(
    "text", ['{"type": "init", "req_id": "7", "model', '{"req_id": "7", "type": "control", "mouse_dx": NaN}']
)
def test_a_request_that_is_no_json_is_answered_when_its_id_can_be_read(text: str) -> None:
    with play_server() as server, server.client() as client:
        client.socket.send(text)
        assert client.reply("7")["code"] == "invalidRequest"


def test_a_binary_message_is_ignored() -> None:
    with play_server() as server, server.client() as client:
        client.socket.send(b"\x00" * 100)
        client.start()
        client.socket.send(b"\xff" * 100_000)
        client.hold("W")


def test_a_seed_far_larger_than_a_phone_picture_starts_a_world() -> None:
    with play_server() as server, server.client() as client:
        padded = picture(120) + b"\0" * (40 * MIB)  # a valid picture of 40 MB
        client.start(padded)
        assert client.hold("W").content.seed_mean[0] == 120


def test_a_message_over_the_limit_is_a_typed_error_and_the_session_stays() -> None:
    with (
        play_server(limits=SessionLimits(max_message_bytes=MIB)) as server,
        server.client() as client,
    ):
        reply = client.reply(client.init(b"\0" * (2 * MIB)))
        assert (reply["code"], reply["error"]) == ("messageTooLarge", "The message is larger than 1 MiB.")
        client.start()


def test_a_frame_over_the_hard_limit_closes_with_1009() -> None:
    limits = SessionLimits(max_message_bytes=MIB, max_frame_bytes=2 * MIB)
    with play_server(limits=limits) as server, server.client() as client:
        client.socket.send("x" * (3 * MIB))
        assert client.closed()[0] == 1009


def test_waiting_requests_are_bounded_and_each_is_answered() -> None:
    classifier = FakeImageClassifier()
    classifier.hold = threading.Event()
    services = fake_services(classifier=classifier)
    with play_server(services, limits=SessionLimits(max_waiting_requests=2)) as server, server.client() as client:
        image = b64(picture(3))
        first = client.request("check_seed_safety", image_data=image)
        assert classifier.entered.wait(deadline_s())
        rest = [client.request("check_seed_safety", image_data=image) for _ in range(5)]
        refused = [client.of_type("response") for _ in range(3)]
        assert [r["code"] for r in refused] == ["tooManyRequests"] * 3
        classifier.hold.set()
        answered = [client.of_type("response") for _ in range(3)]
        assert all(r["success"] for r in answered)
        assert {r["req_id"] for r in refused + answered} == {first, *rest}


def test_requests_that_wait_are_answered_before_the_socket_closes() -> None:
    classifier = FakeImageClassifier()
    classifier.hold = threading.Event()
    with play_server(fake_services(classifier=classifier)) as server, server.client() as client:
        image = b64(picture(3))
        ids = [client.request("check_seed_safety", image_data=image) for _ in range(3)]
        assert classifier.entered.wait(deadline_s())
        server.drain()
        replies = [message for message in client.messages() if message["type"] == "response"]
        assert [(reply["req_id"], reply["code"]) for reply in replies] == [(req_id, "cancelled") for req_id in ids]
        classifier.hold.set()


def test_an_empty_picture_in_a_safety_check_has_its_id_in_the_right_field() -> None:
    with play_server() as server, server.client() as client:
        reply = client.reply(client.request("check_seed_safety", image_data=""))
        assert reply["error_id"] == "app.server.warning.missingSeedData"
        assert not reply["error"].startswith("app.")


def test_a_safety_check_gives_the_hash_of_the_file() -> None:
    import hashlib

    with play_server() as server, server.client() as client:
        data = picture(50)
        reply = client.reply(client.request("check_seed_safety", image_data=b64(data)))
        assert reply["data"] == {"is_safe": True, "hash": hashlib.sha256(data).hexdigest()}


def test_a_slow_safety_check_keeps_the_receiver_live() -> None:
    classifier = FakeImageClassifier()
    with play_server(fake_services(classifier=classifier)) as server, server.client() as client:
        client.start()
        classifier.hold, entered = threading.Event(), classifier.entered
        entered.clear()
        req_id = client.request("check_seed_safety", image_data=b64(picture(9)))
        assert entered.wait(deadline_s())
        client.hold("W")
        client.send("pause")
        wait_until(lambda: server.sessions()[0]["state"] == "paused", "paused during the check")
        classifier.hold.set()
        assert client.reply(req_id)["success"]


def test_a_flood_of_controls_leaves_the_server_answering() -> None:
    model = FakeModel()
    with play_server(fake_services(model)) as server, server.client() as client:
        client.start()
        message = json.dumps({"type": "control", "buttons": ["W"], "mouse_dx": 1.0})
        reader = threading.Thread(target=client.closed)
        reader.start()
        for _ in range(20_000):
            client.socket.send(message)
        assert server.http.get("/health").status_code == 200
        wait_until(
            lambda: sum(c.mouse_dx for c in model.engines[0].worlds[0].controls) == 20_000, "every motion arrived"
        )
        client.socket.close()
        reader.join()


@pytest.mark.trial
def test_a_client_that_never_reads_its_answers_is_closed_not_kept_for_ever() -> None:
    with play_server(limits=SessionLimits(max_unsent_messages=50)) as server, server.client(max_queue=1) as client:
        client.stage("session.waiting_for_seed")
        nonsense = json.dumps({"type": "dance", "req_id": "x" * 60})
        sent = 0
        while server.sessions() and sent < 2_000_000:
            for _ in range(500):
                client.socket.send(nonsense)
            sent += 500
        assert not server.sessions()


def test_an_unknown_request_can_be_cancelled_while_it_waits() -> None:
    classifier = FakeImageClassifier()
    classifier.hold = threading.Event()
    with play_server(fake_services(classifier=classifier)) as server, server.client(extended=True) as client:
        image = b64(picture(3))
        running = client.request("check_seed_safety", image_data=image)
        assert classifier.entered.wait(deadline_s())
        waiting = client.request("check_seed_safety", image_data=image)
        client.send("cancel", target_req_id=waiting)
        assert client.reply(waiting)["code"] == "cancelled"
        client.send("cancel", target_req_id=running)
        assert client.reply(running)["code"] == "cancelled"
        classifier.hold.set()
        client.start()


def test_a_request_of_the_page_ends_at_its_time_limit() -> None:
    hold = threading.Event()
    model = FakeModel(hold=hold)
    with play_server(fake_services(model)) as server, server.client(extended=True) as client:
        fields = {"model": "fake/world", "config": session_config(), "seed_image_data": b64(picture(3))}
        reply = client.reply(client.request("init", timeout_s=0.2, **fields))
        assert reply["code"] == "requestTimeout"
        hold.set()
        client.start()


def test_a_cancelled_init_leaves_the_session_waiting_for_another_and_its_deadline_running() -> None:
    hold = threading.Event()
    model = FakeModel(hold=hold)
    limits = SessionLimits(init_timeout_s=60.0, ping_interval_s=3600.0, ping_timeout_s=3600.0)
    with (
        play_server(fake_services(model), limits=limits, loop=MOVABLE_TIME) as server,
        server.client(extended=True) as client,
        stopped_time(server) as move,
    ):
        req_id = client.init(picture(3))
        assert model.entered.wait(deadline_s())
        client.send("cancel", target_req_id=req_id)
        assert client.reply(req_id)["code"] == "cancelled"
        hold.set()
        move(61.0)
        assert client.of_type("error")["code"] == "initTimeout"


def test_the_page_is_told_how_far_its_init_is() -> None:
    with play_server() as server, server.client(extended=True) as client:
        req_id = client.init(picture(3))
        steps: list[tuple[str, float]] = []
        for message in client.messages():
            if message["type"] == "progress":
                assert message["req_id"] == req_id
                steps.append((message["step"], message["fraction"]))
            if message["type"] == "response":
                break
        assert [step for step, _ in steps] == ["reading_picture", "loading_model", "checking_picture", "opening_world"]
        assert [fraction for _, fraction in steps] == [0.0, 0.25, 0.5, 0.75]
