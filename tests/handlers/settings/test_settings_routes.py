"""The settings by REST: what is answered, what can be changed, and what a file at fault changes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from starlette.testclient import TestClient

from app_factory import create_app
from app_handler import AppHandler
from runtime_config.launch_settings import launch
from runtime_config.runtime_config import RuntimeConfig
from runtime_config.setting import settings_of
from runtime_config.settings_fault import SettingsFault
from runtime_config.settings_texts import SettingsTexts
from services.settings_file.folder_settings_files import FolderSettingsFiles
from tests.fakes.fake_settings_files import FakeSettingsFiles
from tests.play.harness import fake_services
from tests.rest_client import rest_client
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

Json: TypeAlias = dict[str, Any]


def leaves(answer: Any) -> dict[str, Json]:
    assert answer.status_code == 200, answer.text
    return {leaf["name"]: leaf for group in answer.json()["groups"] for leaf in group["settings"]}


def patch(client: TestClient, tag: str | None = None, **changes: Any) -> Any:
    etag = client.get("/api/settings").headers["ETag"] if tag is None else tag
    return client.patch("/api/settings", json={"changes": changes}, headers={"If-Match": etag})


@contextmanager
def started(folder: Path, *arguments: str) -> Generator[TestClient]:
    """A server with a real data folder, as the command line starts one."""
    begun = launch(["--data-dir", str(folder), *arguments])
    handler = AppHandler(begun, fake_services(settings_files=FolderSettingsFiles(folder)))
    with TestClient(create_app(handler), base_url="http://127.0.0.1:7987", client=("127.0.0.1", 50000)) as client:
        yield client


def test_every_setting_is_there_with_what_a_page_needs() -> None:
    with rest_client() as client:
        answer = client.get("/api/settings")
        found = leaves(answer)
    assert list(found) == [field.name for field in settings_of(RuntimeConfig)]
    assert answer.headers["ETag"] == f'"{answer.json()["revision"]}"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert found["max_sessions"] == {
        "name": "max_sessions",
        "help": "sessions that are open at a time",
        "kind": "integer",
        "choices": None,
        "least": 1,
        "most": 1024,
        "unit": None,
        "value": 8,
        "default": 8,
        "defaultInWords": None,
        "isSet": False,
        "source": "default",
        "fixedBy": None,
        "applies": "live",
        "restartReason": None,
        "pending": None,
        "isPending": False,
    }
    assert {name: found[name]["kind"] for name in ("idle_place_s", "writer_sees", "moss_frames", "anonymous_may")} == {
        "idle_place_s": "number",
        "writer_sees": "switch",
        "moss_frames": "choice",
        "anonymous_may": "list",
    }
    assert found["moss_frames"]["choices"] == ["large", "small"]
    assert found["anonymous_may"]["choices"] == ["uploads", "recordings", "worlds", "deletions"]
    assert (found["moments_mib"]["value"], found["moments_mib"]["unit"]) == (None, "MiB")
    assert (found["port"]["applies"], len(found["port"]["restartReason"]) >= 20) == ("restart", True)
    assert found["data_dir"]["fixedBy"] == "--data-dir"


def test_sources_tell_what_the_file_cannot_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "settings.toml").write_text("max_sessions = 3\njpeg_quality = 60\nlog_level = 'debug'\n")
    monkeypatch.setenv("TERRARIUM_JPEG_QUALITY", "70")
    with started(tmp_path, "--log-level", "info", "--no-writer-sees") as client:
        found = leaves(client.get("/api/settings"))
        told = {name: (leaf["value"], leaf["source"], leaf["fixedBy"]) for name, leaf in found.items()}
        refused = patch(client, jpeg_quality=50, log_level="debug", data_dir="/tmp", max_sessions=4)
    assert told["max_sessions"] == (3, "file", None)
    assert told["jpeg_quality"] == (70, "variable", "TERRARIUM_JPEG_QUALITY")
    assert told["log_level"] == ("info", "flag", "--log-level")
    assert told["writer_sees"] == (False, "flag", "--no-writer-sees")
    assert told["small_jpeg_quality"] == (90, "default", None)
    assert refused.status_code == 422
    assert set(refused.json()["faults"]) == {"jpeg_quality", "log_level", "data_dir"}
    assert (tmp_path / "settings.toml").read_text().startswith("max_sessions = 3"), "nothing was written"


def test_a_change_is_in_force_and_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("# mine\nmax_sessions = 3  # the family\n")
    with started(tmp_path) as client:
        before = client.get("/api/settings").headers["ETag"]
        answer = patch(client, max_sessions=5, moments_mib=64, moss_frames="large", anonymous_may=["worlds"])
        assert leaves(answer)["max_sessions"]["value"] == 5
        assert answer.headers["ETag"] not in (before, "")
        assert client.get("/api/sessions").json()["max_sessions"] == 5
        assert path.read_text() == (
            "# mine\nmax_sessions = 5  # the family\nmoments_mib = 64\n"
            'moss_frames = "large"\nanonymous_may = ["worlds"]\n'
        )
        back = patch(client, max_sessions=None, moments_mib=None)
        assert leaves(back)["max_sessions"]["value"] == 8
        assert path.read_text() == '# mine\nmoss_frames = "large"\nanonymous_may = ["worlds"]\n'
        assert leaves(client.get("/api/settings")) == leaves(back)


def test_a_change_needs_the_revision_that_was_seen() -> None:
    files = FakeSettingsFiles()
    with rest_client(fake_services(settings_files=files)) as client:
        seen = client.get("/api/settings").headers["ETag"]
        unnamed = client.patch("/api/settings", json={"changes": {"max_sessions": 2}})
        assert (unnamed.status_code, unnamed.json()["code"]) == (428, "settingsRevisionMissing")
        assert patch(client, seen, max_sessions=2).status_code == 200
        stale = patch(client, seen, max_sessions=3)
        assert (stale.status_code, stale.json()["code"]) == (412, "settingsChanged")
        files.texts = SettingsTexts(b"max_sessions = 4\n")  # by hand, and nobody has noticed yet
        current = client.get("/api/settings").headers["ETag"]
        assert patch(client, current, jpeg_quality=50).status_code == 412
        assert leaves(client.get("/api/settings"))["max_sessions"]["value"] == 4


def test_of_many_changes_at_once_one_wins() -> None:
    with rest_client() as client, ThreadPoolExecutor(8) as threads:
        tag = client.get("/api/settings").headers["ETag"]
        asked = [threads.submit(patch, client, tag, max_sessions=number) for number in range(1, 9)]
        statuses = sorted(answer.result().status_code for answer in asked)
    assert statuses == [200] + [412] * 7


@pytest.mark.parametrize(
    ("changes", "named", "words"),
    [
        ({"max_sessions": 0}, "max_sessions", "should be greater than or equal to 1"),
        ({"max_sessions": "8"}, "max_sessions", "should be a whole number"),
        ({"max_sessions": 8.5}, "max_sessions", "should be a whole number"),
        ({"max_sessions": True}, "max_sessions", "should be a whole number"),
        ({"max_sessions": [1]}, "max_sessions", "should be a whole number"),
        ({"allow_anonymous": "yes"}, "allow_anonymous", "should be true or false"),
        ({"log_level": "loud"}, "log_level", "should be one of debug, info, warning"),
        ({"allowed_origin": ["a b"]}, "allowed_origin", "is malformed"),
        ({"writer_model": ""}, "writer_model", "is empty"),
        ({"writer_endpoint": "http://127.0.0.1:1/v1"}, "writer_endpoint", "needs writer_model"),
        ({"writer_endpoint": "ftp://a", "writer_model": "m"}, "writer_endpoint", "is no address"),
        ({"host": "0.0.0.0"}, "host", "nothing would ask who they are"),
        ({"no_such_setting": 1}, "no_such_setting", "There is no setting"),
        ({"parent_pid": 1}, "parent_pid", "can only be given at a start"),
    ],
)
def test_a_value_that_will_not_do_is_refused_by_its_name(changes: Json, named: str, words: str) -> None:
    files = FakeSettingsFiles()
    with rest_client(fake_services(settings_files=files)) as client:
        tag = client.get("/api/settings").headers["ETag"]
        refused = patch(client, tag, **changes)
        assert client.get("/api/settings").headers["ETag"] == tag
    assert refused.status_code == 422
    answer = refused.json()
    assert answer["code"] == "settingsRefused"
    assert list(answer["faults"]) == [named]
    assert words in answer["faults"][named]
    assert files.texts == SettingsTexts()


def test_a_secret_goes_into_its_own_file_and_into_no_answer(tmp_path: Path) -> None:
    with started(tmp_path) as client:
        answer = patch(
            client,
            writer_endpoint="http://127.0.0.1:1/v1",
            writer_model="m",
            writer_key="open-sesame",
            log_level="debug",
        )
        leaf = leaves(answer)["writer_key"]
        assert (leaf["kind"], leaf["value"], leaf["isSet"], leaf["source"]) == ("secret", None, True, "file")
        assert "sesame" not in answer.text + client.get("/api/settings").text
        assert (tmp_path / "secrets.toml").read_text().endswith('writer_key = "open-sesame"\n')
        assert (tmp_path / "secrets.toml").stat().st_mode & 0o077 == 0
        assert "sesame" not in (tmp_path / "settings.toml").read_text()
        assert not leaves(patch(client, writer_key=None))["writer_key"]["isSet"]
        refused = patch(client, token="sesame")
        assert refused.status_code == 422
        assert "sesame" not in refused.text


def test_what_needs_a_restart_waits_for_it(tmp_path: Path) -> None:
    with started(tmp_path, "--log-level", "info") as client:
        leaf = leaves(patch(client, port=8001))["port"]
        assert (leaf["value"], leaf["pending"], leaf["isPending"]) == (7987, 8001, True)
        assert not leaves(client.get("/api/settings"))["host"]["isPending"]
        token = leaves(patch(client, token="a-token-of-sixteen"))["token"]
        assert (token["value"], token["pending"], token["isPending"], token["isSet"]) == (None, None, True, False)
        assert client.get("/api/settings").status_code == 200, "no token is asked for before the restart"
        assert not leaves(patch(client, port=None))["port"]["isPending"]
    with started(tmp_path) as client:
        assert client.get("/api/settings").status_code == 401


def test_only_the_owner_sees_and_changes_settings() -> None:
    with rest_client() as client:
        stranger = {"X-Forwarded-For": "192.0.2.7", "If-Match": '"a"'}
        for method, path in (("GET", ""), ("PATCH", ""), ("POST", "/reload")):
            answer = client.request(
                method, f"/api/settings{path}", headers=stranger, json={"changes": {"max_sessions": 2}}
            )
            assert (answer.status_code, answer.json()["code"]) == (403, "localOnly")


# ------------------------------------------------------------------------------------------------- files at fault


def fault(client: TestClient) -> Json | None:
    return client.get("/api/settings").json()["fault"]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (b"max_sessions = 4\njpeg_qual", 2, "It is not TOML."),
        (b"max_sessions = 0\n", 1, "max_sessions is 0"),
        (b"\n\nmax_session = 4\n", 3, "There is no setting 'max_session'. Is max_sessions meant?"),
        (b"max_sessions = 4\n# \xff\n", 2, "It is not in UTF-8."),
        (b"", None, "The file is empty."),
        (b"  \n\n", None, "The file is empty."),
        (None, None, "The file is gone."),
        (b"seed_safety = 'off'\nhost = '0.0.0.0'\nallow_anonymous = true\n", 1, "seed_safety=off is for a server"),
        (b"host = '0.0.0.0'", 1, "Listening on 0.0.0.0 lets other machines in"),
    ],
)
def test_a_file_at_fault_changes_nothing_and_is_told(text: bytes | None, line: int | None, reason: str) -> None:
    files = FakeSettingsFiles(SettingsTexts(b"max_sessions = 5\n"))
    with rest_client(fake_services(settings_files=files)) as client:
        assert leaves(client.post("/api/settings/reload"))["max_sessions"]["value"] == 5
        files.put(SettingsTexts(text))
        answer = client.post("/api/settings/reload")
        told = answer.json()["fault"]
        assert (told["file"], told["line"]) == ("settings.toml", line)
        assert told["reason"].startswith(reason)
        assert leaves(answer)["max_sessions"]["value"] == 5
        assert client.get("/health").json()["settingsFault"] == {
            name: told[name] for name in ("file", "line", "reason")
        }
        stranger = client.get("/health", headers={"X-Forwarded-For": "192.0.2.7"}).json()["settingsFault"]
        assert stranger["reason"] == "The settings file cannot be used."
        files.put(SettingsTexts(b"max_sessions = 6\n"))
        assert leaves(client.post("/api/settings/reload"))["max_sessions"]["value"] == 6
        assert fault(client) is None
        assert client.get("/health").json()["settingsFault"] is None


def test_a_file_that_cannot_be_read_changes_nothing() -> None:
    files = FakeSettingsFiles(SettingsTexts(b"max_sessions = 5\n"))
    with rest_client(fake_services(settings_files=files)) as client:
        client.post("/api/settings/reload")
        files.unreadable = SettingsFault("secrets.toml", "Others on this machine may read it.")
        answer = client.post("/api/settings/reload")
        assert leaves(answer)["max_sessions"]["value"] == 5
        assert answer.json()["fault"]["file"] == "secrets.toml"
        refused = patch(client, max_sessions=2)
        assert (refused.status_code, refused.json()["code"]) == (409, "settingsBroken")
        assert "Others on this machine may read it." in refused.json()["message"]


def test_a_broken_file_is_mended_by_hand_and_a_bad_value_by_a_change() -> None:
    files = FakeSettingsFiles()
    with rest_client(fake_services(settings_files=files)) as client:
        files.put(SettingsTexts(b"max_sessions = \n"))
        client.post("/api/settings/reload")
        assert patch(client, max_sessions=2).status_code == 409
        assert files.texts.settings == b"max_sessions = \n"
        files.put(SettingsTexts(b"max_sessions = 0\njpeg_quality = 50\n"))
        client.post("/api/settings/reload")
        still = patch(client, jpeg_quality=60)
        assert (still.status_code, list(still.json()["faults"])) == (422, ["max_sessions"])
        assert leaves(patch(client, max_sessions=2))["jpeg_quality"]["value"] == 50
        assert fault(client) is None


def test_a_file_that_has_vanished_is_written_again_by_a_change() -> None:
    files = FakeSettingsFiles(SettingsTexts(b"# mine\nmax_sessions = 5\n"))
    with rest_client(fake_services(settings_files=files)) as client:
        client.post("/api/settings/reload")
        files.put(SettingsTexts())
        client.post("/api/settings/reload")
        assert fault(client) is not None
        assert patch(client, jpeg_quality=60).status_code == 200
        assert files.texts.settings == b"# mine\nmax_sessions = 5\njpeg_quality = 60\n"


def test_a_disk_that_takes_nothing_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("max_sessions = 5\n")
    path.chmod(0o444)
    with started(tmp_path) as client:
        refused = patch(client, max_sessions=2)
        assert (refused.status_code, refused.json()["code"]) == (507, "settingsNotKept")
        assert refused.json()["message"] == "settings.toml is read-only, so nothing was changed."
        assert leaves(client.get("/api/settings"))["max_sessions"]["value"] == 5
    assert path.read_text() == "max_sessions = 5\n"


def test_the_file_is_followed(tmp_path: Path) -> None:
    """Nobody asks for it, and no request fails while the file is broken."""
    path = tmp_path / "settings.toml"

    def write(text: str) -> None:
        other = tmp_path / "next"
        other.write_text(text)
        other.replace(path)

    with started(tmp_path) as client:

        def value() -> int:
            for other in ("/health", "/api/seeds", "/api/models", "/api/sessions", "/"):
                assert client.get(other).status_code == 200
            return leaves(client.get("/api/settings"))["max_sessions"]["value"]

        write("max_sessions = 2\n")
        wait_until(lambda: value() == 2, "the new file was noticed")
        write("max_sessions = two\n")
        wait_until(lambda: fault(client) is not None, "the fault was noticed")
        assert value() == 2
        path.unlink()
        wait_until(lambda: (fault(client) or {}).get("reason") == "The file is gone.", "its absence was noticed")
        assert value() == 2
        write("max_sessions = 3\n")
        wait_until(lambda: value() == 3, "the mended file was noticed")
        assert fault(client) is None
