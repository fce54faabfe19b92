"""What the settings file says, and what is wrong with it: the file, the line and a sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runtime_config.launch_error import LaunchError
from runtime_config.launch_settings import launch, load_runtime_config
from runtime_config.runtime_config import RuntimeConfig
from runtime_config.setting import settings_of
from runtime_config.settings_document import SettingsDocument, parse_settings
from runtime_config.settings_fault import SettingsFaultsError
from runtime_config.settings_texts import SettingsTexts, read_texts

MIB = 1024 * 1024
SETTINGS = tuple(settings_of(RuntimeConfig))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.upper().startswith("TERRARIUM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TERRARIUM_DATA_DIR", str(tmp_path))


def parsed(text: str | bytes, secrets: str | None = None) -> SettingsDocument:
    data = text if isinstance(text, bytes) else text.encode()
    return parse_settings(SettingsTexts(data, None if secrets is None else secrets.encode()), SETTINGS)


def faults(text: str | bytes, secrets: str | None = None) -> list[tuple[int | None, str]]:
    with pytest.raises(SettingsFaultsError) as refused:
        parsed(text, secrets)
    return [(fault.line, fault.reason) for fault in refused.value.faults]


def test_values_are_of_their_fields_types() -> None:
    document = parsed(
        """\
        # who plays
        max_sessions = 3
        moments_mib = 64
        idle_place_s = 30
        allow_anonymous = true
        anonymous_may = ["uploads", "worlds"]
        jpeg_subsampling = "4:4:4"
        moss_frames = "small"
        moss_weights = "weights"
        """,
        'writer_key = "sesame"',
    )
    assert document.values == {
        "max_sessions": 3,
        "moments_mib": 64 * MIB,
        "idle_place_s": 30.0,
        "allow_anonymous": True,
        "anonymous_may": ("uploads", "worlds"),
        "jpeg_subsampling": "4:4:4",
        "moss_frames": "small",
        "moss_weights": Path("weights"),
        "writer_key": "sesame",
    }
    assert "sesame" not in repr(document)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing yet\n", b"\xef\xbb\xbf# a mark of Windows' editors\r\n"])
def test_a_file_without_settings_has_the_defaults(text: str | bytes) -> None:
    assert parsed(text).values == {}


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("max_sessions = 0", 1, "max_sessions is 0, which will not do: it should be greater than or equal to 1."),
        ("\n# eight\nmax_sessions = '8'", 3, "max_sessions is '8', which will not do: it should be a whole number."),
        ("max_sessions = true", 1, "max_sessions is True, which will not do: it should be a whole number."),
        ("max_sessions = 2.5", 1, "max_sessions is 2.5, which will not do: it should be a whole number."),
        ("idle_place_s = nan", 1, "idle_place_s is nan, which will not do: it should be"),
        ("allow_anonymous = 1", 1, "allow_anonymous is 1, which will not do: it should be true or false."),
        ("seed_safety = 'lax'", 1, "seed_safety is 'lax', which will not do: it should be one of strict, "),
        ("log_level = 2026-11-27", 1, "log_level is datetime.date"),
        ("moss_frames = 3", 1, "moss_frames is 3, which will not do: it should be one of large, small."),
        ("allowed_origin = 'http://a'", 1, "allowed_origin is 'http://a', which will not do: it should be a list of"),
        ("allowed_origin = ['a b']", 1, "The allowed origin 'a b' is malformed."),
        ("anonymous_may = ['all']", 1, "anonymous_may is ['all'], which will not do: it "),
        ("writer_model = ''", 1, "writer_model is empty. Leave it out to have the default."),
        ("client_recordings_dir = ['/no/such/folder']", 1, "The folder /no/such/folder, into which clients may record"),
        ("max_sesions = 4", 1, "There is no setting 'max_sesions'. Is max_sessions meant?"),
        ("colour = 'red'", 1, "There is no setting 'colour'."),
        ("[play]\nmax_sessions = 4", 1, "There is no setting 'play'."),
        ("port.number = 4", 1, "port is {'number': 4}, which will not do: it should be a whole number."),
        ("data_dir = '/tmp'", 1, "data_dir can only be given at a start, as --data-dir or TERRARIUM_DATA_DIR."),
        ("writer_key = 'sesame'", 1, "writer_key is a secret: it belongs into secrets.toml."),
        ('writer_model = """\nmax_sessions = 4\n"""\nmax_sessions = 0', 4, "max_sessions is 0"),
        ("allowed_origin = [\n  'null',\n  'a b',\n]", 1, "The allowed origin 'a b' is malformed."),
    ],
)
def test_a_bad_line_is_named_with_its_reason(text: str, line: int, reason: str) -> None:
    ((at, said),) = faults(text)
    assert (at, said[: len(reason)]) == (line, reason)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("max_sessions =", 1),
        ("max_sessions = 8\nmax_sess", 2),
        ("max_sessions = 8\nmax_sessions = 9", 2),
        ("writer_model = 'half a te", 1),
        ("a = [1,\n\n", 3),
        ("max_sessions = 8\nlog_level = \xff".encode("latin-1"), 2),
        (b"\x00\x00\x00", 1),
        (b"a = " + b"9" * 5000, 1),
    ],
)
def test_what_is_no_toml_is_named_with_its_line(text: str | bytes, line: int) -> None:
    ((at, said),) = faults(text)
    assert at == line
    assert said.startswith(("It is not TOML.", "It is not in UTF-8."))


def test_nesting_without_end_is_a_fault_and_no_crash() -> None:
    assert faults("a = " + "[" * 100_000) == [(None, "Its lists are nested too deeply.")]


def test_every_fault_is_told_in_the_order_of_the_lines() -> None:
    found = faults("max_sessions = 0\nseed_safety = 'lax'\nport = -1\n")
    assert [line for line, _ in found] == [1, 2, 3]


def test_a_fault_repeats_no_secret() -> None:
    for secrets in ("writer_key = 20261127", "token = 'too-short'", "token = 'with spaces and more'"):
        ((line, said),) = faults("", secrets)
        assert line == 1
        assert not any(part in said for part in ("20261127", "too-short", "with spaces"))
    assert faults("", "max_sessions = 4") == [(1, "max_sessions is no secret: it belongs into settings.toml.")]


def test_the_revision_differs_with_every_byte() -> None:
    texts = [
        SettingsTexts(),
        SettingsTexts(b""),
        SettingsTexts(b"#"),
        SettingsTexts(b"#", b""),
        SettingsTexts(b"", b"#"),
    ]
    assert len({text.revision for text in texts}) == len(texts)
    assert SettingsTexts(b"#").revision == SettingsTexts(b"#").revision


# --------------------------------------------------------------------------------------------------- the start


def refusal(*arguments: str) -> str:
    with pytest.raises(LaunchError) as refused:
        launch(arguments)
    return refused.value.message


def test_the_file_lies_below_variables_and_those_below_flags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "settings.toml").write_text("max_sessions = 3\njpeg_quality = 60\nlog_level = 'debug'\n")
    monkeypatch.setenv("TERRARIUM_JPEG_QUALITY", "70")
    started = launch(["--log-level", "warning"])
    assert (started.config.max_sessions, started.config.jpeg.quality, started.config.log_level) == (3, 70, "warning")
    assert {name: started.given.get(name) for name in ("max_sessions", "jpeg_quality", "log_level")} == {
        "max_sessions": None,
        "jpeg_quality": "variable",
        "log_level": "flag",
    }


def test_a_start_without_the_file_makes_none(tmp_path: Path) -> None:
    assert launch([]).config.max_sessions == 8
    assert not (tmp_path / "settings.toml").exists()


def test_a_broken_file_refuses_the_start_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("log_level = 'debug'\nmax_sessions = 0\n")
    assert refusal() == (
        f"The settings in {tmp_path} cannot be used. settings.toml, line 2: max_sessions is 0, which will not do: it"
        " should be greater than or equal to 1."
    )


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("\nhost = '0.0.0.0'", 2, "Listening on 0.0.0.0 lets other machines in"),
        ("host = '0.0.0.0'\nallow_anonymous = true\nseed_safety = 'off'", 3, "seed_safety=off is for a server"),
        ("writer_endpoint = 'http://127.0.0.1:1/v1'", 1, "writer_endpoint needs writer_model"),
    ],
)
def test_settings_are_checked_together_as_flags_are(tmp_path: Path, text: str, line: int, words: str) -> None:
    (tmp_path / "settings.toml").write_text(text)
    assert f"settings.toml, line {line}: {words}" in refusal()


def test_defaults_that_depend_on_others_follow_the_file(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("host = '0.0.0.0'\nallow_anonymous = true\njpeg_quality = 30\n")
    config = load_runtime_config([])
    assert config.seed_safety == "strict"
    assert config.jpeg.lowest_quality == 30


def test_a_flag_that_does_not_fit_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("seed_safety = 'off'\n")
    assert "settings.toml, line 1" in refusal("--host", "0.0.0.0", "--allow-anonymous")
    assert "settings.toml" not in refusal("--host", "0.0.0.0"), "the file is not to blame"


# ------------------------------------------------------------------------------------------------- reading files


@pytest.mark.skipif(os.name != "posix", reason="rights are others there")
@pytest.mark.parametrize(("mode", "works"), [(0o600, True), (0o400, True), (0o640, False), (0o604, False)])
def test_secrets_are_for_their_owner_alone(tmp_path: Path, mode: int, *, works: bool) -> None:
    path = tmp_path / "secrets.toml"
    path.write_text("writer_key = 'sesame'")
    path.chmod(mode)
    if works:
        assert load_runtime_config([]).authoring.writer_key == "sesame"
    else:
        assert "secrets.toml: Others on this machine may read it. Make it yours alone: chmod 600" in refusal()


@pytest.mark.skipif(os.name != "posix", reason="there are no named pipes")
def test_what_is_no_plain_file_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    os.mkfifo(path)
    assert "It is no plain file." in refusal()
    path.unlink()
    path.mkdir()
    assert "settings.toml: It " in refusal()


def test_a_file_that_is_far_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_bytes(b"#" * (257 * 1024))
    assert "It is larger than 256 KiB." in refusal()


def test_a_missing_folder_has_no_settings(tmp_path: Path) -> None:
    assert read_texts(tmp_path / "missing") == SettingsTexts()
