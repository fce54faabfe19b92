"""Starting a world, in all the ways that go well and badly."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from runtime_config.runtime_config import SessionLimits
from services.image_classifier.image_classifier import ClassifierMissing
from services.picture_decoder.pillow_picture_decoder import PillowPictureDecoder
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_image_classifier import FakeImageClassifier
from tests.fakes.fake_seed_store import FakeSeedStore
from tests.fakes.fake_world_engine import FakeWorld, FakeWorldEngine
from tests.play.harness import Frame, PlayClient, b64, fake_services, picture, play_server, session_config
from tests.play.movable_time import MOVABLE_TIME, stopped_time
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from service_bundle import ServiceBundle
    from services.world_engine.world_engine import Picture


def test_a_good_start_comes_in_the_order_that_clients_expect() -> None:
    with play_server() as server, server.client() as client:
        req_id = client.init(picture(10, 20, 30))
        seen: list[str] = []
        while "response" not in seen or "frame" not in seen:
            received = client.receive()
            seen.append("frame" if isinstance(received, Frame) else received.get("stage", received["type"]))
        assert [stage for stage in seen if stage not in ("frame", "log")] == [
            "system_info",
            "session.waiting_for_seed",
            "session.loading_model.load",
            "session.loading_model.instantiate",
            "session.warmup.compile",
            "session.init.seed",
            "session.init.frame",
            "session.ready",
            "response",
        ]
        assert req_id == "1"


def test_the_reply_names_the_model_and_its_frame_rate() -> None:
    with play_server() as server, server.client() as client:
        data = client.start()
        assert (data["model"], data["inference_fps"]) == ("fake/world", 60)
        assert data["system_info"]["torch_version"]


def test_the_first_frame_is_the_seed_and_ids_go_on_from_it_without_a_gap() -> None:
    with play_server() as server, server.client() as client:
        client.init(picture(200))
        seed = client.frame()  # behind the messages, or between them
        assert (seed.header.frame_id, len(seed.jpegs), seed.header.client_ts) == (0, 1, 0)
        first = client.hold("W")
        assert first.header.frame_id == 1
        assert client.hold("W").header.frame_id == 1 + len(first.jpegs)


BAD_SEEDS = {
    "missing": (None, "missingSeedData", "seedMissing"),
    "empty": ("", "missingSeedData", "seedEmpty"),
    "no base64": ("@@@@", "invalidSeedData", "seedNotBase64"),
    "not ASCII": ("Grüße", "invalidSeedData", "seedNotBase64"),
    "no picture": (b64(b"this is text"), "invalidSeedData", "seedNotAPicture"),
    "cut short": (b64(picture(1)[:60]), "invalidSeedData", "seedNotAPicture"),
}


@pytest.mark.parametrize("name", BAD_SEEDS)
@pytest.mark.parametrize("extended", [True, False])
def test_a_bad_seed_is_a_warning_and_an_error_reply_and_a_page_may_send_another(name: str, *, extended: bool) -> None:
    image, warning, code = BAD_SEEDS[name]
    with play_server() as server, server.client(extended=extended) as client:
        fields = {} if image is None else {"seed_image_data": image}
        req_id = client.request("init", model="fake/world", config=session_config(), **fields)
        warned = client.of_type("warning")
        assert (warned["message_id"], warned["code"]) == (f"app.server.warning.{warning}", code)
        reply = client.reply(req_id)
        assert (reply["success"], reply["error_id"]) == (False, "app.server.error.initFailed")
        assert (reply["code"], bool(reply["error"])) == (code, True)
        if extended:
            client.start()
            client.hold("W")
        else:
            assert client.of_type("error")["message"] == reply["error"]
            assert client.closed() == (1000, code)


FATAL = {
    "unknown model": ({"model": "Overworld/Waypoint-1.5-1B"}, "unknownModel", "fake/world"),
    "unsupported quantisation": ({"quant": "fp8w8a8"}, "unsupportedQuant", "none"),
    "unsupported backend": ({"engine_backend": "quark"}, "unsupportedBackend", "world_engine"),
}


@pytest.mark.parametrize("name", FATAL)
def test_what_the_server_does_not_have_is_refused_by_name_with_what_it_has_and_where_to_choose_it(name: str) -> None:
    init, code, available = FATAL[name]
    with play_server() as server, server.client() as client:
        reply = client.reply(client.init(picture(1), **init))
        assert (reply["success"], reply["code"]) == (False, code)
        error = client.of_type("error")
        assert error["code"] == code
        assert available in error["message"]
        assert "settings of your client" in error["message"]
        assert "message_id" not in error  # a client shows its own text for an id, and ours without
        assert error["snapshot"]["process_rss_bytes"] > 0
        assert client.closed()[0] == 1000


def test_a_model_that_fails_to_load_leaves_the_server_able_to_load_any_model_again() -> None:
    good, bad = FakeModel("fake/good"), FakeModel("fake/bad", fail="The weights are missing. Put them back.")
    with play_server(fake_services(good, bad)) as server:
        for _ in range(2):
            with server.client() as client:
                client.start(model="fake/good")
            with server.client() as client:
                reply = client.reply(client.init(picture(1), model="fake/bad"))
                assert (reply["code"], reply["error"]) == ("modelLoadFailed", bad.fail)
                assert client.of_type("error")["message"] == bad.fail
                assert client.closed()[0] == 1000
        bad.fail = None
        with server.client() as client:
            client.start(model="fake/bad")


def test_no_stage_comes_after_the_reply_of_a_failed_load() -> None:
    with play_server(fake_services(FakeModel(fail="No weights."))) as server, server.client() as client:
        client.reply(client.init(picture(1)))
        assert [message["type"] for message in client.messages()] == ["error"]


def test_a_loader_that_crashes_tells_the_client_nothing_of_the_machine() -> None:
    model = FakeModel()
    model.crash = RuntimeError("secret path /home/somebody/weights")
    with play_server(fake_services(model)) as server, server.client() as client:
        reply = client.reply(client.init(picture(1)))
        assert reply["code"] == "modelLoadFailed"
        assert "/home" not in json.dumps(reply) + json.dumps(client.of_type("error"))


def test_two_sessions_that_want_one_model_load_it_once() -> None:
    hold = threading.Event()
    model = FakeModel(hold=hold)
    with play_server(fake_services(model)) as server, server.client() as a, server.client() as b:
        ids = a.init(picture(1)), b.init(picture(2))
        assert model.entered.wait(deadline_s())
        wait_until(lambda: [s["state"] for s in server.sessions()] == ["preparing"] * 2, "both prepare")
        hold.set()
        assert a.reply(ids[0])["success"]
        assert b.reply(ids[1])["success"]
        assert len(model.engines) == 1


def test_a_held_load_keeps_neither_health_nor_another_session_nor_pause_waiting() -> None:
    hold = threading.Event()
    slow, quick = FakeModel("fake/slow", hold=hold), FakeModel("fake/quick")
    with play_server(fake_services(quick, slow)) as server, server.client() as a, server.client() as b:
        b.start(model="fake/quick")
        req_id = a.init(picture(1), model="fake/slow")
        assert slow.entered.wait(deadline_s())
        assert server.http.get("/health").json()["status"] == "ok"
        b.hold("W")
        b.send("pause")
        wait_until(lambda: "paused" in {s["state"] for s in server.sessions()}, "the other session paused")
        hold.set()
        assert a.reply(req_id)["success"]


def test_a_client_that_leaves_during_the_load_leaves_the_engine_for_the_next_one() -> None:
    hold = threading.Event()
    model = FakeModel(hold=hold)
    with play_server(fake_services(model), max_sessions=1) as server:
        with server.client() as client:
            client.init(picture(1))
            assert model.entered.wait(deadline_s())
        wait_until(lambda: not server.sessions(), "the place is free while the model still loads")
        hold.set()
        with server.client() as client:
            client.start()
        assert len(model.engines) == 1


def test_a_second_init_while_the_first_prepares_is_answered_after_it_and_changes_the_world() -> None:
    hold = threading.Event()
    model = FakeModel(hold=hold)
    with play_server(fake_services(model)) as server, server.client() as client:
        first, second = client.init(picture(10)), client.init(picture(20))
        assert model.entered.wait(deadline_s())
        hold.set()
        replies = [client.of_type("response"), client.of_type("response")]
        assert [(r["req_id"], r["success"]) for r in replies] == [(first, True), (second, True)]
        client.hold("W", until=lambda frame: frame.content.seed_mean[0] == 20)
        wait_until(lambda: model.engines[0].open_worlds == 1, "the first world was closed")


def test_no_init_in_time_ends_the_session_and_notifications_do_not_extend_it() -> None:
    with (
        play_server(limits=SessionLimits(init_timeout_s=0.6)) as server,
        server.client() as client,
    ):
        ended = threading.Event()

        def chatter() -> None:
            while not ended.wait(0.05):
                client.control("W")

        thread = threading.Thread(target=chatter)
        thread.start()
        try:
            error = client.of_type("error")
        finally:
            ended.set()
            thread.join()
        assert error["message_id"] == "app.server.error.timeoutWaitingForSeed"
        assert client.closed()[0] == 1000


def test_a_failed_init_gives_the_client_the_whole_time_again() -> None:
    limits = SessionLimits(init_timeout_s=60.0, ping_interval_s=3600.0, ping_timeout_s=3600.0)
    with play_server(limits=limits, loop=MOVABLE_TIME) as server, server.client(extended=True) as client:
        client.stage("session.waiting_for_seed")
        with stopped_time(server) as move:
            for _ in range(3):
                move(40.0)
                assert not client.reply(client.init(None))["success"]
            move(61.0)
            assert client.of_type("error")["code"] == "initTimeout"


def test_authoring_before_a_world_is_an_error_reply() -> None:
    with play_server() as server, server.client() as client:
        for kind in ("scene_edit", "generate_scene"):
            reply = client.reply(client.request(kind, prompt="a dragon"))
            assert (reply["error_id"], reply["code"]) == ("app.server.error.initFailed", "notReady")


def test_authoring_without_its_models_says_so() -> None:
    with play_server() as server, server.client() as client:
        client.start()
        for kind in ("scene_edit", "generate_scene"):
            empty = client.reply(client.request(kind, prompt="  "))
            assert empty["error_id"] == "app.server.error.sceneAuthoringEmptyPrompt"
            missing = client.reply(client.request(kind, prompt="a dragon"))
            assert (missing.get("error_id"), missing["code"]) == (None, "authoringUnavailable")
            assert missing["error"] == "There is none in this test.", "our own sentence is what a stock client shows"
        client.hold("W")


def _play_through(client: PlayClient) -> None:
    client.start()
    client.hold("W")


@pytest.mark.parametrize(
    ("policy", "classifier", "outcome"),
    [
        ("off", FakeImageClassifier(lambda _: False), None),
        ("off", FakeImageClassifier(status=ClassifierMissing("None.")), None),
        ("strict", FakeImageClassifier(lambda _: True), None),
        ("strict", FakeImageClassifier(lambda _: False), ("seedUnsafe", "seedUnsafe")),
        (
            "strict",
            FakeImageClassifier(status=ClassifierMissing("None.")),
            ("seedSafetyCheckFailed", "seedCheckFailed"),
        ),
    ],
)
def test_the_safety_policy_decides_which_seeds_start_a_world(
    policy: str, classifier: FakeImageClassifier, outcome: tuple[str, str] | None
) -> None:
    with (
        play_server(fake_services(classifier=classifier), seed_safety=policy) as server,
        server.client() as client,
    ):
        checked = client.reply(client.request("check_seed_safety", image_data=b64(picture(7))))
        assert checked["data"]["is_safe"] is (outcome is None)
        if outcome is None:
            _play_through(client)
        else:
            client.init(picture(7))
            warning = client.of_type("warning")
            assert (warning["message_id"], warning["code"]) == (f"app.server.warning.{outcome[0]}", outcome[1])


def test_a_stock_client_whose_first_picture_is_refused_hears_why_instead_of_waiting() -> None:
    """It reads neither the answer nor the warning, and would name a time-out after a minute."""
    classifier = FakeImageClassifier(lambda _: False)
    with play_server(fake_services(classifier=classifier)) as server:
        with server.client() as client:
            assert client.reply(client.init(picture(7)))["code"] == "seedUnsafe"
            error = client.of_type("error")
            assert error["message"] == "This picture was judged unsafe. Choose another one."
            assert "message_id" not in error, "it would show a text of its own for an id"
            assert client.closed() == (1000, "seedUnsafe")
        with server.client(extended=True) as page:
            assert page.reply(page.init(picture(7)))["code"] == "seedUnsafe"
            assert page.reply(page.init(b"no picture"))["code"] == "seedNotAPicture"


def test_a_stock_client_in_play_keeps_its_world_when_another_picture_is_refused() -> None:
    classifier = FakeImageClassifier()
    with play_server(fake_services(classifier=classifier)) as server, server.client() as client:
        _play_through(client)
        classifier.fail = "out of memory"
        assert client.reply(client.init(picture(9)))["code"] == "seedCheckFailed"
        client.hold("W")


def test_a_classifier_that_fails_counts_as_unsafe_for_that_request_alone() -> None:
    classifier = FakeImageClassifier()
    classifier.fail = "out of memory"
    with play_server(fake_services(classifier=classifier)) as server, server.client(extended=True) as client:
        assert not client.reply(client.init(picture(7)))["success"]
        classifier.fail = None
        _play_through(client)


WOODS, HARBOUR = picture(20, 90, 30), picture(20, 60, 120)


def _two_engines() -> ServiceBundle:
    """One is at home in woods, of which the gallery has a picture; the other one is the default."""
    facts = PillowPictureDecoder().describe
    store = FakeSeedStore(
        [(WOODS, facts(WOODS), "Woods"), (HARBOUR, facts(HARBOUR), "Harbour")], views_of={"Woods": "woods"}
    )
    general, special = FakeModel("a/general"), FakeModel("a/special", at_home_in=frozenset({"woods"}))
    return fake_services(general, special, seed_store=store)


@pytest.mark.parametrize(
    ("seed", "model"), [(WOODS, "a/special"), (HARBOUR, "a/general"), (picture(1, 2, 3), "a/general")]
)
def test_without_a_model_a_picture_opens_in_the_engine_that_shows_it_best(seed: bytes, model: str) -> None:
    with play_server(_two_engines()) as server, server.client() as client:
        request = client.request("init", config=session_config(), seed_image_data=b64(seed))
        assert client.reply(request)["data"]["model"] == model
        client.hold("W")
        assert [session["model"] for session in server.sessions()] == [model]


def test_the_gallery_names_the_engine_that_a_picture_opens_in_and_any_other_can_be_chosen() -> None:
    with play_server(_two_engines()) as server, server.client(extended=True) as client:
        seeds = {seed["title"]: seed for seed in server.http.get("/api/seeds").json()["seeds"]}
        assert {title: seed["model"] for title, seed in seeds.items()} == {"Woods": "a/special", "Harbour": "a/general"}
        woods, harbour = seeds["Woods"]["hash"], seeds["Harbour"]["hash"]
        chosen = client.request("init", model="a/general", config=session_config(), seed_hash=woods)
        assert client.reply(chosen)["data"]["model"] == "a/general"
        client.hold("W")
        unchanged = client.request("init", config=session_config())
        assert client.reply(unchanged)["data"]["model"] == "a/general", "without a picture the engine stays"
        for seed_hash, model in ((woods, "a/special"), (harbour, "a/general")):
            changed = client.request("init", model=None, config=session_config(), seed_hash=seed_hash)
            assert client.reply(changed)["data"]["model"] == model
            client.hold("W")


def test_a_page_starts_from_a_seed_of_the_gallery_by_its_hash() -> None:
    store = FakeSeedStore()
    with play_server(fake_services(seed_store=store)) as server, server.client(extended=True) as client:
        upload = server.http.post("/api/seeds", params={"title": "Mine"}, content=picture(90, 80, 70))
        assert upload.status_code == 201
        seed_hash = upload.json()["hash"]
        unknown = client.request("init", model="fake/world", config=session_config(), seed_hash="0" * 64)
        assert client.reply(unknown)["code"] == "seedUnknown"
        known = client.request("init", model="fake/world", config=session_config(), seed_hash=seed_hash)
        assert client.reply(known)["success"]
        assert client.hold("W").content.seed_mean == (90, 80, 70)


def test_a_device_engine_in_use_is_not_unloaded_for_another_session() -> None:
    one, two = FakeModel("fake/one", placement="device"), FakeModel("fake/two", placement="device")
    with play_server(fake_services(one, two)) as server:
        with server.client() as first, server.client() as second:
            first.start(model="fake/one")
            reply = second.reply(second.init(picture(1), model="fake/two"))
            assert (reply["error_id"], reply["code"]) == ("app.server.error.serverBusy", "modelBusy")
            first.hold("W")
        wait_until(lambda: not server.sessions(), "both have left")
        with server.client() as third:
            third.start(model="fake/two")
            assert one.engines[0].is_closed


def test_an_engine_that_cannot_open_a_world_ends_the_connection_with_an_error() -> None:
    class Refusing(FakeWorldEngine):
        def open_world(self, seed: Picture, *, rng_seed: int) -> FakeWorld:
            raise RuntimeError(f"no room for {seed.shape} from {rng_seed}")

    with play_server(fake_services(FakeModel(make_engine=Refusing))) as server, server.client() as client:
        assert client.reply(client.init(picture(1)))["code"] == "engineFailed"
        assert client.of_type("error")["code"] == "engineFailed"
        assert client.closed()[0] == 1000
