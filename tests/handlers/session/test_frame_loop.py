"""Playing: what reaches the engine, what comes back, and when."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace

from runtime_config.runtime_config import SessionLimits
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_frame_encoder import FakeFrameEncoder
from tests.fakes.fake_system_monitor import FAKE_MACHINE, FAKE_USAGE, FakeSystemMonitor
from tests.fakes.fake_world_engine import FakeWorldEngine
from tests.play.harness import PlayClient, fake_services, play_server
from tests.waiting import wait_until
from wire_protocol import KEY_CODES


def _applied(model: FakeModel) -> frozenset[int]:
    return frozenset[int]().union(*(control.buttons for control in model.engines[0].worlds[0].controls))


def _hold_a_step(client: PlayClient, engine: FakeWorldEngine) -> None:
    """Return with a pass in the engine, which has read its input already."""
    engine.hold()
    client.control()
    engine.wait_until_held()


def test_a_tap_shorter_than_a_pass_reaches_the_engine() -> None:
    model = FakeModel()
    with play_server(fake_services(model)) as server, server.client() as client:
        client.start()
        _hold_a_step(client, model.engines[0])
        client.control("SPACE")
        client.control()
        client.control("W")
        client.control("W", mouse_dx=3, mouse_dy=-2, ts=5.0)
        client.control(mouse_dx=4, ts=7.0)
        assert not client.reply(client.request("scene_edit", prompt=""))["success"]  # all of it was received
        model.engines[0].release()
        frame = client.played_frame(lambda f: f.content.buttons != frozenset())
        assert frame.content.buttons == {KEY_CODES["SPACE"], KEY_CODES["W"]}
        assert (frame.content.mouse_dx, frame.content.mouse_dy) == (7, -2)
        assert frame.header.client_ts == 7.0
        after = client.hold("A", until=lambda f: KEY_CODES["A"] in f.content.buttons)
        assert after.content.buttons == {KEY_CODES["A"]}


def test_a_tap_reaches_the_engine_after_a_pass_that_outlasts_the_hold() -> None:
    model = FakeModel()
    limits = SessionLimits(control_hold_s=0.05)
    with play_server(fake_services(model), limits=limits) as server, server.client() as client:
        client.start()
        _hold_a_step(client, model.engines[0])
        client.control("SPACE")
        assert not client.reply(client.request("scene_edit", prompt=""))["success"]  # it was received
        time.sleep(2 * limits.control_hold_s)
        model.engines[0].release()
        client.played_frame(lambda f: f.content.buttons == frozenset({KEY_CODES["SPACE"]}))


def test_every_button_of_the_key_map_reaches_the_engine() -> None:
    model = FakeModel()
    with play_server(fake_services(model)) as server, server.client() as client:
        client.start()
        for name in KEY_CODES:
            client.control(name.lower())
        client.control("NO_SUCH_BUTTON")
        wait_until(lambda: _applied(model) == frozenset(KEY_CODES.values()), "all of them were applied")


def test_a_wheel_notch_counts_for_one_pass_alone() -> None:
    model = FakeModel()
    with play_server(fake_services(model)) as server, server.client() as client:
        client.start()
        client.control("SCROLL_UP", "W")
        wait_until(lambda: len(model.engines[0].worlds[0].controls) >= 2, "two passes were played")
        notches = [KEY_CODES["SCROLL_UP"] in c.buttons for c in model.engines[0].worlds[0].controls]
        assert notches[0]
        assert not any(notches[1:])


def test_the_world_plays_on_with_the_keys_held_and_idles_when_controls_stop() -> None:
    model = FakeModel()
    with (
        play_server(fake_services(model), limits=SessionLimits(control_hold_s=0.3)) as server,
        server.client() as client,
    ):
        client.start()
        client.control("W", mouse_dx=5)
        controls = lambda: model.engines[0].worlds[0].controls  # noqa: E731 - read anew at each look
        wait_until(lambda: len(controls()) >= 4, "the world plays on")
        assert all(control.buttons == {KEY_CODES["W"]} for control in controls())
        assert [control.mouse_dx for control in controls()][:2] == [5, 0]

        def idle() -> bool:
            before = len(controls())
            time.sleep(0.2)  # six passes' time
            return len(controls()) == before

        wait_until(idle, "the world idles")
        before = len(controls())
        client.control()
        wait_until(lambda: len(controls()) > before, "the next control wakes it")


def test_pause_stops_the_world_and_resume_goes_on() -> None:
    model = FakeModel()
    with play_server(fake_services(model)) as server, server.client() as client:
        client.start()
        client.hold("W")
        client.send("pause")
        wait_until(lambda: server.sessions()[0]["state"] == "paused", "paused")
        assert not client.reply(client.request("scene_edit", prompt=""))["success"]
        before = len(model.engines[0].worlds[0].controls)
        for _ in range(20):
            client.control("W")
        assert not client.reply(client.request("scene_edit", prompt=""))["success"]
        assert len(model.engines[0].worlds[0].controls) <= before + 1  # one may have been in the engine
        client.send("resume")
        client.hold("W", until=lambda frame: frame.content.pass_number > before + 1)


def test_reset_returns_to_the_seed_and_counts_frames_anew() -> None:
    with play_server() as server, server.client() as client:
        client.start()
        client.hold("W", until=lambda frame: frame.content.pass_number > 3)
        client.send("reset")
        shown = client.frame(lambda frame: len(frame.jpegs) == 1)
        assert shown.header.frame_id == 0
        again = client.hold("W")
        assert (again.content.pass_number, again.header.frame_id) == (1, 1)


def test_keys_pressed_before_a_reset_do_not_move_the_world_after_it() -> None:
    model = FakeModel()
    with play_server(fake_services(model)) as server, server.client() as client:
        client.start()
        _hold_a_step(client, model.engines[0])
        client.control("W", mouse_dx=9)
        client.control()
        client.send("reset")
        client.control("A")
        assert not client.reply(client.request("scene_edit", prompt=""))["success"]  # all of it was received
        model.engines[0].release()
        client.frame(lambda frame: len(frame.jpegs) == 1 and frame.header.frame_id == 0)
        first = client.played_frame(lambda frame: frame.content.pass_number == 1)
        assert (first.content.buttons, first.content.mouse_dx) == ({KEY_CODES["A"]}, 0)


def test_prompt_acts_as_a_reset() -> None:
    with play_server() as server, server.client() as client:
        client.start()
        client.hold("W", until=lambda frame: frame.content.pass_number > 3)
        client.send("prompt", prompt="a castle")
        client.frame(lambda frame: len(frame.jpegs) == 1)
        assert client.hold("W").content.pass_number == 1


def test_the_header_says_the_interval_between_passes() -> None:
    with play_server() as server, server.client() as client:
        client.start()
        frame = client.hold("W")
        assert (frame.header.temporal_compression, len(frame.jpegs)) == (2, 2)
        assert frame.header.gen_ms >= 1000 / 60 * 2 - 0.1  # capped: two frames at 60 fps at least
        assert frame.header.t_infer_ms is not None


def test_frame_ids_have_no_gap_for_a_client_that_keeps_up() -> None:
    with play_server() as server, server.client() as client:
        client.start()
        expected = 1
        for _ in range(30):
            client.control("W")
            frame = client.played_frame()
            assert frame.header.frame_id == expected
            expected += len(frame.jpegs)


def test_an_engine_that_fails_once_starts_over_from_the_seed() -> None:
    model = FakeModel()
    with play_server(fake_services(model)) as server, server.client() as client:
        client.start()
        before = client.hold("W", until=lambda frame: frame.content.pass_number > 2).header.epoch
        model.engines[0].fail_next(1)
        client.control("W")
        client.stage("session.reset")
        client.hold("W", until=lambda frame: frame.header.epoch != before)
        wait_until(lambda: model.engines[0].open_worlds == 1, "the broken world was closed")


def test_a_pass_that_cannot_be_encoded_is_dropped_and_the_world_plays_on() -> None:
    encoder, model = FakeFrameEncoder(), FakeModel()
    with play_server(fake_services(model, encoder=encoder)) as server, server.client() as client:
        client.start()
        client.hold("W", until=lambda frame: frame.content.pass_number > 2)
        encoder.fail = RuntimeError("No memory for this picture.")
        failed_at, asked = model.engines[0].worlds[0].pass_number, len(encoder.tunings)

        def press() -> bool:
            client.control("W")
            return len(encoder.tunings) > asked + 1

        wait_until(press, "a pass was lost")
        encoder.fail = None
        assert client.hold("W").content.pass_number > failed_at, "the world was not started over"
        assert len(model.engines[0].worlds) == 1


def test_an_encoder_that_keeps_failing_ends_the_session_and_says_so() -> None:
    encoder = FakeFrameEncoder()
    limits = SessionLimits(control_hold_s=3600)
    with play_server(fake_services(encoder=encoder), limits=limits) as server, server.client() as client:
        client.start()
        client.hold("W")
        encoder.fail = RuntimeError("The encoder is broken.")
        client.control("W")
        assert client.of_type("error")["code"] == "internal"
        assert client.closed()[0] == 1011


def test_an_engine_that_keeps_failing_ends_its_session_cleanly_and_no_other() -> None:
    bad, good = FakeModel("fake/bad"), FakeModel("fake/good")
    limits = SessionLimits(max_recoveries=2)
    with play_server(fake_services(bad, good), limits=limits) as server, server.client() as a, server.client() as b:
        a.start(model="fake/bad")
        b.start(model="fake/good")
        bad.engines[0].fail_at(1)
        stop = threading.Event()

        def press() -> None:
            while not stop.wait(0.02):
                try:
                    a.control("W")
                except Exception:  # noqa: BLE001 - the socket closes at some point
                    return

        pressing = threading.Thread(target=press)
        pressing.start()
        try:
            seen = list(a.messages())
        finally:
            stop.set()
            pressing.join()
        assert [m.get("stage") for m in seen].count("session.reset") == 2
        assert seen[-1]["message_id"] == "app.server.error.deviceRecoveryFailed"
        assert seen[-1]["snapshot"]
        assert a.socket.close_code == 1000
        b.hold("W")
        wait_until(lambda: bad.engines[0].open_worlds == 0, "the broken worlds were closed")


def test_a_session_frees_its_slot_only_after_its_pass_has_ended() -> None:
    model = FakeModel()
    with play_server(fake_services(model)) as server:
        with server.client() as client:
            client.start()
            engine = model.engines[0]
            _hold_a_step(client, engine)
        wait_until(lambda: server.sessions()[0]["state"] == "ended", "the session ended")
        engine.release()
        wait_until(lambda: not server.sessions(), "the slot is free")
        assert engine.open_worlds == 0


def test_a_slow_reader_sees_fewer_passes_not_old_ones_and_its_session_stays() -> None:
    model = FakeModel(make_engine=lambda i: FakeWorldEngine(i, height=16, width=16_000, frames_per_pass=1))
    with play_server(fake_services(model)) as server, server.client(max_queue=1) as client:
        client.start(cap_inference_fps=False)
        replaced = lambda: server.sessions()[0]["passes_replaced"]  # noqa: E731 - read anew at each look
        ts = 0.0

        def press() -> bool:
            nonlocal ts
            ts += 1
            client.control("W", ts=ts)
            return replaced() >= 200

        wait_until(press, "passes gave way to newer ones while the client did not read")
        last_sent = ts
        client.frame(lambda frame: frame.header.client_ts == last_sent)  # the newest, not one by one
        client.control("W", ts=last_sent + 1)
        client.frame(lambda frame: frame.header.client_ts == last_sent + 1)


def test_the_page_has_at_most_two_passes_unacknowledged() -> None:
    with play_server() as server, server.client(extended=True) as client:
        client.start()
        first = client.hold("W")
        client.send("frame_ack", frame_id=first.header.frame_id)
        assert not client.reply(client.request("scene_edit", prompt=""))["success"]
        stop = threading.Event()

        def press() -> None:
            while not stop.wait(0.02):
                client.control("W")

        pressing = threading.Thread(target=press)
        pressing.start()
        try:
            wait_until(lambda: server.sessions()[0]["passes_replaced"] >= 5, "further passes wait and are replaced")
            sent = [client.played_frame().header.frame_id, client.played_frame().header.frame_id]
            client.send("frame_ack", frame_id=sent[-1] + 100)
            while sent[-1] - sent[-2] == 2:
                sent.append(client.played_frame().header.frame_id)
            assert sent[-1] - sent[-2] > 2 * 5  # those in between gave way
        finally:
            stop.set()
            pressing.join()


def test_a_snapshot_brings_back_its_moment_and_the_oldest_gives_way() -> None:
    limits = SessionLimits(kept_moments=2)
    with play_server(limits=limits) as server, server.client(extended=True) as client:
        assert client.reply(client.request("take_moment"))["code"] == "notReady"
        client.start()
        client.hold("W", until=lambda frame: frame.content.pass_number >= 3)
        taken = client.reply(client.request("take_moment"))["data"]
        client.hold("W", until=lambda frame: frame.content.pass_number >= 30)
        restored = client.reply(client.request("restore_moment", moment_id=taken["moment_id"]))
        assert restored["success"]
        client.hold("W", until=lambda frame: 3 < frame.content.pass_number < 30)
        client.reply(client.request("take_moment"))
        assert len(client.reply(client.request("take_moment"))["data"]["kept"]) == 2
        gone = client.reply(client.request("restore_moment", moment_id=taken["moment_id"]))
        assert gone["code"] == "momentUnknown"


def test_messages_of_the_extension_are_unknown_to_a_stock_client() -> None:
    with play_server() as server, server.client() as client:
        client.start()
        client.socket.send(json.dumps({"type": "take_moment", "req_id": "77"}))
        assert client.reply("77")["code"] == "invalidRequest"


def test_a_drain_tells_every_session_and_closes_with_a_close_frame() -> None:
    with play_server() as server, server.client() as playing, server.client() as waiting:
        playing.start()
        playing.hold("W")
        server.drain()
        for client in (playing, waiting):
            assert client.of_type("error")["code"] == "shuttingDown"
            assert client.closed() == (1001, "shuttingDown")
        with server.client() as late:
            assert late.of_type("error")["code"] == "shuttingDown"
            assert late.closed()[0] == 1000


def test_a_frame_says_what_the_gpu_does() -> None:
    machine = replace(FAKE_MACHINE, gpu_name="Fake GPU", gpu_count=1, vram_total_bytes=8_000)
    monitor = FakeSystemMonitor(machine, replace(FAKE_USAGE, vram_used_bytes=3_000, gpu_util_percent=40))
    with play_server(fake_services(system_monitor=monitor)) as server, server.client() as client:
        client.start()
        header = client.hold("W", until=lambda frame: frame.header.gpu_util_percent == 40).header
        assert header.vram_used_bytes == 3_000


def test_without_a_gpu_a_frame_says_that_nothing_is_known() -> None:
    with play_server() as server, server.client() as client:
        client.start()
        header = client.hold("W", until=lambda frame: frame.content.pass_number > 5).header
        assert (header.vram_used_bytes, header.gpu_util_percent) == (-1, -1)
