from __future__ import annotations

import os
from pathlib import Path

import pytest

from runtime_config.data_directory import default_data_directory
from runtime_config.launch_error import LaunchError
from runtime_config.launch_settings import load_runtime_config
from runtime_config.runtime_config import MossConfig, RuntimeConfig
from runtime_config.setting import settings_of

TOKEN = "correct+horse/battery.staple"
OPEN = ("--host", "0.0.0.0", "--allow-anonymous")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.upper().startswith("TERRARIUM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TERRARIUM_DATA_DIR", str(tmp_path / "data"))


def load(*arguments: str) -> RuntimeConfig:
    return load_runtime_config(arguments)


def refusal(*arguments: str) -> str:
    with pytest.raises(LaunchError) as refused:
        load(*arguments)
    return refused.value.message


def test_defaults(tmp_path: Path) -> None:
    config = load()
    assert (config.access.host, config.access.port) == ("127.0.0.1", 7987)
    assert config.access.token is None
    assert config.data_dir == tmp_path / "data"
    assert config.data_dir.is_dir()
    assert list(config.data_dir.iterdir()) == [], "the probe leaves nothing behind"
    assert config.seed_safety == "strict"
    assert config.log_format is None


def test_flags(tmp_path: Path) -> None:
    config = load(
        *("--host", "0.0.0.0", "--port", "0", "--token", TOKEN, "--parent-pid", "42", "--launched-from-standalone"),
        *("--data-dir", str(tmp_path / "a" / "b"), "--log-format", "json", "--log-level", "debug"),
        *("--allowed-origin", "http://localhost:5173", "--allowed-origin", "null"),
    )
    assert (config.access.host, config.access.port, config.access.token) == ("0.0.0.0", 0, TOKEN)
    assert config.access.allowed_origins == ("http://localhost:5173", "null")
    assert (config.parent_pid, config.launched_from_standalone) == (42, True)
    assert (config.log_format, config.log_level) == ("json", "debug")
    assert (tmp_path / "a" / "b").is_dir()


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "HOST": "::1",
        "PORT": "8080",
        "LOG_FORMAT": "text",
        "PARENT_PID": "7",
        "LAUNCHED_FROM_STANDALONE": "1",
        "ALLOWED_ORIGIN": "https://a.example, file://",
        "TOKEN": TOKEN,
        "ALLOW_ANONYMOUS": "true",
        "MAX_SESSIONS": "3",
        "SEED_SAFETY": "off",
        "MAX_UPLOAD_MIB": "5",
        "JPEG_QUALITY": "30",
        "JPEG_SUBSAMPLING": "4:4:4",
        "SMALL_JPEG_QUALITY": "70",
        "SMALL_JPEG_SUBSAMPLING": "4:2:0",
        "ENCODER_THREADS": "2",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"TERRARIUM_{name}", value)
    config = load()
    access, jpeg = config.access, config.jpeg
    assert (access.host, access.port, access.token, access.allow_anonymous) == ("::1", 8080, TOKEN, True)
    assert access.allowed_origins == ("https://a.example", "file://")
    assert (config.log_format, config.parent_pid, config.launched_from_standalone) == ("text", 7, True)
    assert (config.max_sessions, config.seed_safety, config.max_upload_bytes) == (3, "off", 5 * 1024 * 1024)
    assert (jpeg.quality, jpeg.subsampling, jpeg.threads) == (30, "4:4:4", 2)
    assert (jpeg.small_quality, jpeg.small_subsampling) == (70, "4:2:0")
    assert jpeg.lowest_quality == 30, "the floor is not above the best"


def test_flags_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRARIUM_PORT", "not a number")
    monkeypatch.setenv("TERRARIUM_ALLOWED_ORIGIN", "http://one.example")
    config = load("--port", "1", "--allowed-origin", "http://two.example")
    assert config.access.port == 1
    assert config.access.allowed_origins == ("http://two.example",)


def test_a_flag_may_be_text_that_means_something_elsewhere(tmp_path: Path) -> None:
    assert load("--data-dir", str(tmp_path / "None")).data_dir == tmp_path / "None"
    assert load("--writer-endpoint", "http://h/v1", "--writer-model", "null").authoring.writer_model == "null"


def test_a_switch_that_is_on_can_be_turned_off() -> None:
    assert load().authoring.writer_sees
    assert not load("--no-writer-sees").authoring.writer_sees


def test_an_empty_variable_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRARIUM_PORT", "")
    monkeypatch.setenv("TERRARIUM_TOKEN", "")
    assert load().access.port == 7987
    assert load().access.token is None


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("PORT", "abc", "TERRARIUM_PORT: 'abc'"),
        ("PORT", "70000", "65535"),
        ("MAX_SESSIONS", "0", "TERRARIUM_MAX_SESSIONS"),
        ("SEED_SAFETY", "maybe", "'strict' or 'off'"),
        ("JPEG_QUALITY", "101", "100"),
        ("JPEG_SUBSAMPLING", "4:1:1", "4:2:0"),
        ("ENCODER_THREADS", "0", "TERRARIUM_ENCODER_THREADS"),
        ("ALLOW_ANONYMOUS", "perhaps", "yes or no"),
    ],
)
def test_a_bad_variable_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str) -> None:
    monkeypatch.setenv(f"TERRARIUM_{variable}", value)
    assert words in refusal()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--port", "abc"), "--port: 'abc'"),
        (("--port", "-1"), "--port"),
        (("--port", "65536"), "--port"),
        (("--port",), "--help"),
        (("--bogus",), "--bogus"),
        (("--log-format", "xml"), "'text' or 'json'"),
        (("--parent-pid", "0"), "--parent-pid"),
        (("--host", ""), "host"),
        (("--max-session", "3"), "--max-session"),
        (("--token", ""), "token"),
        (("--jpeg-quality", "0"), "--jpeg-quality"),
        (("--unload-engine", "sometimes"), "'auto', 'always' or 'never'"),
        (("--host", "http://x"), "host"),
    ],
)
def test_a_bad_flag_is_named(arguments: tuple[str, ...], words: str) -> None:
    assert words in refusal(*arguments)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "box.lan"])
def test_an_open_address_needs_a_token_or_a_word(host: str) -> None:
    message = refusal("--host", host)
    assert "TERRARIUM_TOKEN" in message
    assert "--allow-anonymous" in message
    assert load("--host", host, "--token", TOKEN).access.token == TOKEN
    assert load("--host", host, "--allow-anonymous").access.allow_anonymous
    assert load("--host", host, "--accounts").access.accounts
    assert "--accounts" in message


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1", "[::1]"])
def test_a_loopback_address_needs_neither(host: str) -> None:
    assert load("--host", host).access.host == host.strip("[]")


@pytest.mark.parametrize(
    "token", ["brief", "x" * 15, "has a space in the middle", "smörgåsbord-smörgåsbord", "a" * 20 + "\n"]
)
def test_a_bad_token_is_refused_and_not_repeated(token: str) -> None:
    message = refusal("--token", token)
    assert "token" in message
    assert token not in message


def test_a_token_is_never_printed() -> None:
    config = load("--token", TOKEN)
    assert TOKEN not in repr(config)


@pytest.mark.parametrize(
    "origin",
    [
        "localhost",
        "http://",
        "http://a/",
        "http://a/b",
        "http://a:0",
        "http://a:99999",
        "*",
        "http://*",
        "http://a b",
        "file:///x",
    ],
)
def test_a_malformed_origin_is_refused(origin: str) -> None:
    assert repr(origin) in refusal("--allowed-origin", origin)


@pytest.mark.parametrize(
    "origin", ["http://a", "https://A.example:8443", "app://thing", "http://[::1]:80", "file://", "null"]
)
def test_an_origin_is_taken(origin: str) -> None:
    assert load("--allowed-origin", origin).access.allowed_origins == (origin,)


@pytest.mark.parametrize(
    ("asked", "arguments", "expected"),
    [
        (None, (), "strict"),
        (None, OPEN, "strict"),
        ("strict", (), "strict"),
        ("off", (), "off"),
    ],
)
def test_seed_safety(
    monkeypatch: pytest.MonkeyPatch, asked: str | None, arguments: tuple[str, ...], expected: str
) -> None:
    if asked is not None:
        monkeypatch.setenv("TERRARIUM_SEED_SAFETY", asked)
    assert load(*arguments).seed_safety == expected


def test_seed_safety_is_not_switched_off_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRARIUM_SEED_SAFETY", "off")
    assert "TERRARIUM_SEED_SAFETY" in refusal(*OPEN)


def test_a_data_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", "bad\0name"):
        assert "--data-dir" in refusal("--data-dir", str(folder))


def test_who_only_reads_needs_no_folder_and_makes_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "none", tmp_path / "file" / "below"):
        config = load_runtime_config(["--data-dir", str(folder), "--recordings-dir", str(folder)], for_reading=True)
        assert config.data_dir == folder
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {}, "{home}/.local/share/terrarium"),
        ("linux", {"XDG_DATA_HOME": "/elsewhere"}, "/elsewhere/terrarium"),
        ("linux", {"XDG_DATA_HOME": "relative"}, "{home}/.local/share/terrarium"),
        ("darwin", {"XDG_DATA_HOME": "/elsewhere"}, "{home}/Library/Application Support/Terrarium"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/Terrarium"),
        ("win32", {}, "{home}/AppData/Local/Terrarium"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="paths of the other platforms are written differently there")
def test_the_default_data_folder(platform: str, environment: dict[str, str], expected: str) -> None:
    assert default_data_directory(environment, platform) == Path(expected.format(home=Path.home()))


def test_help_names_every_setting(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "500")  # no word is broken
    with pytest.raises(SystemExit) as ended:
        load("--help")
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    settings = list(settings_of(RuntimeConfig))
    assert len(settings) == len({field.setting.name for field in settings}) >= 40
    assert [field.flag for field in settings if f"{field.flag} " not in text] == []
    assert [field.setting.variable for field in settings if f"({field.setting.variable}, " not in text] == []
    assert [field.help for field in settings if field.help not in text] == []


def test_recordings_have_a_folder_a_quota_and_folders_of_clients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load().recording.folder is None
    assert load().recording.client_folders == ()
    (tmp_path / "a, b").mkdir()
    (tmp_path / "c").mkdir()
    folders = tuple((tmp_path / name).resolve() for name in ("a, b", "c"))
    flags = [part for folder in folders for part in ("--client-recordings-dir", str(folder))]
    recording = load("--recordings-dir", str(tmp_path / "new" / "films"), *flags).recording
    assert recording.folder == tmp_path / "new" / "films"
    assert (tmp_path / "new" / "films").is_dir()
    assert recording.client_folders == folders
    monkeypatch.setenv("TERRARIUM_CLIENT_RECORDINGS_DIR", os.pathsep.join(map(str, folders)))
    monkeypatch.setenv("TERRARIUM_RECORDINGS_QUOTA_MIB", "5")
    recording = load().recording
    assert (recording.client_folders, recording.quota_bytes) == (folders, 5 * 1024 * 1024)


def test_a_folder_of_clients_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("missing", "file"):
        assert name in refusal("--client-recordings-dir", str(tmp_path / name))
    assert "--recordings-dir" in refusal("--recordings-dir", str(tmp_path / "file" / "below"))


def test_moss_is_told_its_frames_and_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert load().moss == MossConfig(weights=None, frames="small")
    monkeypatch.setenv("TERRARIUM_MOSS_FRAMES", "large")
    assert load().moss.frames == "large"
    asked = load("--moss-frames", "small", "--moss-weights", str(tmp_path)).moss
    assert (asked.frames, asked.weights) == ("small", tmp_path)


def test_frames_of_an_unknown_size_are_refused() -> None:
    told = refusal("--moss-frames=448x256")
    assert "--moss-frames" in told
    assert "'large' or 'small'" in told


DATABASE = "postgresql+psycopg://terrarium@127.0.0.1/terrarium"


def test_servers_that_share_read_their_settings_in_the_shared_folder(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "settings.toml").write_text("max_sessions = 3\n")
    shares = ("--data-dir", str(tmp_path / "own"), "--shared-dir", str(shared), "--database-url", DATABASE)
    config = load(*shares, "--server-name", "north")
    assert (config.max_sessions, config.fleet.name, config.shared_dir) == (3, "north", shared)
    assert load("--data-dir", str(tmp_path / "own")).shared_dir == tmp_path / "own"


def test_a_folder_is_not_shared_without_a_database(tmp_path: Path) -> None:
    assert "TERRARIUM_DATABASE_URL" in refusal("--shared-dir", str(tmp_path / "shared"))


def test_a_folder_is_not_both_a_server_s_own_and_shared(tmp_path: Path) -> None:
    both = ("--data-dir", str(tmp_path), "--shared-dir", str(tmp_path), "--database-url", DATABASE)
    assert "--data-dir" in refusal(*both)
