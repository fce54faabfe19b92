"""While a scene is being made, everything else goes on."""

from __future__ import annotations

from tests.handlers.session.authoring_studio import BOTH, ask, begin, codes, is_seed, studio
from tests.play.harness import picture


@BOTH
def test_the_session_stays_live_meanwhile(kind: str) -> None:
    with studio() as at, at.server.client() as client:
        begin(client)
        at.editor.hold()
        req_id = client.request(kind, prompt="fog")
        at.editor.wait_until_held()
        assert is_seed(client.hold("W"))
        client.send("pause")
        assert client.reply(client.init(None, scene_authoring=True))["success"], "the pause menu is served"
        client.send("resume")
        client.hold("W")
        at.editor.release()
        assert client.reply(req_id)["success"]


def test_other_sessions_keep_their_frames() -> None:
    with studio() as at, at.server.client() as client, at.server.client() as other:
        begin(client)
        other.start(picture(7))
        at.editor.hold()
        req_id = client.request("scene_edit", prompt="fog")
        at.editor.wait_until_held()
        for _ in range(5):
            assert other.hold("W").content.seed_mean == (7, 0, 0)
        at.editor.release()
        assert client.reply(req_id)["success"]


def test_a_second_edit_of_one_session_is_refused_and_one_of_another_waits() -> None:
    with (
        studio() as at,
        at.server.client() as client,
        at.server.client(extended=True) as other,
    ):
        begin(client)
        begin(other)
        at.editor.hold()
        first = client.request("scene_edit", prompt="fog")
        at.editor.wait_until_held()
        for kind in ("scene_edit", "generate_scene"):
            assert codes(ask(client, kind)) == ("sceneAuthoringAlreadyInProgress", "authoringInProgress")
        waiting = other.request("scene_edit", prompt="rain")
        other.of_type("progress", req_id=waiting, step="waiting_for_turn")
        assert len(at.editor.orders) == 1
        at.editor.release()
        assert client.reply(first)["success"]
        assert other.reply(waiting)["success"]
        assert ask(client, "scene_edit")["success"], "and then the first may ask again"
