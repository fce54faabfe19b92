"""One marked field is a flag, a variable, a line of --help and a value; nothing else has to be written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from runtime_config.applies import LIVE
from runtime_config.launch_error import LaunchError
from runtime_config.read_config import read_config
from runtime_config.setting import Group, Setting, settings_of


@dataclass(frozen=True)
class Pond:
    depth: Annotated[int, Field(ge=1, le=40), Setting("pond_depth", "how deep it is", LIVE, unit=1)] = 3
    is_frozen: Annotated[bool, Setting("pond_frozen", "begin in winter", LIVE)] = False
    has_fish: Annotated[bool, Setting("pond_fish", "leave the fish out", LIVE)] = True
    fixed: str = "no setting"


@dataclass(frozen=True)
class Garden:
    pond: Annotated[Pond, Group("water")] = Pond()
    soil: Annotated[Literal["sand", "clay"], Group("earth"), Setting("soil", "what it stands on", LIVE)] = "clay"
    seeds: Annotated[tuple[str, ...], Group("earth"), Setting("seed", "one to sow", LIVE, metavar="NAME")] = ()
    plan: Annotated[Path | None, Group("earth"), Setting("plan", "where it is drawn", LIVE, default="nowhere")] = None


def garden(*arguments: str, **variables: str) -> Garden:
    return read_config(Garden, arguments, {f"TERRARIUM_{name}": value for name, value in variables.items()})[0]


def help_text(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        garden("--help")
    return " ".join(capsys.readouterr().out.split())


def test_one_field_is_a_flag_a_variable_a_line_of_help_and_a_value(capsys: pytest.CaptureFixture[str]) -> None:
    assert garden().pond.depth == 3
    assert garden(POND_DEPTH="4").pond.depth == 4
    assert garden("--pond-depth", "5", POND_DEPTH="4").pond.depth == 5
    assert "water: --pond-depth NUMBER how deep it is (TERRARIUM_POND_DEPTH, 1 to 40, default: 3)" in help_text(capsys)
    for refused in (lambda: garden("--pond-depth", "41"), lambda: garden(POND_DEPTH="deep")):
        with pytest.raises(LaunchError, match=r"^(--pond-depth: '41'|TERRARIUM_POND_DEPTH: 'deep') will not do"):
            refused()


def test_switches_turn_their_default_round(capsys: pytest.CaptureFixture[str]) -> None:
    assert garden("--pond-frozen", "--no-pond-fish").pond == Pond(is_frozen=True, has_fish=False)
    assert garden(POND_FROZEN="yes", POND_FISH="no").pond == Pond(is_frozen=True, has_fish=False)
    text = help_text(capsys)
    assert "--pond-frozen begin in winter (TERRARIUM_POND_FROZEN, default: no)" in text
    assert "--no-pond-fish leave the fish out (TERRARIUM_POND_FISH, default: yes)" in text


def test_choices_lists_and_defaults_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    made = garden("--soil", "sand", "--seed", "oak, red", "--seed", "elm", "--plan", "here")
    assert made == Garden(soil="sand", seeds=("oak, red", "elm"), plan=Path("here"))
    text = help_text(capsys)
    assert "earth: --soil {sand,clay} what it stands on (TERRARIUM_SOIL, default: clay)" in text
    assert "--seed NAME one to sow; repeatable (TERRARIUM_SEED, default: none)" in text
    assert "--plan FOLDER where it is drawn (TERRARIUM_PLAN, default: nowhere)" in text


@pytest.mark.parametrize("name", ["POND_DEPHT", "PONDDEPTH", "POND_DEPTHS"])
def test_a_mistyped_variable_is_named_with_the_one_that_is_meant(name: str) -> None:
    with pytest.raises(LaunchError, match=f"^TERRARIUM_{name} is no setting. Is TERRARIUM_POND_DEPTH meant?"):
        garden(**{name: "4"})
    assert garden(CHROMIUM="/usr/bin/chromium") == Garden(), "what resembles no setting is somebody else's"


def test_given_settings_are_told_apart_from_defaults() -> None:
    _, given = read_config(Garden, ["--soil", "clay"], {"TERRARIUM_PLAN": "here", "TERRARIUM_SEED": ""})
    assert given == {"soil": "flag", "plan": "variable"}


def test_a_field_without_the_mark_cannot_be_set() -> None:
    assert [field.path for field in settings_of(Garden) if "fixed" in field.path] == []
    with pytest.raises(LaunchError, match="--fixed"):
        garden("--fixed", "x")
