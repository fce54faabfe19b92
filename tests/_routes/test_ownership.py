"""What belongs to others is not there: by REST and in sessions, for people who share a server."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from runtime_config.anonymous_config import AnonymousAction, AnonymousConfig
from services.ownership_store.ownership_store import ThingKind
from tests._routes.test_recordings import Photographer
from tests.fakes.fake_account_store import FakeAccountStore
from tests.fakes.fake_image_editor import FakeImageEditor
from tests.fakes.fake_ownership_store import FakeOwnershipStore
from tests.fakes.fake_prompt_writer import FakePromptWriter
from tests.fakes.fake_world_store import FakeWorldStore
from tests.job_client import scene, submit
from tests.people import people_server
from tests.play.harness import fake_services, picture, play_server, session_config
from tests.services.recording_store.videos import make_video
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    import httpx

    from tests.people import Browser, PeopleServer

TOKEN = "the-key-of-the-machine"


class Household:
    """Ann owns the server; Bob and Cleo play on it."""

    def __init__(self, people: PeopleServer, store: FakeOwnershipStore, recordings: Path) -> None:
        self.people = people
        self.store = store
        self.recordings = recordings
        self.ann = people.owner("Ann")
        self.bob, self.cleo = (people.invited(self.ann, name) for name in ("Bob", "Cleo"))
        self.machine = people.bearer(TOKEN)

    @property
    def browsers(self) -> dict[str, Browser]:
        return {"ann": self.ann, "bob": self.bob, "cleo": self.cleo, "machine": self.machine}


@contextmanager
def household(folder: Path, **access: Any) -> Generator[Household]:
    store = FakeOwnershipStore()
    services: dict[str, Any] = {
        "ownership_stores": store,
        "prompt_writer": FakePromptWriter(),
        "image_editor": FakeImageEditor(),
        "world_store": FakeWorldStore(folder=folder),
        "video_writer": Photographer(),
        "recordings_dir": folder / "recordings",
    }
    access = {"token": TOKEN} | access
    with people_server(services=services, config={"data_dir": folder, "max_sessions": 4}, **access) as people:
        yield Household(people, store, folder / "recordings")


def owned(store: FakeOwnershipStore, kind: ThingKind) -> set[str]:
    """What belongs to people."""
    return set(store.of_kind(kind))


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def saved_world(browser: Browser, title: str = "A walk") -> str:
    with browser.play() as client:
        client.start(picture(3))
        return client.reply(client.request("save_world", title=title))["data"]["world_id"]


# -------------------------------------------------------------------------------------------------------- by kind


def test_a_saved_world_is_its_players_alone(tmp_path: Path) -> None:
    with household(tmp_path) as home:
        world = saved_world(home.bob)
        listed = {name: browser.http.get("/api/worlds").json()["worlds"] for name, browser in home.browsers.items()}
        assert {name: [(each["id"], each["owner"]) for each in worlds] for name, worlds in listed.items()} == {
            "ann": [(world, "Bob")],
            "bob": [(world, None)],
            "cleo": [],
            "machine": [(world, "Bob")],
        }
        http, unknown = home.cleo.http, (404, "worldUnknown")
        assert code_of(http.get(f"/api/worlds/{world}/file")) == unknown
        assert code_of(http.get(f"/api/worlds/{world}/thumbnail")) == unknown
        assert code_of(http.patch(f"/api/worlds/{world}", json={"title": "Mine"})) == unknown
        assert code_of(http.delete(f"/api/worlds/{world}")) == unknown
        assert http.get("/api/worlds/0000/file").json() == http.get(f"/api/worlds/{world}/file").json()
        film = {"kind": "replay_film", "request": {"world_id": world}}
        assert code_of(http.post("/api/jobs", json=film)) == unknown
        with home.cleo.play() as client:
            reply = client.reply(client.request("init", model="fake/world", config=session_config(), world_id=world))
            assert (reply["success"], reply["code"]) == (False, "worldUnknown")
        with home.ann.play() as client:
            assert client.reply(client.request("init", model="fake/world", config=session_config(), world_id=world))[
                "success"
            ]
        assert home.bob.http.patch(f"/api/worlds/{world}", json={"title": "Ours"}).json()["title"] == "Ours"
        assert home.bob.http.delete(f"/api/worlds/{world}").status_code == 204
        assert home.ann.http.get("/api/worlds").json()["worlds"] == []


def test_an_uploaded_world_is_its_senders(tmp_path: Path) -> None:
    with household(tmp_path) as home:
        file = home.bob.http.get(f"/api/worlds/{saved_world(home.bob)}/file").content
        sent = home.cleo.http.post("/api/worlds", content=file).json()["id"]
        assert [world["id"] for world in home.cleo.http.get("/api/worlds").json()["worlds"]] == [sent]
        assert code_of(home.bob.http.delete(f"/api/worlds/{sent}")) == (404, "worldUnknown")


def test_the_same_picture_of_two_people_is_both_their_own(tmp_path: Path) -> None:
    with household(tmp_path) as home:
        seed = home.bob.http.post("/api/seeds?title=Hill", content=picture(7)).json()["hash"]
        http, url = home.cleo.http, f"/api/seeds/{seed}"
        assert http.get("/api/seeds").json()["seeds"] == []
        for answer in (http.get(f"{url}/image"), http.get(f"{url}/thumbnail"), http.delete(url)):
            assert code_of(answer) == (404, "seedUnknown")
        with home.cleo.play() as client:
            refused = client.reply(client.request("init", model="fake/world", config=session_config(), seed_hash=seed))
            assert (refused["success"], refused["code"]) == (False, "seedUnknown")
        assert http.post("/api/seeds", content=picture(7)).json()["hash"] == seed
        assert [each["owner"] for each in home.ann.http.get("/api/seeds").json()["seeds"]] == ["Bob, Cleo"]
        assert home.bob.http.delete(url).status_code == 204
        assert code_of(home.bob.http.get(f"{url}/image")) == (404, "seedUnknown")
        assert http.get(f"{url}/image").status_code == http.get(f"{url}/thumbnail").status_code == 200
        with home.cleo.play() as client:
            assert client.reply(client.request("init", model="fake/world", config=session_config(), seed_hash=seed))[
                "success"
            ]
        assert http.delete(url).status_code == 204
        assert home.ann.http.get("/api/seeds").json()["seeds"] == []


def test_scenes_belong_to_who_asked_by_a_job_and_in_play(tmp_path: Path) -> None:
    with household(tmp_path) as home:
        by_job = scene(home.bob.http, "a lake")["result"]["seed_hash"]
        with home.cleo.play() as client:
            client.start(scene_authoring=True)
            in_play = client.reply(client.request("generate_scene", prompt="a forest"))["data"]["seed_hash"]
        scenes = {
            name: [each["hash"] for each in browser.http.get("/api/scenes").json()["scenes"]]
            for name, browser in home.browsers.items()
        }
        assert scenes == {"ann": [in_play, by_job], "machine": [in_play, by_job], "bob": [by_job], "cleo": [in_play]}
        assert code_of(home.cleo.http.delete(f"/api/scenes/{by_job}")) == (404, "seedUnknown")
        assert home.cleo.http.delete(f"/api/scenes/{in_play}").status_code == 204


def test_a_recording_is_its_players_while_it_runs_and_after(tmp_path: Path) -> None:
    with household(tmp_path) as home:
        with home.bob.play() as client:
            client.start(video_recording=True)
            client.hold("W")
            name = home.bob.http.get("/api/recordings").json()["unfinished"][0]["name"]
            assert home.cleo.http.get("/api/recordings").json()["unfinished"] == []
            assert [each["name"] for each in home.ann.http.get("/api/recordings").json()["unfinished"]] == [name]
        wait_until(lambda: owned(home.store, ThingKind.RECORDING) == {name}, "it is noted whose it is")
        make_video(home.recordings / f"{name}.mp4")  # the fake writer writes nothing that is a video
        http, url, unknown = home.cleo.http, f"/api/recordings/{name}", (404, "recordingUnknown")
        assert http.get("/api/recordings").json()["recordings"] == []
        assert http.get("/api/recordings").json()["usage"]["recordings"] == 0
        for answer in (
            http.get(url),
            http.get(f"{url}/video"),
            http.get(f"{url}/thumbnail"),
            http.post(f"{url}/finish"),
            http.patch(url, json={"name": "mine"}),
            http.delete(url),
            http.put(f"/api/feedback/recording/{name}", json={"rating": 1}),
        ):
            assert code_of(answer) == unknown
        assert http.request("HEAD", f"{url}/video").status_code == 404
        assert home.bob.http.patch(url, json={"name": "ours"}).json()["name"] == "ours"
        assert code_of(http.get("/api/recordings/ours")) == unknown
        assert home.ann.http.get("/api/recordings/ours").json()["owner"] == "Bob"
        assert home.bob.http.delete("/api/recordings/ours").status_code == 204


def test_what_was_there_before_there_were_people_is_the_owners(tmp_path: Path) -> None:
    make_video(tmp_path / "recordings" / "old.mp4")
    with household(tmp_path) as home:
        seen = {
            name: [each["name"] for each in browser.http.get("/api/recordings").json()["recordings"]]
            for name, browser in home.browsers.items()
        }
        assert seen == {"ann": ["old"], "machine": ["old"], "bob": [], "cleo": []}
        assert code_of(home.bob.http.get("/api/recordings/old")) == (404, "recordingUnknown")


def test_jobs_and_their_events_are_each_persons_own(tmp_path: Path) -> None:
    with household(tmp_path) as home:
        job = scene(home.bob.http, "a lake")
        assert home.cleo.http.get("/api/jobs").json()["jobs"] == []
        assert [each["owner"] for each in home.ann.http.get("/api/jobs").json()["jobs"]] == ["Bob"]
        http, url = home.cleo.http, f"/api/jobs/{job['id']}"
        for answer in (
            http.get(url),
            http.get(f"{url}/file"),
            http.get(f"{url}/events"),
            http.get(f"{url}/stream"),
            http.post(f"{url}/cancel"),
            http.post(f"{url}/retry"),
            http.delete(url),
            http.put(f"/api/feedback/job/{job['id']}", json={"rating": 1}),
        ):
            assert code_of(answer) == (404, "jobUnknown")
        own = submit(http, "scene", prompt="a forest")["id"]
        with http.stream("GET", "/api/events") as stream:
            first = next(line for line in stream.iter_lines() if line.startswith("data:"))
        assert own in first, "the first event of all is somebody else's"


def test_a_session_is_its_players_and_the_owners(tmp_path: Path) -> None:
    with household(tmp_path) as home, home.bob.play() as client:
        client.start()
        client.hold("W")
        (mine,) = home.bob.http.get("/api/sessions").json()["sessions"]
        assert home.cleo.http.get("/api/sessions").json()["sessions"] == []
        assert [each["owner"] for each in home.ann.http.get("/api/sessions").json()["sessions"]] == ["Bob"]
        url, unknown = f"/api/sessions/{mine['id']}", (404, "sessionUnknown")
        taken = home.bob.http.post(f"{url}/moments")
        assert taken.status_code == 201
        moment = f"{mine['id']}.{taken.json()['moment_id']}"
        for answer in (
            home.cleo.http.post(f"{url}/moments"),
            home.cleo.http.post(f"{url}/moments/1/restore"),
            home.cleo.http.post(f"{url}/rewind", json={"seconds": 1}),
            home.cleo.http.post(f"{url}/world", json={}),
            home.cleo.http.put(f"/api/feedback/moment/{moment}", json={"rating": 1}),
        ):
            assert code_of(answer) == unknown
        assert home.bob.http.put(f"/api/feedback/moment/{moment}", json={"rating": 1}).status_code == 200
        assert home.ann.http.post(f"{url}/moments").status_code == 201
        by_ann = home.ann.http.post(f"{url}/world", json={"title": "By Ann"}).json()["world_id"]
        assert [world["id"] for world in home.bob.http.get("/api/worlds").json()["worlds"]] == [by_ann]


def test_what_each_has_said_is_their_own_and_the_export_is_the_owners(tmp_path: Path) -> None:
    with household(tmp_path) as home:
        job = scene(home.bob.http, "a lake")["id"]
        for browser, rating in ((home.bob, 1), (home.ann, -1), (home.machine, -1)):
            assert browser.http.put(f"/api/feedback/job/{job}", json={"rating": rating}).status_code == 200
        assert [said["rating"] for said in home.bob.http.get("/api/feedback").json()["feedback"]] == [1]
        assert home.cleo.http.get(f"/api/feedback/job/{job}").json()["feedback"] == []
        assert code_of(home.cleo.http.delete(f"/api/feedback/job/{job}")) == (404, "feedbackUnknown")
        assert code_of(home.bob.http.get("/api/feedback/export")) == (403, "roleNotAllowed")
        assert len(home.ann.http.get("/api/feedback/export").text.splitlines()) == 3


# ------------------------------------------------------------------------------------------------- coming and going


def test_what_somebody_leaves_is_the_owners(tmp_path: Path) -> None:
    with household(tmp_path) as home:
        world, job = saved_world(home.bob), scene(home.bob.http, "a lake")["id"]
        assert home.ann.http.delete(f"/api/people/{home.people.id_of(home.ann, 'Bob')}").status_code == 204
        assert home.bob.http.get("/api/worlds").status_code == 401
        assert [(each["id"], each["owner"]) for each in home.ann.http.get("/api/worlds").json()["worlds"]] == [
            (world, None)
        ]
        assert home.ann.http.get(f"/api/jobs/{job}").json()["owner"] is None
        assert home.ann.http.get("/api/scenes").json()["scenes"][0]["owner"] is None
        assert home.cleo.http.get("/api/worlds").json()["worlds"] == []


def test_strangers_find_what_is_nobodys_if_the_owner_allows_it(tmp_path: Path) -> None:
    anonymous = AnonymousConfig(may=tuple(AnonymousAction))
    with household(tmp_path, allow_anonymous=True, anonymous=anonymous) as home:
        stranger = home.people.browser()
        theirs = stranger.http.post("/api/seeds", content=picture(5)).json()["hash"]
        bobs = home.bob.http.post("/api/seeds", content=picture(6)).json()["hash"]
        assert [seed["hash"] for seed in stranger.http.get("/api/seeds").json()["seeds"]] == [theirs]
        assert code_of(stranger.http.delete(f"/api/seeds/{bobs}")) == (404, "seedUnknown")
        assert stranger.http.get(f"/api/seeds/{theirs}/image").status_code == 200
        assert home.cleo.http.get("/api/seeds").json()["seeds"] == []


def test_a_token_of_an_owner_without_the_right_to_it_sees_their_own_alone(tmp_path: Path) -> None:
    with household(tmp_path) as home:
        saved_world(home.bob)
        own = saved_world(home.ann)
        robot = home.people.bearer(home.ann.token("read", "play"))
        assert [(world["id"], world["owner"]) for world in robot.http.get("/api/worlds").json()["worlds"]] == [
            (own, None)
        ]


def test_whose_things_are_is_settled_at_the_start(tmp_path: Path) -> None:
    """Somebody has removed a file while the server was down."""
    store, accounts, worlds = FakeOwnershipStore(), FakeAccountStore(), FakeWorldStore(folder=tmp_path)
    services: dict[str, Any] = {"ownership_stores": store, "world_store": worlds}
    with people_server(services=services, stores=accounts) as people:
        ann = people.owner("Ann")
        kept, lost = saved_world(ann), saved_world(ann)
        assert owned(store, ThingKind.WORLD) == {kept, lost}
    worlds.remove(lost)
    with people_server(services=services, stores=accounts) as people:
        wait_until(lambda: owned(store, ThingKind.WORLD) == {kept}, "the owner of the lost one is forgotten")


def test_without_accounts_nothing_is_asked_for(tmp_path: Path) -> None:
    store = FakeOwnershipStore()
    services = fake_services(
        ownership_stores=store,
        world_store=FakeWorldStore(folder=tmp_path),
        video_writer=Photographer(),
        recordings_dir=tmp_path / "recordings",
        prompt_writer=FakePromptWriter(),
        image_editor=FakeImageEditor(),
    )
    make_video(tmp_path / "recordings" / "walk.mp4")
    with play_server(services, data_dir=tmp_path) as server, server.client(extended=True) as client:
        client.start(video_recording=True, scene_authoring=True)
        client.hold("W")
        world = client.reply(client.request("save_world", title="Mine"))["data"]["world_id"]
        assert client.reply(client.request("generate_scene", prompt="a forest"))["success"]
        seed = server.http.post("/api/seeds", content=picture(5)).json()["hash"]
        scene(server.http, "a lake")
        lists = [server.http.get(f"/api/{kind}").json()[kind] for kind in ("worlds", "seeds", "recordings", "jobs")]
        assert [len(each) for each in lists] == [1, 3, 1, 1]
        for url, body in ((f"worlds/{world}", {"title": "Ours"}), ("recordings/walk", {"name": "run"})):
            assert server.http.patch(f"/api/{url}", json=body).status_code == 200
        for url in (f"worlds/{world}", f"seeds/{seed}", "recordings/run"):
            assert server.http.delete(f"/api/{url}").status_code == 204
    assert not store.was_opened
